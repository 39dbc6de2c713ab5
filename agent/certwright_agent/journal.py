# SPDX-License-Identifier: Apache-2.0
"""The write-ahead journal of an installation: what is about to change is on disk before it changes.

One JSON file per job, replaced by rename and flushed at each phase. An agent that starts and finds one knows that it
was stopped on the way, and goes back to the old state, or on to the new one when that was already seen on the wire.
"""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

from certwright_agent import placed
from certwright_agent.crash import crash_here
from certwright_agent.files import Owner, link_target, make_folder, point_link, write_atomic
from certwright_agent.webservers.site import Change

# In this order. From VERIFIED on, an interrupted installation goes forward; before, back.
PREPARED, STAGED, TRIED, LINKED, WRITTEN, TESTED, RELOADED, VERIFIED = (
    "prepared", "staged", "tried", "linked", "written", "tested", "reloaded", "verified"
)  # fmt: skip
PHASES = (PREPARED, STAGED, TRIED, LINKED, WRITTEN, TESTED, RELOADED, VERIFIED)
HISTORY = "history"
_KEPT = 20


class Entry:
    """One installation on its way. `record` is plain JSON: no key material, only paths and configuration files."""

    def __init__(self, path: Path, record: dict[str, Any]) -> None:
        self.path = path
        self.record = record

    @classmethod
    def begin(
        cls, folder: Path, record: dict[str, Any], link: Path | None, target: str, changes: tuple[Change, ...]
    ) -> Entry:
        """Writes down the intention: old and new bytes of every file, old and new target of the link.

        No `link` where files get their new content under their own names (`placed`).
        """
        record = {
            **record,
            "phase": PREPARED,
            "link": link and {"path": str(link), "old": link_target(link), "new": target},
            "changes": [_change(change) for change in changes],
            "placed": [],
        }
        entry = cls(folder / f"{record['job_id']}.json", record)
        entry.save()
        crash_here(f"{PREPARED}/recorded")
        return entry

    def advance(self, phase: str) -> None:
        """Writes down that `phase` is done."""
        crash_here(f"{phase}/done")
        self.record["phase"] = phase
        self.save()
        crash_here(f"{phase}/recorded")

    def save(self) -> None:
        """Flushes the record to disk."""
        write_atomic(self.path, json.dumps(self.record).encode(), mode=0o600)

    def point(self) -> None:
        """Makes the link point to the new files."""
        link = self.record["link"]
        if link:
            point_link(Path(link["path"]), link["new"])

    def apply(self, staging: Path) -> None:
        """Gives each file its new bytes, each by one rename."""
        placed.apply(self._placed())
        for change in self.record["changes"]:
            write_atomic(Path(change["path"]), _bytes(change["new"]), owner=_owner(change), staging=staging)
            crash_here("writing/done")

    def restore(self, staging: Path) -> list[str]:
        """Puts every file and the link back as they were; returns the files that somebody else changed meanwhile.

        Files first: until they are back they may point through the link.
        """
        foreign = self.foreign()
        for change in self.record["changes"]:
            if _content(change) == _bytes(change["new"]):
                write_atomic(Path(change["path"]), _bytes(change["old"]), owner=_owner(change), staging=staging)
                crash_here("restoring/done")
        placed.restore(self._placed())
        link = self.record["link"]
        if link and link_target(Path(link["path"])) == link["new"] and link["new"] != link["old"] and not foreign:
            point_link(Path(link["path"]), link["old"])
        return foreign

    def foreign(self) -> list[str]:
        """The files that are neither as they were nor as the installation made them."""
        return [
            change["path"]
            for change in self.record["changes"]
            if _content(change) not in (_bytes(change["old"]), _bytes(change["new"]))
        ] + placed.foreign(self._placed())

    def lost(self) -> list[str]:
        """What bringing the old state back needs and is not there any more."""
        link = self.record["link"]
        old = Path(link["path"]).parent / link["old"] if link and link["old"] else None
        return ([str(old)] if old is not None and not old.exists() else []) + placed.lost(self._placed())

    def in_use(self, target: Path) -> bool:
        """Whether something still needs what was staged in `target`."""
        link = self.record["link"]
        live = link_target(Path(link["path"])) if link else None
        return (live is not None and Path(live).name == target.name) or bool(placed.foreign(self._placed()))

    def _placed(self) -> list[dict[str, Any]]:
        """Records of before these were known have none."""
        found: list[dict[str, Any]] = self.record.get("placed", [])
        return found

    def reopen(self, folder: Path) -> None:
        """An installation that was over counts as one that was cut off, and is to be taken back."""
        old = self.path
        self.path, self.record["phase"] = folder / old.name, RELOADED
        self.save()
        crash_here("reopened/recorded")
        old.unlink()

    def close(self) -> None:
        """The installation is over: the record stays as history, the newest 20 of them."""
        history = make_folder(self.path.parent / HISTORY)
        self.path.replace(history / self.path.name)
        for old in sorted(history.iterdir(), key=lambda path: path.stat().st_mtime)[:-_KEPT]:
            old.unlink()


def unfinished(folder: Path) -> list[Entry]:
    """The installations that were cut off, oldest first."""
    found = [Entry(path, json.loads(path.read_text("utf-8"))) for path in folder.glob("*.json")]
    return sorted(found, key=lambda entry: str(entry.record.get("started_at", "")))


def finished(folder: Path) -> list[Entry]:
    """The installations that are over and stand, newest first."""
    found = unfinished(folder / HISTORY)
    return [entry for entry in reversed(found) if entry.record["phase"] == VERIFIED]


def _change(change: Change) -> dict[str, Any]:
    owner = Owner.of(change.path)
    return {
        "path": str(change.path),
        "old": base64.b64encode(change.old).decode("ascii"),
        "new": base64.b64encode(change.new).decode("ascii"),
        "mode": owner.mode,
        "uid": owner.uid,
        "gid": owner.gid,
    }


def _content(change: dict[str, Any]) -> bytes:
    path = Path(change["path"])
    return path.read_bytes() if path.exists() else b""


def _bytes(text: str) -> bytes:
    return base64.b64decode(text)


def _owner(change: dict[str, Any]) -> Owner:
    return Owner(change["mode"], change["uid"], change["gid"])
