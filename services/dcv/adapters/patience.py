# SPDX-License-Identifier: Apache-2.0
"""Questions to the DNS for somebody who waits: none begins after the end, none is asked twice."""

from __future__ import annotations

import time

from shared.egress.resolver import Answer, Resolver

# All in all less than the ten seconds that the gateway waits: questions begin until then, and each has its own end.
LOOK_S = 5.0
QUESTION_S = 1.5


class UntilResolver:
    """A resolver that keeps what was asked, and asks no more once its time (monotonic seconds) is over."""

    def __init__(self, resolver: Resolver, ends: float) -> None:
        self._resolver = resolver
        self._ends = ends
        self.answers: list[Answer] = []

    def ask(self, name: str, kind: str) -> Answer:
        """See `Resolver.ask`; a question is asked once."""
        question = f"{name.removesuffix('.')}. {kind}"
        known = next((each for each in self.answers if each.question == question and not each.failed), None)
        if known is not None:
            return known
        late = time.monotonic() >= self._ends
        answer = Answer(question, "timeout", detail="not asked in time") if late else self._resolver.ask(name, kind)
        self.answers.append(answer)
        return answer
