# SPDX-License-Identifier: Apache-2.0
"""Old events load for ever (ARCHITECTURE §3.9): every event that was ever stored is still read, and says the same."""

from __future__ import annotations

import json

import pytest

from shared.eventsourcing.event import decode, encode
from tests.support.stored_events import registered, stored

TYPES = registered()
STORED = list(stored())


@pytest.mark.parametrize("name", sorted(TYPES))
def test_every_event_has_a_stored_sample(name):
    kept = {(type_, schema) for type_, schema, _ in STORED}
    assert (name, TYPES[name].SCHEMA) in kept, "run: python -m tests.support.stored_events"


@pytest.mark.parametrize(("name", "schema", "stored_data"), STORED, ids=lambda value: str(value)[:60])
def test_a_stored_event_is_read_and_says_the_same(name, schema, stored_data):
    fact = decode(name, schema, json.dumps(stored_data))
    if schema == TYPES[name].SCHEMA:
        now = json.loads(encode(fact))
        assert _covers(now, stored_data), (now, stored_data)


@pytest.mark.parametrize("name", sorted(TYPES))
def test_an_event_may_gain_fields_and_older_ones_load_without_them(name):
    """Fields added after the first sample have defaults: samples stored before still decode (above); and fields that
    this code does not know, written by a newer one, are ignored."""
    data = next(data for type_, schema, data in STORED if (type_, schema) == (name, TYPES[name].SCHEMA))
    assert decode(name, TYPES[name].SCHEMA, json.dumps({**data, "a_field_of_the_future": 1}))


def _covers(now, before):
    """Whether everything that was said is still said; new fields may stand beside it."""
    if isinstance(before, dict) and isinstance(now, dict):
        return all(key in now and _covers(now[key], value) for key, value in before.items())
    if isinstance(before, list) and isinstance(now, list):
        return len(now) == len(before) and all(map(_covers, now, before))
    return now == before
