# SPDX-License-Identifier: Apache-2.0
"""Jobs that were taken for a server and have no outcome yet, one file each: what is in doubt after a cut or a crash is
asked again there, and is never told as failed (nor done twice: the server knows its jobs by their ids).
"""

from __future__ import annotations

import json
import threading
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from certwright_agent.files import make_folder, write_atomic


class Handed:
    """The files below `state/handed`; each names the server's `ref`, and whether the job was sent there."""

    def __init__(self, state: Path) -> None:
        self._folder = make_folder(state / "handed")
        self._lock = threading.Lock()

    def take(self, ref: str, job: dict[str, Any]) -> None:
        """Writes a job down, unless it is there; its id is a proper one."""
        with self._lock:
            path = self._path(str(job["job_id"]))
            if not path.exists():
                self._write(path, {"ref": ref, "sent": False, "job": job})

    def next(self, ref: str) -> tuple[dict[str, Any], bool] | None:
        """The job of a server that comes next, and whether it was sent before: those that were come first."""
        with self._lock:
            found = [
                (not record["sent"], path.stat().st_mtime, path.name, record)
                for path, record in self._records()
                if record["ref"] == ref
            ]
        if not found:
            return None
        record = min(found, key=lambda each: each[:3])[3]
        return record["job"], record["sent"]

    def sending(self, job_id: str) -> None:
        """From now on its outcome is the server's to say."""
        with self._lock:
            path = self._path(job_id)
            if path.exists():  # else its server was removed meanwhile
                self._write(path, {**json.loads(path.read_text("utf-8")), "sent": True})

    def sent_to(self, ref: str, job_id: str) -> dict[str, Any] | None:
        """The job of this id, if it was sent to this server and has no outcome."""
        with self._lock:
            for path, record in self._records():
                if path.stem == job_id and record["ref"] == ref and record["sent"]:
                    return dict(record["job"])
        return None

    def settle(self, job_id: str) -> None:
        """It has its outcome."""
        with self._lock:
            self._path(job_id).unlink(missing_ok=True)

    def leave(self, refs: set[str]) -> None:
        """Forgets what belongs to servers that are not among `refs` any more."""
        with self._lock:
            for path, record in self._records():
                if record["ref"] not in refs:
                    path.unlink(missing_ok=True)

    def ids(self) -> list[str]:
        """All jobs in hand."""
        with self._lock:
            return [path.stem for path, _ in self._records()]

    def _records(self) -> list[tuple[Path, dict[str, Any]]]:
        return [(path, json.loads(path.read_text("utf-8"))) for path in sorted(self._folder.glob("*.json"))]

    def _path(self, job_id: str) -> Path:
        return self._folder / f"{job_id}.json"

    def _write(self, path: Path, record: dict[str, Any]) -> None:
        write_atomic(path, json.dumps(record).encode(), mode=0o600)


def too_late(job: dict[str, Any]) -> bool:
    """Whether the time in which it may be begun is over."""
    return str(job.get("expires_at"))[:19] <= datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S")
