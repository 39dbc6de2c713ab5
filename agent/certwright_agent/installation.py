# SPDX-License-Identifier: Apache-2.0
"""Installs a certificate on a site: all of it, seen on the wire, or nothing of it.

check → stage → try the configuration as it would be → swap → test → reload → shake hands → commit; on any failure back
to the old state byte for byte (reference: quality-bar F13, F14; field §3.1–3.3). Reload, never restart.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from certwright_agent import arguments as check
from certwright_agent import journal, placed, planning
from certwright_agent.errors import AgentError, Refused, StepFailed, code_of
from certwright_agent.files import alone, make_folder, sync_folder, write_atomic
from certwright_agent.fitness import check_host, check_names, material
from certwright_agent.keystore import Keystore
from certwright_agent.outcome import Outcome, Outcomes, Steps, moment
from certwright_agent.planning import Ready
from certwright_agent.served import served, settled, to_ask, wrong
from certwright_agent.undoing import undoable
from certwright_agent.webservers.site import Material, Plan, Site, WebServer, name_to_ask_for, slug

_KEPT = 3  # old keys and certificates of a site that stay on the host


class Installer:
    """Installs on the web servers of this host. `verify_seconds`: how long new workers may take to show up."""

    def __init__(
        self,
        *,
        state: Path,
        servers: Sequence[WebServer],
        keystore: Keystore,
        outcomes: Outcomes,
        verify_seconds: float,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._servers = servers
        self._keystore = keystore
        self._outcomes = outcomes
        self._verify_seconds = verify_seconds
        self._sleep = sleep
        self._archive = make_folder(state / "archive")
        self._live = make_folder(state / "live")
        self._staging = make_folder(state / "staging")
        self._journal = make_folder(state / "journal")

    def install(self, job_id: str, arguments: Mapping[str, Any], steps: Steps) -> Outcome:
        """Installs; the outcome tells how it ended. Raises Refused or StepFailed with nothing changed."""
        with alone(self._journal):
            return self._install(job_id, arguments, steps)

    def plan(self, _job_id: str, arguments: Mapping[str, Any], steps: Steps) -> Outcome:
        """Tells what an installation would change, and changes nothing. Raises Refused where it would."""
        with alone(self._journal):
            ready = self._ready(arguments, steps)
            plan = planning.told(ready)
        count = len(ready.plan.changes)
        steps.done("plan", f"{count} configuration files would change" if count != 1 else "1 configuration file would")
        return Outcome(True, {"plan": plan}, steps=steps.taken)

    def recover(self) -> None:
        """Ends what an earlier run of the agent began: forward when the new certificate was seen, else back.

        Raises StepFailed when the old state cannot be brought back; the journal stays then.
        """
        with alone(self._journal):
            self._recover()

    def roll_back(self, kind: str, name: str, steps: Steps) -> Outcome:
        """Undoes the last installation on a site: files and link as they were before it, seen on the wire.

        The installation becomes one that was cut off, so that an end on the way is ended by `recover`. Where the old
        state cannot be brought back, the site returns to what it had. Raises Refused, StepFailed.
        """
        with alone(self._journal):
            self._recover()
            server, site = find_site(self._servers, {"web_server": kind, "site_name": name})
            entry = undoable(self._journal, server, site)
            if not server.running():
                raise Refused(f"{kind} is not running: start it, then try again", "not_running")
            steps.done("check", f"what was installed at {entry.record['started_at']} can be undone")
            entry.reopen(self._journal)
            problem = self._restore(server, entry)
            if problem:
                return self._forward(server, entry, problem, steps)
            self._drop(entry)
            steps.done("restore", "the files are as they were before the installation, and so is what is served")
            return Outcome(True, {"site": site.name, "served": entry.record["before"]}, steps=steps.taken)

    def _install(self, job_id: str, arguments: Mapping[str, Any], steps: Steps) -> Outcome:
        ready = self._ready(arguments, steps)
        told = planning.told(ready)
        planning.refuse_another(arguments, told)
        server, site, plan, leaf, files = ready.server, ready.site, ready.plan, ready.leaf, ready.files
        folder = ready.material.folder.name
        target = self._archive / folder / f"{leaf.serial[:40]}-{job_id[:8]}"

        record: dict[str, Any] = {
            "job_id": job_id,
            "started_at": moment(),
            "web_server": [server.kind, str(server.main)],
            "site": site.name,
            "fingerprint": leaf.fingerprint,
            "serial": leaf.serial,
            "server_name": ready.name,
            "listeners": [to_ask(listener) for listener in plan.listeners],
            "hosts": list(plan.hosts),
            "candidate": str(server.candidate_path(job_id)),
            "target": str(target),
            "plan": told,
        }
        record["before"] = served(record)
        link = None if plan.placements else self._live / folder
        entry = journal.Entry.begin(self._journal, record, link, f"../archive/{folder}/{target.name}", plan.changes)
        try:
            self._stage(target, files)
            entry.record["placed"] = placed.stage(target, plan.placements, files)
            entry.advance(journal.STAGED)
            tried = server.test_candidate(server.plan(site, Material(target)).changes, Path(record["candidate"]))
            if tried.ok:
                tried = plan.try_placed(placed.staged(entry.record["placed"]))
            if not tried.ok:
                raise StepFailed(
                    f"the web server does not accept the new configuration: {tried.detail}", "config_refused"
                )
            entry.advance(journal.TRIED)
            steps.done("stage", f"files written below {target}; the web server accepts the new configuration")
        except (AgentError, OSError) as error:
            self._drop(entry)
            raise StepFailed(str(error), code_of(error)) from None
        try:
            self._swap(server, entry, plan, steps)
        except Exception as error:  # noqa: BLE001  whatever it was, the old state has to come back
            return self._back(server, entry, steps, error)
        result = {"served_serial": leaf.serial, "site": site.name, "plan": told}
        outcome = Outcome(True, result, steps=steps.taken)
        self._commit(entry, outcome)
        return outcome

    def _ready(self, arguments: Mapping[str, Any], steps: Steps) -> Ready:
        """Everything that can be checked without touching anything. Raises Refused."""
        server, site = find_site(self._servers, arguments)
        leaf, files = material(arguments, site, self._keystore)
        stable = Material(self._live / slug(site.web_server, site.name))
        plan = check_host(server, site, stable)
        check_names(leaf, plan)
        steps.done("check", "the configuration passes its test; key, certificate and chain belong together")
        name = name_to_ask_for(site, leaf.dns_names, server.sites())
        return Ready(server=server, site=site, plan=plan, leaf=leaf, files=files, material=stable, name=name)

    def _recover(self) -> None:
        for entry in journal.unfinished(self._journal):
            if entry.record["phase"] == journal.VERIFIED:
                result = {"served_serial": entry.record["serial"], "plan": entry.record.get("plan")}
                self._commit(entry, Outcome(True, result, steps=entry.record["steps"]))
                continue
            Path(entry.record["candidate"]).unlink(missing_ok=True)
            server = next((s for s in self._servers if [s.kind, str(s.main)] == entry.record["web_server"]), None)
            touched = journal.PHASES.index(entry.record["phase"]) >= journal.PHASES.index(journal.TRIED)
            reason = self._take_back(server, entry) if touched else ""
            if reason:
                raise StepFailed(f"an interrupted installation could not be taken back: {reason}", "restore_failed")
            self._drop(entry)  # the gateway hands the job out again

    def _take_back(self, server: WebServer | None, entry: journal.Entry) -> str:
        """Restores after an interruption. A file that somebody changed meanwhile is theirs and stays as it is."""
        may_have_reloaded = entry.record["phase"] in {journal.TESTED, journal.RELOADED}
        # nginx outlives a failed reload, Apache may not: one that is down for another reason is not started here.
        down = server is None or (not server.running() and not (may_have_reloaded and server.kind == "apache"))
        if server is None or down or entry.foreign():
            entry.restore(self._staging)
            return ""
        return self._restore(server, entry)

    def _stage(self, target: Path, files: Mapping[str, bytes]) -> None:
        make_folder(target)
        for name, content in files.items():
            write_atomic(target / name, content, mode=0o600 if name == "privkey.pem" else 0o644)
        sync_folder(target.parent)

    def _swap(self, server: WebServer, entry: journal.Entry, plan: Plan, steps: Steps) -> None:
        for change in plan.changes:
            if change.path.read_bytes() != change.old:
                raise StepFailed(f"{change.path} was changed by somebody else meanwhile", "changed_meanwhile")
        entry.point()
        entry.advance(journal.LINKED)
        entry.apply(self._staging)
        entry.advance(journal.WRITTEN)
        touched = [change.path for change in plan.changes] + [placement.path for placement in plan.placements]
        steps.done("swap", ", ".join(map(str, touched)) or "the files under their stable names")
        verdict = server.test()
        if not verdict.ok:
            raise StepFailed(f"the new configuration does not pass its test: {verdict.detail}", "config_refused")
        entry.advance(journal.TESTED)
        steps.done("test")
        verdict = server.reload(*entry.record["hosts"])
        if not verdict.ok:
            raise StepFailed(f"the reload failed: {verdict.detail}", "reload_failed")
        entry.advance(journal.RELOADED)
        steps.done("reload")
        amiss = wrong(entry.record, entry.record["fingerprint"], self._verify_seconds, self._sleep)
        if amiss:
            raise StepFailed(f"the new certificate is not served: {amiss}", "not_served")
        steps.done("verify", f"serial {entry.record['serial']} served on every TLS binding")
        entry.record["steps"] = steps.taken
        entry.advance(journal.VERIFIED)

    def _back(self, server: WebServer, entry: journal.Entry, steps: Steps, error: Exception) -> Outcome:
        reason = str(error)
        tried = {"plan": entry.record["plan"]}
        steps.failed("install", reason)
        problem = self._restore(server, entry)
        if problem:
            steps.failed("restore", problem)
            said = f"{reason}; going back failed too: {problem}"
            return Outcome(False, tried, reason=said, steps=steps.taken, code="restore_failed")
        steps.undone("restore", "the old files are back and the old state is served")
        outcome = Outcome(False, tried, reason=reason, rolled_back=True, steps=steps.taken, code=code_of(error))
        self._outcomes.keep(entry.record["job_id"], outcome)
        self._drop(entry)
        return outcome

    def _restore(self, server: WebServer, entry: journal.Entry) -> str:
        """Old bytes, old link, reload, old certificate served. Empty when all of it is so; else what is not."""
        try:
            foreign = entry.restore(self._staging)
            verdict = server.test()
            if verdict.ok:
                verdict = server.reload(*entry.record.get("hosts", []))
        except (AgentError, OSError) as error:
            return str(error)
        if foreign:
            return f"{', '.join(foreign)} was changed by somebody else"
        if not verdict.ok:
            return verdict.detail
        before = [(address, port, seen) for address, port, seen in entry.record["before"]]
        now = settled(entry.record, before, self._verify_seconds, self._sleep)
        # Where nothing was served before, nothing has to come back.
        lost = [f"{was[0]}:{was[1]}" for was, seen in zip(before, now) if seen != was and len(was[2]) == 64]
        return f"{', '.join(lost)} does not serve the old certificate" if lost else ""

    def _forward(self, server: WebServer, entry: journal.Entry, problem: str, steps: Steps) -> Outcome:
        """What an undoing that failed leaves: the installation as it stood before."""
        steps.failed("restore", problem)
        try:
            entry.restore(self._staging)
            entry.point()
            entry.apply(self._staging)
            verdict = server.reload(*entry.record.get("hosts", []))
            amiss = "" if verdict.ok else verdict.detail
        except (AgentError, OSError) as error:
            amiss = str(error)
        amiss = amiss or wrong(entry.record, entry.record["fingerprint"], self._verify_seconds, self._sleep)
        if amiss:
            steps.failed("return", amiss)
            return Outcome(False, reason=f"{problem}; and then: {amiss}", steps=steps.taken, code="restore_failed")
        steps.undone("return", "the site serves again what it served before the attempt")
        entry.advance(journal.VERIFIED)
        entry.close()
        return Outcome(False, reason=problem, rolled_back=True, steps=steps.taken, code="restore_failed")

    def _commit(self, entry: journal.Entry, outcome: Outcome) -> None:
        self._outcomes.keep(entry.record["job_id"], outcome)
        entry.close()
        current = Path(entry.record["target"])
        for old in sorted(current.parent.iterdir(), key=lambda path: path.stat().st_mtime)[:-_KEPT]:
            if old != current:
                shutil.rmtree(old)

    def _drop(self, entry: journal.Entry) -> None:
        """Nothing of it is in use: the staged files go, the record becomes history."""
        target = Path(entry.record["target"])
        if not entry.in_use(target):
            shutil.rmtree(target, ignore_errors=True)
        entry.close()


def find_site(servers: Sequence[WebServer], arguments: Mapping[str, Any]) -> tuple[WebServer, Site]:
    """The site that a job names by `web_server` and `site_name`. Raises Refused."""
    kind, name = check.text(arguments, "web_server"), check.site_name(arguments)
    for server in servers:
        if server.kind == kind:
            for site in server.sites():
                if site.name == name:
                    return server, site
    raise Refused(f"there is no {kind} site {name} on this host any more", "site_gone")
