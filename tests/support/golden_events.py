# SPDX-License-Identifier: Apache-2.0
"""One golden file per (type, schema version): an event as it is stored, in canonical JSON, with believable values.

`python -m tests.support.golden_events` drafts the missing ones; put real values in before you commit. A file is never
changed, renamed or removed afterwards: some installation holds such an event in its log.
"""

from __future__ import annotations

import importlib
import pkgutil
import types
import typing
from pathlib import Path

import msgspec

import services
from certwright.rooms import ROOMS
from shared.eventsourcing.event import encode, event_types

FOLDER = Path(__file__).parents[1] / "contract" / "golden_events"


def registered():
    """Every event type of the rooms by name, private ones included."""
    for room in pkgutil.iter_modules(services.__path__, "services."):
        for module in pkgutil.walk_packages(importlib.import_module(room.name).__path__, f"{room.name}."):
            if ".model." in module.name or module.name.endswith(".projections"):
                importlib.import_module(module.name)
    return {name: cls for name, cls in event_types().items() if name.split(".")[0] in ROOMS}


def golden():
    """Every golden event: (type, schema version, canonical text)."""
    for file in sorted(FOLDER.glob("*.json")):
        name, _, schema = file.stem.rpartition(".")
        yield name, int(schema), file.read_text("utf-8").rstrip("\n")


def sample(kind, name="value"):
    """Some value of a type, the same each time."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in {typing.Union, types.UnionType}:
        return sample(next(one for one in arguments if one is not type(None)), name)
    if origin is list:
        return [sample(arguments[0], name)]
    if origin is dict:
        return {"key": "value"}
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        hints = typing.get_type_hints(kind)
        return kind(**{field: sample(hints[field], field) for field in kind.__struct_fields__})
    return {str: f"some {name}", int: 7, float: 1.5, bool: True}[kind]


def draft_missing():
    """Writes a draft for each (type, schema version) that has no file; their names."""
    drafted = []
    for name, cls in sorted(registered().items()):
        file = FOLDER / f"{name}.{cls.SCHEMA}.json"
        if not file.exists():
            file.write_text(encode(sample(cls)) + "\n", "utf-8")
            drafted.append(file.name)
    return drafted


if __name__ == "__main__":
    for drafted in draft_missing():
        print(f"drafted {FOLDER / drafted}: put believable values in, once and for ever")
