# SPDX-License-Identifier: Apache-2.0
"""The program on a server, for the agent that reached it: one question as a line of JSON, the answers as lines.

What is begun is ended, even when nobody listens any more: a lost connection stops nothing, the outcome waits on disk
until the agent says that it has it, and a job that comes again is answered with what it led to. A process that was
killed left its journal, and the next contact takes its work back.
"""

from __future__ import annotations

import fcntl
import json
import os
import select
import signal
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, TextIO

from certwright_agent import facts, report
from certwright_agent.config import Settings, load_on_behalf
from certwright_agent.errors import AgentError
from certwright_agent.files import make_folder
from certwright_agent.jobs import Worker

QUESTION_LIMIT = 1024 * 1024
_LOCK_SECONDS = 3.0
_PATIENCE_SECONDS = 20.0  # with an agent that neither speaks, listens nor hangs up
_MOST_OUTCOMES = 50
_KEPT_SECONDS = 30 * 86400.0  # an outcome that nobody came for: its agent is gone
_NOT_HERE = frozenset({"run_scan"})  # these outlive a visit; the agent's own host does them


class Answers:
    """Lines to the agent, if it still listens."""

    def __init__(self, descriptor: int) -> None:
        os.set_blocking(descriptor, False)
        self._descriptor = descriptor
        self.heard = True

    def tell(self, **words: Any) -> None:
        """Says one line. Neither raises nor waits for long: what is being done counts for more than who hears of it."""
        content = json.dumps(words).encode("ascii") + b"\n"
        while content and self.heard:
            try:
                ready = select.select([], [self._descriptor], [], _PATIENCE_SECONDS)[1]
                content = content[os.write(self._descriptor, content) :] if ready else b""
                self.heard = bool(ready)
            except OSError:  # noqa: PERF203  each write may be the one that nobody hears
                self.heard = False


def main() -> int:
    """Answers one question from standard input, in the folder of the program."""
    for lost in (signal.SIGHUP, signal.SIGPIPE, signal.SIGINT):
        signal.signal(lost, signal.SIG_IGN)
    answers = Answers(os.dup(1))
    os.dup2(2, 1)  # nothing else may speak there
    question = _line()
    try:
        settings = load_on_behalf(Path(sys.argv[0]).resolve().parent)
        make_folder(settings.state)
        lock = _alone(settings.state)
        if lock is None:
            answers.tell(busy=True)
            return 0
        with lock:
            _answer(settings, question, answers)
            if answers.heard:
                Worker(settings).outcomes.forget(_line().get("acknowledge"))
    except (AgentError, OSError) as problem:
        answers.tell(trouble=str(problem)[:1000])
    return 0


def _answer(settings: Settings, question: Mapping[str, Any], answers: Answers) -> None:
    worker = Worker(settings)
    worker.recover()
    worker.outcomes.tidy(_KEPT_SECONDS)
    job = question.get("job")
    if isinstance(job, dict):
        if job.get("kind") in _NOT_HERE:
            job = {**job, "kind": f"{job['kind']} on a server"}
        worker.work(job, lambda step: answers.tell(step=step))
        asked = str(job.get("job_id"))
    else:
        asked = ""
    waiting = worker.outcomes.waiting()
    for job_id in sorted(waiting, key=lambda each: each != asked)[:_MOST_OUTCOMES]:
        answers.tell(job_id=job_id, outcome=asdict(waiting[job_id]))
    if question.get("look") is True:
        sites, problems = report.sites(worker.servers, worker.watch)
        answers.tell(facts=facts.gather(worker.servers), sites=sites, problems=problems[:20])
    answers.tell(end=True)


def _line() -> dict[str, Any]:
    """The next question from standard input; an empty one when there is none, or it is none."""
    content = bytearray()
    while not content.endswith(b"\n") and len(content) <= QUESTION_LIMIT:
        part = os.read(0, 64 * 1024) if select.select([0], [], [], _PATIENCE_SECONDS)[0] else b""
        if not part:
            return {}
        content += part
    try:
        value = json.loads(content)
    except (ValueError, RecursionError):
        value = None
    return value if isinstance(value, dict) else {}


def _alone(state: Path) -> TextIO | None:
    """The lock of the state folder; None when an earlier visit is still at work after a while."""
    lock = (state / "lock").open("w")
    deadline = time.monotonic() + _LOCK_SECONDS
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:  # noqa: PERF203  that is how a lock says that it is held
            if time.monotonic() > deadline:
                lock.close()
                return None
            time.sleep(0.1)
        else:
            return lock
