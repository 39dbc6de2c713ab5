# SPDX-License-Identifier: Apache-2.0
"""One visit to a server: the agent's program is started there, given a job or asked what there is, and heard."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from certwright_agent.errors import AgentError, StepFailed
from certwright_agent.remote import answers, program
from certwright_agent.remote.conversation import Conversation
from certwright_agent.remote.host_key import refuse_another
from certwright_agent.remote.keys import Keys
from certwright_agent.remote.register import Server
from certwright_agent.remote.ssh import argv
from certwright_agent.remote.trouble import KEYS_MISSING, NOT_CONNECTED, ServerTrouble

_LINE_SECONDS = 180.0  # a step of an installation takes this long at most: a test, a reload, a proof
_MOST_OUTCOMES = 100
_VISIT_SECONDS = 900.0  # as long as a job may be begun (the service's WORK_TIME)


@dataclass
class Seen:
    """What a visit brought. `facts` and `sites` are None when they were not asked for."""

    facts: dict[str, Any] | None = None
    sites: list[dict[str, Any]] | None = None
    problems: list[str] = field(default_factory=list)
    busy: bool = False


class Visitor:
    """Goes to servers with the agent's key and program."""

    def __init__(self, keys: Keys, known_hosts: Path, own_program: bytes) -> None:
        self._keys = keys
        self._known_hosts = known_hosts
        self._program = own_program

    def visit(
        self,
        server: Server,
        *,
        look: bool,
        job: Mapping[str, Any] | None = None,
        begin: Callable[[], None] = lambda: None,
        tell: Callable[[dict[str, str]], None] = lambda _step: None,
        keep: Callable[[str, object], bool] = lambda _job_id, _outcome: False,
    ) -> Seen:
        """`begin` is called before the job is sent: from then on only the server knows what became of it. `keep` is
        given each outcome and says whether it is this agent's, and safe: only then the server may forget it.

        Raises ServerTrouble when the visit could not begin, StepFailed when it ended in the middle.
        """
        if self._keys.public() is None:
            raise ServerTrouble(KEYS_MISSING, "the agent has no key pair")
        command = program.COMMAND_AS_ROOT if server.sudo else program.COMMAND
        line = argv(
            server.to,
            command,
            known_hosts=self._known_hosts,
            alias=server.alias,
            host_key=server.host_key,
            key=self._keys.private,
        )
        with Conversation(line) as talk:
            try:
                program.start(talk, self._program)
            except EOFError:
                code, errors = talk.ended()
                refuse_another(server.to, server.host_key)
                raise program.why_not(code, errors, as_root=server.sudo) from None
            except StepFailed as problem:
                raise ServerTrouble(NOT_CONNECTED, str(problem)) from None
            begin()
            talk.say(job=job, look=look)
            return _hear(talk, tell, keep)


def _hear(talk: Conversation, tell: Callable[[dict[str, str]], None], keep: Callable[[str, object], bool]) -> Seen:
    seen, kept, deadline = Seen(), list[str](), time.monotonic() + _VISIT_SECONDS
    while True:
        said = talk.line(min(_LINE_SECONDS, max(1.0, deadline - time.monotonic())))
        if said is None:
            raise program.check_end(talk)
        if time.monotonic() > deadline:
            raise StepFailed("the server talks without an end", "program_failed")
        if "trouble" in said:
            raise StepFailed(_words(said["trouble"]) or "the server gave no reason", "program_failed")
        if said.get("busy") is True:
            return Seen(busy=True)
        step = _safely(answers.step, said.get("step"))
        if step is not None:
            tell(step)
        job_id = said.get("job_id")
        if isinstance(job_id, str) and len(kept) < _MOST_OUTCOMES and keep(job_id[:40], said.get("outcome")):
            kept.append(job_id[:40])
        if "facts" in said:
            _look(said, seen)
        if said.get("end") is True:
            talk.say(acknowledge=kept)
            return seen


def _look(said: Mapping[str, Any], seen: Seen) -> None:
    seen.facts, seen.sites = (
        _safely(answers.facts, said["facts"]) or answers.facts(None),
        answers.sites(said.get("sites")),
    )
    raw = said.get("problems")
    seen.problems = [_words(each) for each in (raw[:20] if isinstance(raw, list) else [])]


def _words(value: object) -> str:
    return _safely(lambda text: answers.words(text, 1000), value) or ""


def _safely(check: Callable[[object], Any], value: object) -> Any:
    try:
        return check(value)
    except AgentError:
        return None
