# SPDX-License-Identifier: Apache-2.0
"""Surveys for whoever starts a worker process: a request in plain values, answers line by line.

    {"address": "192.0.2.7", "port": 443, "server_name": "www.example.com", "starttls": "", "depth": "advanced",
     "web": true, "plain_port": 80}

Answers are `{"progress": {"done": 12, "of": 140, "what": "TLSv1.2 suites"}}`, at most ten a second, and at last
`{"survey": …}` (`Survey.to_json`), or `{"error": {"entry": "survey", "message": "…"}}` for a request that is none.
"""

from __future__ import annotations

import time
from typing import Any, Callable

from shared.probe.surveying.surveyor import BASIC, survey

_PAUSE_S = 0.1


def run(
    request: dict[str, Any], emit: Callable[[dict[str, Any]], None], stopped: Callable[[], bool] = lambda: False
) -> None:
    """Holds one survey and emits its progress and its result; `stopped` ends it early, with what it has."""
    told_at = 0.0

    def progress(done: int, planned: int, what: str) -> None:
        nonlocal told_at
        now = time.monotonic()
        if now - told_at >= _PAUSE_S:
            told_at = now
            emit({"progress": {"done": done, "of": planned, "what": what}})

    try:
        found = survey(
            str(request["address"]),
            int(request["port"]),
            server_name=str(request.get("server_name", "")),
            starttls=str(request.get("starttls", "")),
            depth=str(request.get("depth", BASIC)),
            web=bool(request.get("web", True)),
            plain_port=int(request.get("plain_port", 0)),
            progress=progress,
            stopped=stopped,
        )
    except (KeyError, TypeError, ValueError) as error:
        emit({"error": {"entry": "survey", "message": f"not a request for a survey: {error}"}})
        return
    emit({"survey": found.to_json()})
