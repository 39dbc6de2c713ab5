# SPDX-License-Identifier: Apache-2.0
"""Verify and rebuild on either database: what was tampered with is found, what was lost is folded again."""

import pytest
import sqlalchemy as sa

from shared.context import Context
from shared.eventstore import rebuild
from shared.eventstore.verify import verify
from tests.support import counters
from tests.support.counters import RaiseCounter, StartCounter


@pytest.fixture
def room(settings):
    room = counters.open_room(settings)
    for name in "abc":
        view = room.execute(counters.start_counter, StartCounter(name=name), Context())
        for by in (1, 2, 3):
            room.execute(counters.raise_counter, RaiseCounter(id=view.id, by=by), Context())
    counters.settle(room)
    yield room
    room.database.close()


def tamper(room, *statements):
    """As somebody with the owner's rights would: triggers off first."""
    with room.database.write() as connection:
        if room.database.dialect == "postgresql":
            connection.exec_driver_sql("ALTER TABLE events DISABLE TRIGGER ALL")
        else:
            connection.exec_driver_sql("DROP TRIGGER events_no_update")
            connection.exec_driver_sql("DROP TRIGGER events_no_delete")
        for statement in statements:
            connection.exec_driver_sql(statement)


def test_untouched_history_is_whole(room):
    room.seals.seal()
    report = verify(room.database)
    assert report.ok
    assert (report.streams, report.events, report.seals) == (3, 12, 1)


@pytest.mark.parametrize(
    "statement",
    [
        """UPDATE events SET data = '{"by":9}' WHERE stream = 'counter-b' AND version = 2""",
        """UPDATE events SET metadata = '{"actor":"user:1"}' WHERE stream = 'counter-b' AND version = 2""",
        "UPDATE events SET occurred_at = '2020-01-01T00:00:00.000000Z' WHERE stream = 'counter-b' AND version = 2",
        "UPDATE events SET event_id = 'x' WHERE stream = 'counter-b' AND version = 2",
        "UPDATE events SET hash = 'x' WHERE stream = 'counter-b' AND version = 4",
        "DELETE FROM events WHERE stream = 'counter-b' AND version = 2",
        "DELETE FROM events WHERE stream = 'counter-b' AND version = 1",
        "UPDATE events SET stream = 'counter-z' WHERE stream = 'counter-b'",
        "UPDATE events SET version = version + 10 WHERE stream = 'counter-b'",
    ],
)
def test_a_change_inside_a_stream_is_found(room, statement):
    tamper(room, statement)
    report = verify(room.database)
    assert not report.ok
    assert {fault.stream for fault in report.faults} <= {"counter-b", "counter-z", ""}


def test_two_events_that_changed_places_are_found(room):
    tamper(
        room,
        "UPDATE events SET version = 99 WHERE stream = 'counter-b' AND version = 2",
        "UPDATE events SET version = 2 WHERE stream = 'counter-b' AND version = 3",
        "UPDATE events SET version = 3 WHERE stream = 'counter-b' AND version = 99",
    )
    assert not verify(room.database).ok


@pytest.mark.parametrize("where", ["stream = 'counter-c'", "stream = 'counter-c' AND version = 4"])
def test_a_cut_at_the_end_breaks_the_seal(room, where):
    digest = room.seals.seal()
    assert digest is not None
    assert room.seals.seal() is None
    tamper(room, f"DELETE FROM events WHERE {where}")
    report = verify(room.database)
    assert not report.ok
    assert any("seal" in fault.problem for fault in report.faults)


def test_seals_build_on_one_another(room):
    digests = [room.seals.seal()]
    for _ in range(2):
        room.execute(counters.raise_counter, RaiseCounter(id="counter-a"), Context())
        counters.settle(room)
        digests.append(room.seals.seal())
    assert len(set(digests)) == 3
    assert verify(room.database).seals == 3
    assert verify(room.database).ok


def test_a_service_adds_its_own_checks(room):
    report = verify(room.database, [lambda connection: ["the ledger is off by 1"]])
    assert [fault.problem for fault in report.faults] == ["the ledger is off by 1"]


def test_the_folded_read_model_is_the_live_one(room):
    comparison = rebuild.check(room)
    assert comparison.equal
    assert (comparison.events, comparison.rows, comparison.tables) == (12, 3, ["totals"])


def test_a_read_model_that_differs_is_shown_and_mended(room):
    with room.database.write() as connection:
        connection.execute(sa.update(counters.totals).where(counters.totals.c.name == "a").values(total=7))
        connection.execute(sa.delete(counters.totals).where(counters.totals.c.name == "b"))
        connection.execute(counters.notes.insert().values(text="state is not folded"))
    comparison = rebuild.check(room)
    assert [(found.kind, found.row) for found in comparison.differences] == [
        ("extra", '["counter-a","a",7]'),
        ("missing", '["counter-a","a",6]'),
        ("missing", '["counter-b","b",6]'),
    ]
    assert rebuild.rebuild(room) == 12
    assert rebuild.check(room).equal
    with room.query() as connection:
        assert connection.execute(sa.select(counters.notes.c.text)).scalars().all() == ["state is not folded"]


def test_all_streams_fold_in_one_pass(room):
    assert rebuild.fold_all(room.database, counters.counter) == dict.fromkeys(
        ["counter-a", "counter-b", "counter-c"], 6
    )
    assert rebuild.fold_all(room.database, counters.counter, "counter-c") == {"counter-c": 6}
