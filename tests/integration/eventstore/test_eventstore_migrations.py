# SPDX-License-Identifier: Apache-2.0
"""Tables come from revisions, old data is brought forward, newer data is refused, and no role may rewrite history."""

import itertools

import pytest
import sqlalchemy as sa
from psycopg import sql

from shared.clock import RandomIds
from shared.context import Context
from shared.eventstore import migrations, rebuild, tables
from shared.eventstore.database import Database
from shared.eventstore.grants import may_change_history
from shared.eventstore.projections import Projections
from shared.eventstore.room import Room
from shared.settings import Settings
from tests.support import counters
from tests.support.counters import CounterRaised, StartCounter

_numbers = itertools.count(1)


@pytest.fixture
def revisions(tmp_path):
    folder = tmp_path / "migrations"
    path = migrations.write_revision("counters", counters.projections, "First tables", folder)
    assert path.name == "rev_0001_first_tables.py"
    return folder


def test_revisions_make_exactly_the_declared_tables(settings, revisions):
    database = Database.open("counters", settings)
    assert migrations.current_revision(database) is None
    assert migrations.upgrade(database, counters.projections, revisions) == "0001"
    assert migrations.differences(database, counters.projections) == []
    assert migrations.upgrade(database, counters.projections, revisions) == "0001"
    assert migrations.current_revision(database) == "0001"
    room = counters.open_room(settings, create=False)
    room.execute(counters.start_counter, StartCounter(name="a"), Context())
    with pytest.raises(sa.exc.IntegrityError, match="append-only"), database.write() as connection:
        connection.exec_driver_sql("DELETE FROM events")
    room.database.close()
    database.close()


def test_declared_tables_are_the_same_as_those_of_the_revisions(settings):
    database = Database.open("counters", settings)
    database.create_all(counters.projections.metadata, counters.projections.state)
    assert migrations.differences(database, counters.projections) == []
    database.close()


def test_a_revision_is_written_for_what_changed_only(settings, revisions):
    assert migrations.write_revision("counters", counters.projections, "Nothing", revisions) is None
    changed = Projections()
    for table in counters.projections.metadata.sorted_tables:
        table.to_metadata(changed.metadata)
    for table in counters.projections.state.sorted_tables:
        table.to_metadata(changed.state)
    changed.metadata.tables["totals"].append_column(sa.Column("colour", sa.Text, nullable=False, server_default="red"))
    database = Database.open("counters", settings)
    migrations.upgrade(database, counters.projections, revisions)
    with database.write() as connection:
        connection.execute(counters.totals.insert().values(stream="s", name="old", total=3))
    path = migrations.write_revision("counters", changed, "Add a colour", revisions)
    assert path.name == "rev_0002_add_a_colour.py"
    assert migrations.upgrade(database, changed, revisions) == "0002"
    assert migrations.differences(database, changed) == []
    with database.read() as connection:
        assert connection.exec_driver_sql("SELECT name, total, colour FROM totals").all() == [("old", 3, "red")]
    database.close()


def test_data_of_a_later_version_is_refused_with_the_reason(settings, revisions):
    database = Database.open("counters", settings)
    migrations.upgrade(database, counters.projections, revisions)
    with database.write() as connection:
        connection.exec_driver_sql("UPDATE schema_version SET version_num = '0042'")
    with pytest.raises(migrations.SchemaTooNewError, match=r"revision 0042.*knows 0001"):
        migrations.upgrade(database, counters.projections, revisions)
    assert migrations.current_revision(database) == "0042"
    database.close()


def test_a_revision_that_fails_leaves_everything_as_it_was(settings, revisions):
    (revisions / "rev_0002_broken.py").write_text(
        "from alembic import op\nrevision = '0002'\ndown_revision = '0001'\n"
        "def upgrade():\n    op.execute('CREATE TABLE halfway (a INTEGER)')\n    op.execute('SELECT no_such_thing')\n"
    )
    database = Database.open("counters", settings)
    with pytest.raises(sa.exc.DBAPIError):
        migrations.upgrade(database, counters.projections, revisions)
    assert migrations.current_revision(database) is None
    with database.read() as connection:
        assert sa.inspect(connection).get_table_names() == []
    database.close()


def test_the_role_of_the_service_cannot_change_history(postgres_server, revisions):
    name = f"roles_{next(_numbers)}"
    owner_url = postgres_server.create_database(name)
    postgres_server.execute(name, sql.SQL("CREATE ROLE svc_counters LOGIN"))
    settings = Settings(database_url=owner_url.replace("//owner@", "//svc_{service}@"), database_owner_url=owner_url)
    database = Database.open("counters", settings)
    migrations.upgrade(database, counters.projections, revisions)
    room = Room(
        "counters",
        database,
        counters.projections,
        clock=counters.ManualClock(),
        ids=RandomIds(),
        jobs=counters.jobs,
    )
    room.execute(counters.start_counter, StartCounter(name="a"), Context(command_id="c"))
    room.execute(lambda uow, _: uow.append_anywhere("hot", CounterRaised()), None, Context())
    room.seals.seal()
    room.timers.fire("t", 60)
    assert room.queue.run_due([]) == 1
    for statement in (
        "UPDATE events SET data = ''",
        "DELETE FROM events",
        "TRUNCATE events",
        "ALTER TABLE events DISABLE TRIGGER ALL",
        "DROP TRIGGER events_no_change ON events",
        "DROP TABLE events",
        "UPDATE seals SET digest = ''",
        "UPDATE schema_version SET version_num = ''",
        "CREATE TABLE other (a int)",
    ):
        with pytest.raises(sa.exc.ProgrammingError, match=r"permission denied|must be owner"), database.write() as own:
            own.exec_driver_sql(statement)
    with database.read() as connection:
        assert not may_change_history(connection)
    owner = database.owner()
    with owner.read() as connection:
        assert may_change_history(connection)
    owner.close()
    assert len(room.events("counter-a")) == 1
    assert rebuild.check(room).equal
    assert rebuild.rebuild(room) == 2  # as the owner: the service's role may not lock the log
    assert rebuild.check(room).equal
    database.close()
    postgres_server.drop_database(name)


def test_truncation_meets_the_trigger_too(postgres_server):
    name = f"truncate_{next(_numbers)}"
    room = counters.open_room(Settings(database_url=postgres_server.create_database(name)))
    with pytest.raises(sa.exc.IntegrityError, match="append-only"), room.database.write() as connection:
        connection.exec_driver_sql("TRUNCATE events")
    room.database.close()
    postgres_server.drop_database(name)


def test_replacing_a_row_meets_the_trigger_too(tmp_path):
    room = counters.open_room(Settings(data_dir=tmp_path))
    room.execute(counters.start_counter, StartCounter(name="a"), Context())
    columns = ", ".join(column.name for column in tables.events.columns)
    statement = f"INSERT OR REPLACE INTO events ({columns}) SELECT {columns} FROM events"
    with pytest.raises(sa.exc.IntegrityError, match="append-only"), room.database.write() as connection:
        connection.exec_driver_sql(statement)
    room.database.close()
