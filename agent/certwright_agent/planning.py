# SPDX-License-Identifier: Apache-2.0
"""An installation's plan: what it would change on this host, told exactly, with a hash that an approval is bound to.

The hash is that of the `parts`, a digest for each thing the plan rests on, so that a plan that is not the approved one
any more can say which of them differ. Nothing in it depends on the job: the same host gives the same hash.
"""

from __future__ import annotations

import grp
import hashlib
import json
import os
import pwd
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shared.probe.leaf import Leaf

from certwright_agent import arguments as check
from certwright_agent.certificates import first_in, first_in_file
from certwright_agent.concealment import HIDDEN, may_be_secret
from certwright_agent.differences import unified
from certwright_agent.errors import Refused
from certwright_agent.files import Owner
from certwright_agent.webservers.site import Change, Listener, Material, Placement, Plan, Site, WebServer

_FORM = "certwright-plan-1"
_HEX64 = re.compile(r"[0-9a-f]{64}\Z")
_MOST_TEXT = 100_000  # characters of all diffs together
_MOST_BYTES = 200_000  # of the whole plan
_MOST_PARTS = 200


@dataclass(frozen=True)
class Ready:
    """An installation that has passed every check: what to do, where, with which files below `live`."""

    server: WebServer
    site: Site
    plan: Plan
    leaf: Leaf
    files: Mapping[str, bytes]
    material: Material
    name: str  # to ask for in handshakes


def told(ready: Ready) -> dict[str, Any]:
    """The plan as plain JSON for people and for `refuse_another`; no key, and no line that may hold a secret."""
    files: list[dict[str, Any]] = []
    parts = {"certificate": _digest(ready.leaf.fingerprint, ready.leaf.spki_sha256, _sum(ready.files["chain.pem"]))}
    budget = _MOST_TEXT
    for change in ready.plan.changes:
        shown = _configuration(change, budget)
        budget -= len(shown["diff"])
        files.append(shown)
        parts[f"file {_path(change.path)}"] = _digest(_sum(change.old), _sum(change.new), *_owner_ids(change.path))
    for placement in ready.plan.placements:
        files.append(_content(ready, placement))
        there = placement.path.exists()
        state = [_sum(placement.path.read_bytes()), *_owner_ids(placement.path)] if there else [placement.secret]
        parts[f"content of {_path(placement.path)}"] = _digest(*state)
    if not ready.plan.placements:
        live, old = _live(ready)
        files += live
        parts[f"certificate in {_path(ready.material.folder)}"] = _digest(old)
    test, reload = ready.server.procedure(*ready.plan.hosts)
    parts["commands"] = _digest(test, reload)
    bindings = [_binding(listener, ready.name) for listener in ready.plan.listeners]
    parts["bindings"] = _digest(*bindings)
    plan: dict[str, Any] = {
        "plan_sha256": _of_parts(parts),
        "parts": parts,
        "web_server": ready.server.kind,
        "site": ready.site.name,
        "serial": ready.leaf.serial,
        "fingerprint_sha256": ready.leaf.fingerprint,
        "files": files,
        "test": _shown(test),
        "reload": _shown(reload),
        "bindings": bindings,
    }
    if not _can_be_told(plan):
        for file in files:
            file.update({"diff": "", "cut": True} if file["what"] == "configuration" else {})
    if not _can_be_told(plan):
        raise Refused("what this installation would change is too much to be told", "config_unclear")
    return plan


def refuse_another(arguments: Mapping[str, Any], plan: Mapping[str, Any]) -> None:
    """Raises Refused when the job is bound to an approved plan and this is another one; it names what differs."""
    if arguments.get("plan_sha256") in (None, ""):
        return
    approved = check.text(arguments, "plan_sha256", _HEX64)
    if approved == plan["plan_sha256"]:
        return
    known = arguments.get("plan_parts")
    differing = []
    if isinstance(known, Mapping) and len(known) <= _MOST_PARTS and _of_parts(known) == approved:
        now: Mapping[str, str] = plan["parts"]
        differing = sorted({*now, *known} - {name for name in now if now[name] == known.get(name)})
    named = ", ".join(differing[:10]) or "what, is not known"
    raise Refused(
        f"the host is not as it was when the plan was approved, so nothing was changed. What differs: {named}. "
        "Have the plan made again and look at it",
        "plan_changed",
    )


