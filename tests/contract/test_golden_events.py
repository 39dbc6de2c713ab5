# SPDX-License-Identifier: Apache-2.0
"""Old events load for ever (ARCHITECTURE §3.9, quality bar F19): each form that was ever stored is read, and says the
same. One file per type and schema version under `golden_events/`; none is ever changed, renamed or removed.
"""

from __future__ import annotations

import json

import msgspec
import pytest

from shared.eventsourcing.event import decode, encode
from tests.support.golden_events import golden, registered

TYPES = registered()
GOLDEN = list(golden())
CURRENT = [(name, text) for name, schema, text in GOLDEN if name in TYPES and schema == TYPES[name].SCHEMA]


@pytest.mark.parametrize("name", sorted(TYPES))
def test_every_event_has_a_golden_file(name):
    kept = {(type_, schema) for type_, schema, _ in GOLDEN}
    assert (name, TYPES[name].SCHEMA) in kept, "run: python -m tests.support.golden_events"


def test_no_event_was_renamed_or_taken_away():
    assert {name for name, _, _ in GOLDEN} <= set(TYPES)


@pytest.mark.parametrize(("name", "schema", "text"), GOLDEN, ids=lambda value: str(value)[:40])
def test_a_golden_event_is_read(name, schema, text):
    assert type(decode(name, schema, text)) is TYPES[name]


@pytest.mark.parametrize(("name", "text"), CURRENT, ids=lambda value: str(value)[:40])
def test_a_golden_event_is_written_as_it_was(name, text):
    """The canonical text is what the hash chain covers. Fields that were added since may stand beside the old ones."""
    written = json.loads(encode(decode(name, TYPES[name].SCHEMA, text)))
    assert msgspec.json.encode(_only(written, json.loads(text))).decode() == text


@pytest.mark.parametrize(("name", "text"), CURRENT, ids=lambda value: str(value)[:40])
def test_a_field_of_a_newer_version_is_ignored(name, text):
    fact = decode(name, TYPES[name].SCHEMA, text)
    newer = json.dumps({**json.loads(text), "a_field_of_the_future": {"nested": [1]}})
    assert decode(name, TYPES[name].SCHEMA, newer) == fact


def _only(written, known):
    """What is written, without the fields that the golden file does not know."""
    if isinstance(written, dict) and isinstance(known, dict):
        return {key: _only(value, known[key]) for key, value in written.items() if key in known}
    if isinstance(written, list) and isinstance(known, list) and len(written) == len(known):
        return [_only(one, other) for one, other in zip(written, known, strict=True)]
    return written
