# SPDX-License-Identifier: Apache-2.0
"""One sample of every event as it is stored, kept for ever: `python -m tests.support.stored_events` adds missing ones.

A line is never changed or removed: some installation holds such an event in its log.
"""

from __future__ import annotations

import importlib
import json
import pkgutil
import types
import typing
from pathlib import Path

import msgspec

import services
from certwright.rooms import ROOMS
from shared.eventsourcing.event import encode, event_types

FOLDER = Path(__file__).parents[1] / "contract" / "stored_events"


def registered():
    """Every event type of the rooms by name, private ones included."""
    for room in pkgutil.iter_modules(services.__path__, "services."):
        for module in pkgutil.walk_packages(importlib.import_module(room.name).__path__, f"{room.name}."):
            if ".model." in module.name or module.name.endswith(".projections"):
                importlib.import_module(module.name)
    return {name: cls for name, cls in event_types().items() if name.split(".")[0] in ROOMS}


def stored():
    """Every kept sample: (type, schema, data)."""
    for file in sorted(FOLDER.glob("*.jsonl")):
        for line in file.read_text("utf-8").splitlines():
            entry = json.loads(line)
            yield entry["type"], entry["schema"], entry["data"]


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


def add_missing():
    """Writes a line for each (type, schema) that has none; how many."""
    known = {(name, schema) for name, schema, _ in stored()}
    added = 0
    for name, cls in sorted(registered().items()):
        if (name, cls.SCHEMA) not in known:
            line = json.dumps({"type": name, "schema": cls.SCHEMA, "data": json.loads(encode(sample(cls)))})
            with (FOLDER / f"{name.split('.', maxsplit=1)[0]}.jsonl").open("a", encoding="utf-8") as file:
                file.write(line + "\n")
            added += 1
    return added


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    print(f"added {add_missing()}")
