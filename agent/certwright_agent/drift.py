# SPDX-License-Identifier: Apache-2.0
"""What is not as it should be on a site, judged from its files, from handshakes, and from what was seen before.

A finding has `kind` and `since`, and what applies of `path`, `mode`, `by`, `evidence`, `owner`, `serial` (of what was
installed), `spki_sha256` (of a key that does not fit) and `served` (whether the site still serves what was installed).
"""

from __future__ import annotations

import os
import pwd
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, NamedTuple

from shared.probe.leaf import Leaf

from certwright_agent.key_files import open_mode
from certwright_agent.rivals import UNKNOWN, Rival
from certwright_agent.webservers.site import Block, Listener, Site

REPLACED, TUG_OF_WAR, STUCK = "replaced", "tug_of_war", "serves_other_than_file"
KEY_READABLE, MISMATCH = "key_readable", "mismatch_key"
TUG = timedelta(days=30)  # two replacements within it are a tug of war
DOUBT = timedelta(seconds=20)  # a reload follows a new file at once: what is older on the wire after this is stuck
_MOST_BEGUN = 8
_FORMAT = "%Y-%m-%dT%H:%M:%S.%fZ"
_NAMED = ("path", "by", "evidence", "owner")

Finding = dict[str, Any]
Memory = dict[str, Any]  # plain JSON, of one site
Held = Sequence["tuple[Block, Leaf]"]  # what the certificate files hold now


class Seen(NamedTuple):
    """A handshake with a binding of `block`; `leaf` is None when there was no certificate to be seen."""

    block: Block
    listener: Listener
    leaf: Leaf | None


def replaced(
    site: Site, memory: Memory, held: Held, now: datetime, rival: Callable[[Block, str, str], Rival]
) -> Finding | None:
    """Another certificate than the installed one is named by the configuration or lies in the file.

    Nothing once the installed one has ended: there is nothing to go back to. `rival` says who it was, by the block, the
    path and the fingerprint.
    """
    installed = memory.get("installed")
    place = _other_place(site, installed, held) if installed and moment(installed["not_after"]) > now else None
    if place is None or not installed:
        memory.pop(REPLACED, None)
        return None
    block, path, fingerprint = place
    known = memory.get(REPLACED)
    if known is None:
        recent = [one for one in memory.get("begun", []) if now - moment(one) < TUG]
        memory["begun"] = [*recent[1 - _MOST_BEGUN :], text(now)]
    if known is None or (known["fingerprint"], known["path"]) != (fingerprint, path):
        since = _since(block, path, installed["at"], now) if known is None else known["since"]
        found = rival(block, path, fingerprint)
        known = {"fingerprint": fingerprint, "path": path, "since": since, "owner": _owner(path)}
        memory[REPLACED] = {**known, "by": found.by, "evidence": found.evidence}
    kept = {name: memory[REPLACED][name] for name in ("since", *_NAMED)}
    return {"kind": REPLACED, **kept, "serial": installed["serial"], "served": memory.get("served", False)}


def tug_of_war(memory: Memory, now: datetime) -> Finding | None:
    """Ours, theirs, ours, theirs: two tools take turns. Remembered for a while, whoever is in the place now."""
    begun = [one for one in memory.get("begun", []) if now - moment(one) < TUG]
    if len(begun) < 2:
        memory.pop("rival", None)
        return None
    last = memory.get(REPLACED) or memory.get("rival") or {}
    memory["rival"] = {name: last.get(name, "") for name in _NAMED}
    return {"kind": TUG_OF_WAR, "since": begun[0], **memory["rival"]}


def on_the_wire(memory: Memory, held: Held, seen: Sequence[Seen] | None, now: datetime) -> Finding | None:
    """A binding serves another certificate than its file holds: the one of before, or, though the file is as it was
    installed, a strange one. A certificate that the file never held is else no finding: files may hold several.

    Without handshakes (None) it stays as it was. Notes in `memory` whether the installed certificate is served.
    """
    if seen is None:
        known: Finding | None = memory.get("wire")
        return known
    installed = memory.get("installed") or {}
    ours = installed.get("fingerprint", "")
    memory["served"] = bool(seen) and all(one.leaf is not None and one.leaf.fingerprint == ours for one in seen)
    files = {id(block): leaf.fingerprint for block, leaf in held}
    memory.pop("wire", None)
    for one in seen:
        file = files.get(id(one.block))
        if one.leaf is None or file is None or one.leaf.fingerprint == file:
            continue
        kind = STUCK if one.leaf.fingerprint in memory.get("past", []) else REPLACED if file == ours else ""
        if not kind:
            continue
        since = memory.setdefault("doubt", text(now))
        if now - moment(since) < DOUBT:
            return None
        finding = {"kind": kind, "since": since, "path": one.block.certificate_file, "evidence": str(one.listener)}
        finding.update(serial=installed.get("serial", ""), served=memory["served"])
        memory["wire"] = {**finding, "by": UNKNOWN} if kind == REPLACED else finding
        return dict(memory["wire"])
    memory.pop("doubt", None)
    return None


def of_keys(site: Site, other_key: Callable[[Block], str]) -> list[Finding]:
    """Key files that others can read or change, and keys of another certificate: the first of each kind."""
    found: dict[str, Finding] = {}
    for block in site.tls_blocks:
        if not block.key_file:
            continue
        path = block.key_file
        mode = open_mode(Path(path))
        if mode:
            finding = {"kind": KEY_READABLE, "since": _at(path, "st_ctime"), "path": path}
            found.setdefault(KEY_READABLE, {**finding, "mode": mode, "owner": _owner(path)})
        spki = other_key(block) if block.certificate_file else ""
        if spki:
            finding = {"kind": MISMATCH, "since": _at(path, "st_mtime"), "path": path}
            found.setdefault(MISMATCH, {**finding, "spki_sha256": spki})
    return list(found.values())


def moment(said: str) -> datetime:
    """A moment as this agent writes it."""
    return datetime.strptime(said, _FORMAT).replace(tzinfo=timezone.utc)


def text(at: datetime) -> str:
    """RFC 3339 in UTC."""
    return at.strftime(_FORMAT)


def _other_place(site: Site, installed: Memory, held: Held) -> tuple[Block, str, str] | None:
    """The block, path and fingerprint of what is there instead; the fingerprint is empty where nothing is."""
    for block, leaf in held:
        if leaf.fingerprint != installed["fingerprint"]:
            return block, block.certificate_file or str(block.file), leaf.fingerprint
    if held or any(os.path.lexists(block.certificate_file) for block in site.tls_blocks):
        return None  # ours, or a file that cannot be read
    block = (site.tls_blocks or list(site.blocks))[0]
    return block, block.certificate_file or str(block.file), ""


def _since(block: Block, path: str, not_before: str, now: datetime) -> str:
    """When the place was taken, as the files tell: between the installation and now."""
    moments = [moment(not_before)]
    for each in (path, str(block.file)):
        try:
            moments.append(datetime.fromtimestamp(os.lstat(each).st_mtime, timezone.utc))
        except (OSError, ValueError, OverflowError):  # noqa: PERF203  one that cannot be asked tells nothing
            continue
    return text(min(max(moments), now))


def _at(path: str, field: str) -> str:
    try:
        return text(datetime.fromtimestamp(getattr(Path(path).stat(), field), timezone.utc))
    except (OSError, ValueError, OverflowError):
        return ""


def _owner(path: str) -> str:
    try:
        uid = os.lstat(path).st_uid
    except OSError:
        return ""
    try:
        return pwd.getpwuid(uid).pw_name[:64]
    except KeyError:
        return str(uid)
