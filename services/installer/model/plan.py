# SPDX-License-Identifier: Apache-2.0
"""The plan of an installation as an agent tells it: read strictly, and of bounded size.

What goes into the log is its hash and which files it changes. The text of configurations does not: it may hold what its
owner wants to be forgotten, and the log forgets nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from shared.contracts.installer import PlannedBinding, PlannedFile

AGENTS_SINCE = "0.5.0"  # older ones tell no plan, and would install whatever was approved
TOO_OLD = "The agent is too old to tell what it would change. Download it again and replace it."
MOST_FILES = 200
MOST_BINDINGS = 400
MOST_PARTS = 2 * MOST_FILES
MOST_DIFF = 100_000  # characters, of all files
MOST_TEXT = 4096
_HEX = frozenset("0123456789abcdef")


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """A plan; `parts` are the digests that its hash is made of, for the agent to name what differs."""

    plan_sha256: str
    parts: dict[str, str]
    web_server: str
    site: str
    serial: str
    fingerprint_sha256: str
    files: list[PlannedFile]
    test: str
    reload: str
    bindings: list[PlannedBinding]


def read(told: object) -> Plan | None:
    """What an agent told; None when it is no plan."""
    try:
        plan = msgspec.convert(told, Plan)
    except msgspec.ValidationError:
        return None
    hashes = (plan.plan_sha256, plan.fingerprint_sha256, *plan.parts.values())
    texts = [plan.web_server, plan.site, plan.serial, plan.test, plan.reload, *plan.parts]
    texts += [text for file in plan.files for text in (file.path, file.what, file.mode, file.owner, file.encoding)]
    texts += [text for binding in plan.bindings for text in (binding.address, binding.name)]
    optional = [getattr(file, name) for file in plan.files for name in _SUMS]
    fits = (
        all(map(_is_sha256, hashes))
        and all(_is_sha256(one) for one in optional if one)
        and max(map(len, texts), default=0) <= MOST_TEXT
        and len(plan.files) <= MOST_FILES
        and len(plan.bindings) <= MOST_BINDINGS
        and len(plan.parts) <= MOST_PARTS
        and sum(len(file.diff) for file in plan.files) <= MOST_DIFF
    )
    return plan if fits else None


_SUMS = ("old_sha256", "new_sha256", "old_certificate_sha256", "new_certificate_sha256")


def told_in(result: Mapping[str, Any]) -> Plan | None:
    """The plan in the result of a job, if there is one."""
    return read(result.get("plan")) if result.get("plan") else None


def noted(plan: Plan) -> dict[str, Any]:
    """What of a plan goes into the log."""
    files = [
        {"path": file.path, **{name: getattr(file, name) for name in _SUMS if getattr(file, name)}}
        for file in plan.files
    ]
    return {"plan_sha256": plan.plan_sha256, "changes": files}


def _is_sha256(text: str) -> bool:
    return len(text) == 64 and set(text) <= _HEX
