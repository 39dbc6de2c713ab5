# SPDX-License-Identifier: Apache-2.0
"""Installs a certificate on a site: all of it, seen on the wire, or nothing of it.

check → stage → try the configuration as it would be → swap → test → reload → shake hands → commit; on any failure back
to the old state byte for byte (reference: quality-bar F13, F14; field §3.1–3.3). Reload, never restart.
"""

from __future__ import annotations

import shutil
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from shared.probe.handshake import handshake
from shared.probe.leaf import Leaf
from shared.probe.outcome import Failed

from certwright_agent import arguments as check
from certwright_agent import journal
from certwright_agent.certificates import check_chain, check_order, covers, read_pem
from certwright_agent.errors import AgentError, Refused, StepFailed, code_of
from certwright_agent.files import link_target, make_folder, point_link, sync_folder, write_atomic
from certwright_agent.keystore import Keystore
from certwright_agent.outcome import Outcome, Outcomes, Steps, moment
from certwright_agent.webservers.site import Listener, Material, Plan, Site, WebServer, slug

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
        server, site = find_site(self._servers, arguments)
        leaf, files = self._material(arguments, site)
        folder = slug(site.web_server, site.name)
        target = self._archive / folder / f"{leaf.serial[:40]}-{job_id[:8]}"
        plan = self._check(server, site, Material(self._live / folder))
        steps.done("check", "the configuration passes its test; key, certificate and chain belong together")

        record: dict[str, Any] = {
            "job_id": job_id,
            "started_at": moment(),
            "web_server": [server.kind, str(server.main)],
            "fingerprint": leaf.fingerprint,
            "serial": leaf.serial,
            "server_name": site.server_name or leaf.dns_names[0].replace("*", "www"),
            "listeners": [[listener.probe_address, listener.port] for listener in plan.listeners],
            "candidate": str(server.candidate_path(job_id)),
            "target": str(target),
        }
        record["before"] = _served(record)
        entry = journal.Entry.begin(
            self._journal, record, self._live / folder, f"../archive/{folder}/{target.name}", plan.changes
        )
        try:
            self._stage(target, files)
            entry.advance(journal.STAGED)
            tried = server.test_candidate(server.plan(site, Material(target)).changes, Path(record["candidate"]))
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
        outcome = Outcome(True, {"served_serial": leaf.serial, "site": site.name}, steps=steps.taken)
        self._commit(entry, outcome)
        return outcome

    def recover(self) -> None:
        """Ends what an earlier run of the agent began: forward when the new certificate was seen, else back.

        Raises StepFailed when the old state cannot be brought back; the journal stays then.
        """
        for entry in journal.unfinished(self._journal):
            if entry.record["phase"] == journal.VERIFIED:
                self._commit(
                    entry, Outcome(True, {"served_serial": entry.record["serial"]}, steps=entry.record["steps"])
                )
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

    def _material(self, arguments: Mapping[str, Any], site: Site) -> tuple[Leaf, dict[str, bytes]]:
        """Checks that certificate, chain, key and site belong together; returns the files to write."""
        (pem,) = _exactly_one(check.certificates(arguments, "certificate_pem"))
        chain = check.certificates(arguments, "chain_pem")
        leaf = read_pem(pem)
        if leaf.serial != check.serial(arguments):
            raise Refused("the certificate has another serial number than the job says", "certificate_misfit")
        if leaf.spki_sha256 != check.spki(arguments):
            raise Refused("the certificate has another key than the job says", "certificate_misfit")
        if not leaf.not_before <= datetime.now(timezone.utc) < leaf.not_after:
            raise Refused(
                f"the certificate is not valid now: {leaf.not_before} to {leaf.not_after}", "certificate_not_valid_now"
            )
        if site.server_name is not None and not covers(leaf.dns_names, site.server_name):
            raise Refused(
                f"the certificate is for {', '.join(leaf.dns_names[:10])}, not for {site.server_name}",
                "certificate_misfit",
            )
        check_order(leaf, [read_pem(issuer) for issuer in chain])
        check_chain(pem, chain)
        key = self._keystore.read(leaf.spki_sha256)
        chain_bytes = "".join(chain).encode("ascii")
        certificate = pem.encode("ascii")
        return leaf, {
            "privkey.pem": key,
            "cert.pem": certificate,
            "chain.pem": chain_bytes,
            "fullchain.pem": certificate + chain_bytes,
        }

    def _check(self, server: WebServer, site: Site, material: Material) -> Plan:
        """Everything that can be known before anything is touched (F14). Raises Refused."""
        if site.reason:
            raise Refused(site.reason, "site_not_writable")
        verdict = server.test()
        if not verdict.ok:
            raise Refused(
                f"the present configuration does not pass its own test; nothing was changed: {verdict.detail}",
                "config_broken",
            )
        if not server.running():
            raise Refused(f"{server.kind} is not running: start it, then try again", "not_running")
        plan = server.plan(site, material)
        known = {(o.address, o.port) for other in server.sites() for o in other.listeners}
        for listener in plan.listeners:
            if (listener.address, listener.port) not in known:
                _check_free(listener)
        return plan

    def _stage(self, target: Path, files: Mapping[str, bytes]) -> None:
        make_folder(target)
        for name, content in files.items():
            write_atomic(target / name, content, mode=0o600 if name == "privkey.pem" else 0o644)
        sync_folder(target.parent)

    def _swap(self, server: WebServer, entry: journal.Entry, plan: Plan, steps: Steps) -> None:
        for change in plan.changes:
            if change.path.read_bytes() != change.old:
                raise StepFailed(f"{change.path} was changed by somebody else meanwhile", "changed_meanwhile")
        link = entry.record["link"]
        point_link(Path(link["path"]), link["new"])
        entry.advance(journal.LINKED)
        entry.apply(self._staging)
        entry.advance(journal.WRITTEN)
        steps.done(
            "swap", ", ".join(str(change.path) for change in plan.changes) or "the files under their stable names"
        )
        verdict = server.test()
        if not verdict.ok:
            raise StepFailed(f"the new configuration does not pass its test: {verdict.detail}", "config_refused")
        entry.advance(journal.TESTED)
        steps.done("test")
        verdict = server.reload()
        if not verdict.ok:
            raise StepFailed(f"the reload failed: {verdict.detail}", "reload_failed")
        entry.advance(journal.RELOADED)
        steps.done("reload")
        wrong = self._wait_for(entry.record, entry.record["fingerprint"])
        if wrong:
            raise StepFailed(f"the new certificate is not served: {wrong}", "not_served")
        steps.done("verify", f"serial {entry.record['serial']} served on every TLS binding")
        entry.record["steps"] = steps.taken
        entry.advance(journal.VERIFIED)

    def _wait_for(self, record: Mapping[str, Any], fingerprint: str) -> str:
        """Empty when every listener serves this certificate; else what is wrong when the time is up."""
        seen = self._settled(record, [(address, port, fingerprint) for address, port in record["listeners"]])
        for address, port, served in seen:
            if served != fingerprint:
                return f"{address}:{port} " + (f"serves {served[:16]}…" if len(served) == 64 else f"says {served}")
        return ""

    def _settled(self, record: Mapping[str, Any], wanted: list[tuple[str, int, str]]) -> list[tuple[str, int, str]]:
        """What is served once it is `wanted` three times in a row, or when the time is up.

        Old workers may take one more connection after a reload, so that one good look is not enough.
        """
        deadline = time.monotonic() + self._verify_seconds
        good = 0
        while True:
            seen = _served(record)
            good = good + 1 if seen == wanted else 0
            if good == 3 or time.monotonic() > deadline:
                return seen
            self._sleep(0.1)

    def _back(self, server: WebServer, entry: journal.Entry, steps: Steps, error: Exception) -> Outcome:
        reason = str(error)
        steps.failed("install", reason)
        problem = self._restore(server, entry)
        if problem:
            steps.failed("restore", problem)
            said = f"{reason}; going back failed too: {problem}"
            return Outcome(False, reason=said, steps=steps.taken, code="restore_failed")
        steps.undone("restore", "the old files are back and the old state is served")
        outcome = Outcome(False, reason=reason, rolled_back=True, steps=steps.taken, code=code_of(error))
        self._outcomes.keep(entry.record["job_id"], outcome)
        self._drop(entry)
        return outcome

    def _restore(self, server: WebServer, entry: journal.Entry) -> str:
        """Old bytes, old link, reload, old certificate served. Empty when all of it is so; else what is not."""
        try:
            foreign = entry.restore(self._staging)
            verdict = server.test()
            if verdict.ok:
                verdict = server.reload()
        except (AgentError, OSError) as error:
            return str(error)
        if foreign:
            return f"{', '.join(foreign)} was changed by somebody else"
        if not verdict.ok:
            return verdict.detail
        before = [(address, port, seen) for address, port, seen in entry.record["before"]]
        now = self._settled(entry.record, before)
        # Where nothing was served before, nothing has to come back.
        lost = [f"{was[0]}:{was[1]}" for was, seen in zip(before, now) if seen != was and len(was[2]) == 64]
        return f"{', '.join(lost)} does not serve the old certificate" if lost else ""

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
        live = link_target(Path(entry.record["link"]["path"]))
        if live is None or Path(live).name != target.name:
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


def _served(record: Mapping[str, Any]) -> list[tuple[str, int, str]]:
    """Address, port and the SHA-256 fingerprint served there, or the word for why none was seen."""
    seen = []
    for address, port in record["listeners"]:
        observed = handshake(address, port, record["server_name"], timeout=3)
        seen.append(
            (address, port, observed.failure.value if isinstance(observed, Failed) else observed.leaf.fingerprint)
        )
    return seen


def _check_free(listener: Listener) -> None:
    """A new port must be free: a server that cannot bind on reload keeps the old state (nginx) or ends (Apache)."""
    family = socket.AF_INET6 if ":" in listener.address else socket.AF_INET
    address = {"*": "0.0.0.0"}.get(listener.address, listener.address)  # noqa: S104  the question is whether it is free
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        try:
            probe.bind((address, listener.port))
        except OSError as error:
            raise Refused(
                f"port {listener.port} of {listener.address} cannot be used: {error.strerror}", "port_taken"
            ) from None


def _exactly_one(pems: list[str]) -> list[str]:
    if len(pems) != 1:
        raise Refused("the job's certificate_pem holds not exactly one certificate")
    return pems
