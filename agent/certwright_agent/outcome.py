# SPDX-License-Identifier: Apache-2.0
"""How a job ended and by which steps, kept on disk until the gateway has it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from certwright_agent.files import make_folder, write_atomic


@dataclass
class Outcome:
    """The fields of the agent API's outcome (`FinishJob`)."""

    succeeded: bool
    result: dict[str, Any] = field(default_factory=dict)
    reason: str = ""
    rolled_back: bool = False
    steps: list[dict[str, str]] = field(default_factory=list)
    code: str = ""


class Steps:
    """The steps of one job. Each is told at once to `tell`, which must not raise, and kept for the outcome."""

    def __init__(self, tell: Callable[[dict[str, str]], None] = lambda _step: None) -> None:
        self.taken: list[dict[str, str]] = []
        self._tell = tell

    def done(self, name: str, detail: str = "") -> None:
        """The step went well."""
        self._add(name, "done", detail)

    def failed(self, name: str, detail: str) -> None:
        """The step failed."""
        self._add(name, "failed", detail)

    def undone(self, name: str, detail: str = "") -> None:
        """What the step did was taken back."""
        self._add(name, "undone", detail)

    def _add(self, name: str, status: str, detail: str) -> None:
        step = {"name": name, "status": status, "at": moment(), "detail": detail[:1000]}
        self.taken.append(step)
        self._tell(step)


class Outcomes:
    """Outcomes that the gateway has not confirmed yet, one file per job."""

    def __init__(self, folder: Path) -> None:
        self._folder = make_folder(folder)

    def keep(self, job_id: str, outcome: Outcome) -> None:
        """Writes the outcome down; from now on the job is never done again."""
        write_atomic(self._folder / f"{job_id}.json", json.dumps(asdict(outcome)).encode(), mode=0o600)

    def waiting(self) -> dict[str, Outcome]:
        """Every outcome that is not delivered, by job."""
        found = sorted(self._folder.glob("*.json"))
        return {path.stem: Outcome(**json.loads(path.read_text("utf-8"))) for path in found}

    def delivered(self, job_id: str) -> None:
        """The gateway has it."""
        (self._folder / f"{job_id}.json").unlink(missing_ok=True)

    def tidy(self, seconds: float) -> None:
        """Drops what lies here longer than that."""
        for path in self._folder.glob("*.json"):
            if path.stat().st_mtime < time.time() - seconds:
                path.unlink(missing_ok=True)

    def forget(self, job_ids: object) -> None:
        """Whoever visits this server has these; anything else that is said here is ignored."""
        waiting = self.waiting()
        for job_id in job_ids if isinstance(job_ids, list) else ():
            if isinstance(job_id, str) and job_id in waiting:
                self.delivered(job_id)


def moment() -> str:
    """Now, as RFC 3339 in UTC."""
    return datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
