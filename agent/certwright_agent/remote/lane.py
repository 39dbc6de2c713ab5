# SPDX-License-Identifier: Apache-2.0
"""One server and its work, in a thread of its own while the agent runs: servers do not wait for one another."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from certwright_agent.errors import AgentError
from certwright_agent.outcome import Outcome, Outcomes
from certwright_agent.remote import answers
from certwright_agent.remote.handed import Handed, too_late
from certwright_agent.remote.register import Server
from certwright_agent.remote.trouble import CONNECTED, NOT_CONNECTED, ServerTrouble
from certwright_agent.remote.visit import Visitor

LOOK_EVERY = 60.0
_AGAIN_AFTER = (1.0, 2.0, 5.0, 10.0, 30.0, 60.0)  # seconds after a visit that failed, the last one for ever


class Lane:
    """What is known of a server, and the way there. `tell` passes a step on, `news` says that there is something."""

    def __init__(
        self,
        server: Server,
        visitor: Visitor,
        handed: Handed,
        outcomes: Outcomes,
        *,
        tell: Callable[[str, dict[str, str]], None],
        news: threading.Event,
        say: Callable[[str], None],
    ) -> None:
        self.server = server
        self.sites: list[dict[str, Any]] | None = None
        self._visitor = visitor
        self._handed = handed
        self._outcomes = outcomes
        self._tell = tell
        self._news = news
        self._say = say
        self._state, self._detail, self._shown_key = NOT_CONNECTED, "it was not visited yet", ""
        self._facts: dict[str, Any] = answers.facts(None)
        self._looked_at = float("-inf")
        self._failures = 0
        self._wake = threading.Event()
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Goes on by itself from now on."""
        self._thread = threading.Thread(target=self._run, name=self.server.name, daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """There is a job."""
        self._wake.set()

    def stop(self) -> None:
        """No further visit begins; the one that is on its way ends there by itself."""
        self._ended.set()
        self._wake.set()

    def report(self) -> dict[str, Any]:
        """The server as the agent API takes it (`ServerReport`)."""
        server = self.server
        return {
            "ref": server.ref,
            "name": server.name,
            "address": server.to.address,
            "port": server.to.port,
            "user": server.to.user,
            "state": self._state,
            "detail": self._detail[:500],
            "host_key": server.host_key.fingerprint,
            "host_key_seen": self._shown_key,
            "facts": self._facts,
        }

    def round(self) -> bool:
        """One job, or one look when it is time; whether there is more to do at once."""
        waiting = self._handed.next(self.server.ref)
        if waiting is None and time.monotonic() - self._looked_at < LOOK_EVERY:
            return False
        job, sent = waiting or ({}, False)
        job_id = str(job.get("job_id", ""))
        if job and not sent and too_late(job):
            self._refuse(job_id, self._state, self._detail)
            return True
        try:
            seen = self._visitor.visit(
                self.server,
                look=not job or job.get("kind") in ("install_certificate", "report_sites"),
                job=job or None,
                begin=lambda: self._handed.sending(job_id) if job else None,
                tell=lambda step: self._tell(job_id, step),
                keep=self._keep,
            )
        except ServerTrouble as problem:
            self._failed(problem.state, str(problem), problem.seen)
            # One that is only silent may come back in time; the rest needs a person.
            if job and not sent and problem.state != NOT_CONNECTED:
                self._refuse(job_id, problem.state, self._detail)
            return False
        except (AgentError, OSError) as problem:
            self._failed(NOT_CONNECTED, str(problem), "")
            return False
        self._failures = 0
        self._set(CONNECTED, "it is still at work on an earlier job" if seen.busy else "")
        if seen.busy:
            return False
        if seen.facts is not None:
            self._facts, self.sites, self._looked_at = seen.facts, seen.sites, time.monotonic()
            self._news.set()
        for trouble in seen.problems:
            self._say(f"{self.server.name}: {trouble}")
        return self._handed.next(self.server.ref) is not None

    def _refuse(self, job_id: str, state: str, detail: str) -> None:
        """A job that was never sent ends with the state of its server as the reason."""
        code = "too_late" if state == CONNECTED else f"server_{state}"
        reason = "the job came too late" if state == CONNECTED else f"{self.server.name} is {state}: {detail}"
        self._outcomes.keep(job_id, Outcome(succeeded=False, reason=reason, code=code))
        self._handed.settle(job_id)
        self._news.set()

    def _keep(self, job_id: str, raw: object) -> bool:
        """An outcome is safe on this host before the server may forget it; of jobs that are not its own, none is: they
        may be those of another agent that goes there as the same user."""
        job = self._handed.sent_to(self.server.ref, job_id)
        if job is None:
            return job_id in self._outcomes.waiting()
        outcome = answers.outcome(raw, str(job.get("kind")))
        self._outcomes.keep(job_id, outcome)
        self._handed.settle(job_id)
        kind = answers.words(str(job.get("kind")), 40)
        self._say(f"{kind} {job_id} on {self.server.name}: {_end(outcome)}")
        self._news.set()
        return True

    def _failed(self, state: str, detail: str, shown_key: str) -> None:
        self._failures += 1
        detail = answers.words(detail[:1000].replace("PRIVATE KEY", "…"), 500)
        self._shown_key = shown_key
        self._set(state, detail)
        self._say(f"{self.server.name}: {detail}")

    def _set(self, state: str, detail: str) -> None:
        if (state, detail) != (self._state, self._detail):
            self._news.set()
        self._state, self._detail = state, detail
        if state == CONNECTED:
            self._shown_key = ""

    def _run(self) -> None:
        while not self._ended.is_set():
            try:
                more = self.round()
            except Exception as problem:  # noqa: BLE001  a lane that ended would leave its server for ever
                self._failures += 1
                self._say(f"{self.server.name}: {type(problem).__name__}")
                more = False
            if more:
                continue
            failed = self._failures
            wait = _AGAIN_AFTER[min(failed, len(_AGAIN_AFTER)) - 1] if failed else 1.0
            if self._wake.wait(wait):
                self._wake.clear()


def _end(outcome: Outcome) -> str:
    return "done" if outcome.succeeded else outcome.reason
