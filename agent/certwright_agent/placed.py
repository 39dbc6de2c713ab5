# SPDX-License-Identifier: Apache-2.0
"""Replaces the content of files that keep their names, such as a key that a configuration names, and brings it back.

Both contents lie in the agent's archive, mode 0600; the journal knows only paths and SHA-256 sums, no secret.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from certwright_agent.crash import crash_here
from certwright_agent.errors import StepFailed
from certwright_agent.files import Owner, make_folder, sync_folder, write_atomic, write_new
from certwright_agent.webservers.placement import Placement, Staged

_LIMIT = 1024 * 1024


def stage(target: Path, placements: Sequence[Placement], files: Staged) -> list[dict[str, Any]]:
    """Keeps new and present contents below `target`; returns plain JSON for the journal. Raises StepFailed, OSError."""
    records: list[dict[str, Any]] = []
    if not placements:
        return records
    folder = make_folder(target / "placed")
    for number, placement in enumerate(placements):
        path, new = placement.path, placement.content(files)
        write_atomic(folder / f"{number}.new", new, mode=0o600)
        old, owner = None, Owner(0o600 if placement.secret else 0o644, os.geteuid(), os.getegid())
        if path.exists():
            if path.stat().st_size > _LIMIT:
                raise StepFailed(f"{path} is too large to be a certificate or key", "config_unclear")
            old, owner = path.read_bytes(), Owner.of(path)
            write_atomic(folder / f"{number}.old", old, mode=0o600)
        record = {"path": str(path), "copies": str(folder / str(number)), "old": _sum(old), "new": _sum(new)}
        records.append({**record, "mode": owner.mode, "uid": owner.uid, "gid": owner.gid})
    sync_folder(folder)
    return records


def staged(records: Sequence[dict[str, Any]]) -> tuple[Path, ...]:
    """Where the new contents wait."""
    return tuple(Path(record["copies"] + ".new") for record in records)


def apply(records: Sequence[dict[str, Any]]) -> None:
    """Puts the new contents in their places. First all of them are on the disk of their place, so that a full one is
    known before any file changed; then each takes its place by one rename. Raises StepFailed, OSError.
    """
    for record in records:
        if _present(record) != record["old"]:
            raise StepFailed(f"{record['path']} was changed by somebody else meanwhile", "changed_meanwhile")
    for record in records:
        draft = _draft(record)
        draft.unlink(missing_ok=True)
        write_new(draft, Path(record["copies"] + ".new").read_bytes(), _owner(record))
    if records:
        crash_here("placing/drafted")
    for record in records:
        _draft(record).replace(record["path"])
        sync_folder(Path(record["path"]).parent)
        crash_here("placing/done")


def restore(records: Sequence[dict[str, Any]]) -> list[str]:
    """Brings the old contents back; returns the files that somebody else changed meanwhile. Then none is touched: a
    key of ours beside a certificate of theirs would be worse than either.
    """
    for record in records:
        _draft(record).unlink(missing_ok=True)
    changed = foreign(records)
    for record in [] if changed else records:
        path = Path(record["path"])
        if _present(record) == record["old"]:
            continue
        if record["old"]:
            write_atomic(path, Path(record["copies"] + ".old").read_bytes(), owner=_owner(record))
        else:
            path.unlink()
            sync_folder(path.parent)
    return changed


def foreign(records: Sequence[dict[str, Any]]) -> list[str]:
    """The files that are neither as they were nor as the installation made them."""
    return [record["path"] for record in records if _present(record) not in (record["old"], record["new"])]


def lost(records: Sequence[dict[str, Any]]) -> list[str]:
    """The old contents that are not kept any more."""
    kept = [Path(record["copies"] + ".old") for record in records if record["old"]]
    return [str(path) for path in kept if not path.exists()]


def _present(record: dict[str, Any]) -> str:
    path = Path(record["path"])
    return _sum(path.read_bytes()) if path.exists() else ""


def _sum(content: bytes | None) -> str:
    return "" if content is None else hashlib.sha256(content).hexdigest()


def _draft(record: dict[str, Any]) -> Path:
    """Dotted: servers that read a whole folder pass it over. Its name is known again after a crash."""
    path = Path(record["path"])
    return path.parent / f".{path.name}.certwright-new"


def _owner(record: dict[str, Any]) -> Owner:
    return Owner(record["mode"], record["uid"], record["gid"])
