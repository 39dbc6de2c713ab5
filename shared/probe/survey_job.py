# SPDX-License-Identifier: Apache-2.0
"""The worker's job `survey`: one endpoint looked at closely; requests and answers as `survey_worker` has them."""

from __future__ import annotations

from typing import Any

from shared.probe.scan_job import Teller
from shared.probe.survey_worker import run as hold
from shared.probe.targets import TargetError


def run(job: Any, worker: Teller) -> None:
    """Does the job. Raises TargetError for one that cannot be meant."""
    if not isinstance(job, dict):
        raise TargetError("", "a survey is an object")

    def emit(answer: dict[str, Any]) -> None:
        ((kind, body),) = answer.items()
        if kind == "error":
            raise TargetError("survey", str(body))
        worker.say(kind, body)

    hold(job, emit)
