# SPDX-License-Identifier: Apache-2.0
"""Agents that come all at once, after an outage: so many are served at a time, the others are told when to come back.

People at the console do not wait behind them, and nothing queues up that nobody waits for any more. Who is refused
gets a place in a line, and those who come back come one after the other, beside the agents who never left.
"""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable, Iterable
from typing import Any

from gateway import problems
from gateway.identity import AGENT_PREFIX
from gateway.traffic import ROUTE, TRACE
from shared.errors import Code

LEAST_S = 1.0
LONGEST_S = 300.0
RETURNS_PER_S = 150  # what one processor answers easily; who comes too soon all the same gets another place

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class Admission:
    """WSGI middleware. `most` requests of agents are inside at a time."""

    def __init__(self, application: Application, most: int, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._application = application
        self._most = most
        self._monotonic = monotonic
        self._inside = 0
        self._line_ends = 0.0

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Serves one request, or refuses it."""
        if not environ.get("PATH_INFO", "").startswith(AGENT_PREFIX):
            return self._application(environ, start_response)
        if self._inside >= self._most:
            return self._refuse(environ, start_response)
        self._inside += 1
        try:
            return self._application(environ, start_response)
        finally:
            self._inside -= 1

    def _refuse(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        environ[ROUTE] = "agent_refused"
        refusal = problems.refusal(
            Code.UNAVAILABLE,
            "Too many agents ask at once. Come back as `Retry-After` says.",
            instance=environ.get("PATH_INFO", ""),
            trace_id=environ[TRACE],
            headers=[("Retry-After", str(self._place()))],
        )
        start_response("503 Service Unavailable", [*refusal.headers, ("Content-Length", str(len(refusal.body)))])
        return [refusal.body]

    def _place(self) -> int:
        """Whole seconds until the next free place in the line. A line that is too long is not trusted."""
        now = self._monotonic()
        place = max(self._line_ends, now + LEAST_S)
        if place - now > LONGEST_S:
            return round(random.uniform(LONGEST_S / 2, LONGEST_S))  # noqa: S311  jitter, no secret
        self._line_ends = place + 1 / RETURNS_PER_S
        return math.ceil(place - now)
