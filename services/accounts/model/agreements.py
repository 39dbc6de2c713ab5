# SPDX-License-Identifier: Apache-2.0
"""The agreements in force. A new version is a new file; the highest number counts, and is asked for again."""

from __future__ import annotations

from functools import cache
from importlib import resources

from shared.contracts.accounts import AgreementText
from shared.errors import invalid

KINDS = ("eula", "subscriber")


@cache
def in_force() -> tuple[AgreementText, ...]:
    """The newest version of each kind."""
    folder = resources.files("services.accounts").joinpath("agreements")
    newest: dict[str, tuple[int, str]] = {}
    for file in folder.iterdir():
        kind, _, version = file.name.removesuffix(".txt").rpartition("-")
        if kind in KINDS and version.isdigit() and int(version) > newest.get(kind, (0, ""))[0]:
            newest[kind] = (int(version), file.read_text("utf-8"))
    return tuple(AgreementText(kind=kind, version=str(newest[kind][0]), text=newest[kind][1]) for kind in KINDS)


def version_of(kind: str) -> str:
    """The version in force. Raises ServiceError invalid for an unknown kind."""
    for agreement in in_force():
        if agreement.kind == kind:
            return agreement.version
    raise invalid(f"There is no such agreement; there are {', '.join(KINDS)}.", "/kind")


def due(accepted: set[tuple[str, str]], kinds: tuple[str, ...] = ("eula",)) -> list[AgreementText]:
    """Those of `kinds` that were not accepted in their present version."""
    return [one for one in in_force() if one.kind in kinds and (one.kind, one.version) not in accepted]
