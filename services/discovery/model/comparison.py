# SPDX-License-Identifier: Apache-2.0
"""What differs between two surveys of one endpoint and their verdicts."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

from shared.contracts.discovery import CheckChange

Facts = dict[tuple[str, str], str]


def compare(before: Mapping[str, Any], after: Mapping[str, Any], grades: tuple[str, str]) -> list[CheckChange]:
    """The changes from one survey to a later one, by subject and name. What one of them did not look at is left out."""
    old, new = dict(_facts(before)), dict(_facts(after))
    found = [
        CheckChange(subject=subject, name=name, before=old.get((subject, name), ""), after=new.get((subject, name), ""))
        for subject, name in sorted({*old, *new})
        if old.get((subject, name)) != new.get((subject, name)) and _both(before, after, subject)
    ]
    if all(grades) and grades[0] != grades[1]:
        found.insert(0, CheckChange(subject="grade", name="", before=grades[0], after=grades[1]))
    return found


def _both(before: Mapping[str, Any], after: Mapping[str, Any], subject: str) -> bool:
    """Whether both looked at it: a basic survey knows the certificates only."""
    return subject == "certificate" or (before["depth"] == after["depth"] == "advanced")


def _facts(survey: Mapping[str, Any]) -> Iterator[tuple[tuple[str, str], str]]:
    for chain in survey["chains"]:
        if chain["certificates"] and chain["with_server_name"]:
            leaf = hashlib.sha256(base64.b64decode(chain["certificates"][0])).hexdigest()
            yield ("certificate", chain["authentication"]), leaf
    for version, offer in survey["protocols"].items():
        if offer["offered"] is not None:
            yield ("protocol", version), _word(offer["offered"])
        for suite in offer["suites"]:
            yield ("suite", f"{version} {suite}"), "yes"
    for subject, group in (("feature", survey["features"]), ("hole", survey["holes"])):
        for name, fact in group.items():
            if fact["value"] is not None:
                yield (subject, name), _word(fact["value"])


def _word(value: bool) -> str:
    return "yes" if value else "no"