def _configuration(change: Change, budget: int) -> dict[str, Any]:
    difference = unified(_path(change.path), change.old, change.new)
    cut = len(difference.text) > budget
    return {
        **_file(change.path, "configuration"),
        "old_sha256": _sum(change.old),
        "new_sha256": _sum(change.new),
        "diff": "" if cut else difference.text,
        "cut": cut,
        "added": difference.added,
        "removed": difference.removed,
        "hidden": difference.hidden,
        "encoding": difference.encoding,
    }


def _content(ready: Ready, placement: Placement) -> dict[str, Any]:
    new = placement.content(ready.files)
    known = first_in(new.decode("ascii", "replace"))
    keystore = b"-----BEGIN" not in new
    stored = first_in_file(placement.path)
    if stored is None and keystore:
        stored = next(filter(None, (first_in(block.certificate_pem) for block in ready.site.blocks)), None)
    return {
        **_file(placement.path, "content", secret=placement.secret),
        "old_certificate_sha256": stored[0].fingerprint if stored else "",
        "new_certificate_sha256": known[0].fingerprint if known else ready.leaf.fingerprint if keystore else "",
    }


def _live(ready: Ready) -> tuple[list[dict[str, Any]], str]:
    """The agent's own files that the configuration names, and the certificate that is in them now."""
    certificate, key = Path(ready.material.fullchain), Path(ready.material.key)
    stored = first_in_file(certificate)
    old = stored[0].fingerprint if stored else ""
    about = {"old_certificate_sha256": old, "new_certificate_sha256": ready.leaf.fingerprint}
    return [{**_file(certificate, "content"), **about}, _file(key, "content", secret=True)], old


def _file(path: Path, what: str, *, secret: bool = False) -> dict[str, Any]:
    there = path.exists()
    owner = Owner.of(path) if there else None
    return {
        "path": _path(path),
        "what": what,
        "secret": secret,
        "new": not there,
        "mode": f"{owner.mode if owner else 0o600 if secret else 0o644:04o}",
        "owner": _owner_name(owner) if owner else "",
    }


def _owner_ids(path: Path) -> tuple[int, int, int]:
    owner = Owner.of(path)
    return (owner.mode, owner.uid, owner.gid)


def _owner_name(owner: Owner) -> str:
    try:
        return f"{pwd.getpwuid(owner.uid).pw_name}:{grp.getgrgid(owner.gid).gr_name}"
    except KeyError:
        return f"{owner.uid}:{owner.gid}"


def _binding(listener: Listener, name: str) -> dict[str, Any]:
    asked = name if listener.sni == "" else listener.sni
    return {"address": listener.address, "port": listener.port, "name": asked or ""}


def _shown(command: str) -> str:
    return HIDDEN if may_be_secret(command) else _text(command)


def _path(path: Path) -> str:
    return _text(str(path))


def _text(text: str) -> str:
    """Bytes of a path that are no UTF-8 cannot be told."""
    return os.fsencode(text).decode("utf-8", "replace")


def _can_be_told(plan: Mapping[str, Any]) -> bool:
    content = json.dumps(plan, ensure_ascii=False).encode("utf-8", "replace")
    return len(content) <= _MOST_BYTES and b"PRIVATE KEY" not in content


def _of_parts(parts: Mapping[str, Any]) -> str:
    return _digest(_FORM, dict(parts))


def _digest(*values: Any) -> str:
    """SHA-256 of the values as JSON, the same for the same values."""
    return hashlib.sha256(json.dumps(values, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _sum(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
