# SPDX-License-Identifier: Apache-2.0
"""The closed list of what the gateway may ask for. Anything else is refused; there is no job that runs a command."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime, timezone
from typing import Any

from certwright_agent import arguments as check
from certwright_agent import report, saving
from certwright_agent.challenge_files import ChallengeFiles
from certwright_agent.config import Settings
from certwright_agent.errors import AgentError, Refused, code_of
from certwright_agent.installation import Installer
from certwright_agent.keystore import Keystore
from certwright_agent.outcome import Outcome, Outcomes, Steps
from certwright_agent.scans import Scans
from certwright_agent.watching import Watch

_JOB_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z")


class Worker:
    """Does jobs, one after the other."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.servers = settings.servers()
        self.outcomes = Outcomes(settings.state / "outcomes")
        self.scans = Scans(settings)
        self.challenges = ChallengeFiles(settings.state / "challenges")
        self.watch = Watch(settings.state)
        self._keystore = Keystore(settings.state / "keys")
        self.installer = Installer(
            state=settings.state,
            servers=self.servers,
            keystore=self._keystore,
            outcomes=self.outcomes,
            verify_seconds=settings.verify_seconds,
        )
        self._kinds: dict[str, Callable[[str, Mapping[str, Any], Steps], Outcome]] = {
            "make_csr": self._make_csr,
            "place_dcv_file": lambda _, a, s: _wrote(s, saving.place_dcv_file(self.servers, a)),
            "remove_dcv_file": lambda _, a, s: _wrote(s, saving.remove_dcv_file(self.servers, a)),
            "place_acme_file": self._place_acme_file,
            "remove_acme_file": lambda _, a, s: _wrote(s, self.challenges.remove(a), "remove"),
            "plan_installation": self.installer.plan,
            "install_certificate": self.installer.install,
            "save_certificate": lambda _, a, s: _wrote(s, saving.save_certificate(settings.save_directory, a)),
            "check_installation": lambda _, a, s: _found(s, report.check_installation(self.servers, a)),
            "report_sites": lambda *_: Outcome(succeeded=True),
            "run_scan": lambda _, a, s: self.scans.accept(a, s),
        }

    def recover(self) -> None:
        """Ends what an earlier run began, and what was left to be ended. Raises StepFailed."""
        self.installer.recover()
        self.challenges.tidy()

    def work(self, job: Mapping[str, Any], tell: Callable[[dict[str, str]], None]) -> tuple[str, Outcome]:
        """Does one job as the gateway sent it and keeps its outcome. Raises Refused only for a job without an id."""
        job_id = job_id_of(job)
        known = self.outcomes.waiting().get(job_id)
        if known is not None:
            return job_id, known
        steps = Steps(tell)
        try:
            outcome = self._run(job_id, job, steps)
        except Exception as problem:  # noqa: BLE001  the gateway must learn of it, and the next job must run
            steps.failed(str(job.get("kind"))[:40], _reason(problem))
            outcome = Outcome(succeeded=False, reason=_reason(problem), steps=steps.taken, code=code_of(problem))
        self.outcomes.keep(job_id, outcome)
        if job.get("kind") == "make_csr":
            self._keystore.settle(job_id)
        return job_id, outcome

    def _run(self, job_id: str, job: Mapping[str, Any], steps: Steps) -> Outcome:
        work = self._kinds.get(str(job.get("kind")))
        arguments = job.get("arguments")
        if work is None or not isinstance(arguments, Mapping):
            raise Refused(
                f"this agent does not know the job {str(job.get('kind'))[:40]!r}: is it outdated?", "unknown_job"
            )
        if _moment(job.get("expires_at")) <= datetime.now(timezone.utc):
            raise Refused("the job came too late", "too_late")
        return work(job_id, arguments, steps)

    def _place_acme_file(self, _job_id: str, arguments: Mapping[str, Any], steps: Steps) -> Outcome:
        path, seen = self.challenges.place(self.servers, arguments)
        steps.done("write", path)
        steps.done("look", f"the site answers with it at {seen}")
        return Outcome(succeeded=True, result={"path": path, "seen": seen}, steps=steps.taken)

    def _make_csr(self, job_id: str, arguments: Mapping[str, Any], steps: Steps) -> Outcome:
        names = check.names(arguments)
        common_name = check.fqdn(arguments.get("common_name") or names[0], "common_name")
        if common_name not in names:
            raise Refused("the common name is not one of the names")
        algorithm = check.key_algorithm(arguments)
        csr, spki = self._keystore.make_csr(job_id, names, common_name, check.organization(arguments), algorithm)
        steps.done("make_csr", f"a new {algorithm} key, which stays on this host, and its CSR for {len(names)} names")
        return Outcome(succeeded=True, result={"csr_pem": csr, "spki_sha256": spki}, steps=steps.taken)


def job_id_of(job: Mapping[str, Any]) -> str:
    """The id that names files of the job. Raises Refused for one that is none."""
    job_id = str(job.get("job_id"))
    if not _JOB_ID.match(job_id):
        raise Refused("the gateway sent a job without a proper id")
    return job_id


def _reason(problem: Exception) -> str:
    """What people get to read. An error that nobody foresaw is named by its type: its text may hold anything."""
    known = isinstance(problem, (AgentError, OSError))
    return str(problem)[:2000] if known else f"the agent failed unexpectedly ({type(problem).__name__})"


def _wrote(steps: Steps, path: str, step: str = "write") -> Outcome:
    steps.done(step, path)
    return Outcome(succeeded=True, result={"path": path}, steps=steps.taken)


def _found(steps: Steps, result: dict[str, Any]) -> Outcome:
    steps.done("handshake", f"{len(result['bindings'])} TLS bindings looked at")
    return Outcome(succeeded=True, result=result, steps=steps.taken)


def _moment(text: object) -> datetime:
    try:
        return datetime.strptime(str(text)[:19] + "Z", "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc)
    except ValueError:
        raise Refused("the job does not say when it ends") from None
