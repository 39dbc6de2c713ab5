# SPDX-License-Identifier: Apache-2.0
"""The worker's job `survey`: one endpoint looked at closely.

Job: `address`, `port`, and as arguments of `surveyor.survey` `server_name`, `starttls`, `depth`, `web`, `plain_port`.
Lines: at most ten a second `progress` (`{"done": 12, "of": 140, "what": "TLSv1.2 suites"}`), at last `survey`
(`Survey.to_json`). Told to stop, it ends with what it has.
"""

from __future__ import annotations

import time
from typing import Any

from shared.probe.scan_job import Teller
from shared.probe.surveying.surveyor import BASIC, survey
from shared.probe.targets import TargetError

_PAUSE_S = 0.1


def run(job: Any, worker: Teller) -> None:
    """Does the job. Raises TargetError for one that cannot be meant."""
    if not isinstance(job, dict):
        raise TargetError("", "a survey is an object")
    told_at = 0.0

    def progress(done: int, planned: int, what: str) -> None:
        nonlocal told_at
        now = time.monotonic()
        if now - told_at >= _PAUSE_S:
            told_at = now
            worker.say("progress", {"done": done, "of": planned, "what": what})

    try:
        found = survey(
            str(job["address"]),
            int(job["port"]),
            server_name=str(job.get("server_name", "")),
            starttls=str(job.get("starttls", "")),
            depth=str(job.get("depth", BASIC)),
            web=bool(job.get("web", True)),
            plain_port=int(job.get("plain_port", 0)),
            progress=progress,
            stopped=lambda: worker.stopped,
        )
    except (KeyError, TypeError, ValueError) as error:
        raise TargetError("survey", f"not a job for a survey: {error}") from error
    worker.say("survey", found.to_json())
