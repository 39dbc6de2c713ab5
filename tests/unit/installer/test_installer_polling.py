# SPDX-License-Identifier: Apache-2.0
"""A thousand agents ask every five seconds: what the question costs while there is no work, and that it is right."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from services.installer.model.pace import LONGEST_S, Pace
from shared.errors import ServiceError
from shared.eventstore import tables


def statements(room, call):
    """The SQL that a call runs, by connection."""
    seen = []
    database = room.room.database
    engines = {engine for engine in (database.engine, database._reading, database._marking) if engine is not None}

    def note(_connection, _cursor, statement, *_):
        seen.append(statement)

    for engine in engines:
        sa.event.listen(engine, "before_cursor_execute", note)
    try:
        call()
    finally:
        for engine in engines:
            sa.event.remove(engine, "before_cursor_execute", note)
    return seen


@pytest.fixture
def agent(room):
    agent, _ = room.enrolled()
    room.poll(agent.agent_id)
    return agent


def test_a_question_without_work_reads_once_and_writes_nothing(room, agent):
    seen = statements(room, lambda: room.poll(agent.agent_id))
    assert len(seen) == 1, seen
    assert seen[0].lstrip().startswith("SELECT")


def test_no_answer_is_kept_whatever_the_question_was_called(room, agent):
    room.report(agent.agent_id, room.site())
    job_id = room.csr_requested(room.list_servers().items[0].server_id)
    for _ in range(2):  # the first answer was lost: the same question again hands the work out again
        work = room.poll(agent.agent_id, command_id="the-same-question")
        assert [job.job_id for job in work.jobs] == [job_id]
    with room.room.query() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(tables.commands)).scalar_one() == 0


def test_the_beat_is_noted_when_it_is_due_or_says_something_new(room, agent):
    first = room.get(agent.agent_id).last_seen_at
    room.clock.forward(seconds=14)
    room.poll(agent.agent_id)
    assert room.get(agent.agent_id).last_seen_at == first
    room.clock.forward(seconds=2)
    room.poll(agent.agent_id)
    second = room.get(agent.agent_id).last_seen_at
    assert second > first
    room.clock.forward(seconds=1)
    room.poll(agent.agent_id, remote_address="192.0.2.99")
    noted = room.get(agent.agent_id)
    assert (noted.address, noted.last_seen_at > second) == ("192.0.2.99", True)


def test_a_removed_agent_gets_no_answer(room, agent):
    room.remove(agent.agent_id)
    with pytest.raises(ServiceError) as caught:
        room.poll(agent.agent_id)
    assert caught.value.code == "unauthenticated"


def test_a_large_fleet_is_told_to_ask_less_often(room, agent):
    assert room.poll(agent.agent_id).poll_after == room.app.policy.poll_after
    now = room.clock.now()
    pace = Pace(200)
    assert pace.due(now)
    pace.count(1_000, now)
    assert (pace.due(now), pace.poll_after(5.0)) == (False, 5.0)
    pace.count(10_000, now)
    assert pace.poll_after(5.0) == 50.0
    pace.count(10**6, now)
    assert pace.poll_after(5.0) == LONGEST_S < 90
    assert pace.due(now + timedelta(seconds=30))
    assert pace.due(now - timedelta(seconds=1))  # the clock was put back
