# SPDX-License-Identifier: Apache-2.0
"""The audit log on both databases, and what an older feed says after its revision."""

import shutil

import pytest
import sqlalchemy as sa

from services.alerts.tables import projections
from shared.eventstore.database import Database
from shared.eventstore.migrations import differences, folder_of, upgrade
from tests.support.alerts_room import AlertsRoom
from tests.unit.alerts.test_alerts_audit import (  # noqa: F401 - these tests run here with the fixture below
    log,
    test_an_account_sees_its_own_and_an_operator_without_one_sees_all,
    test_entries_are_found_by_who_what_and_when,
    test_the_newest_comes_first_page_by_page,
)


@pytest.fixture
def alerts(settings):
    with AlertsRoom.on(settings) as room:
        yield room


def test_an_older_feed_gets_its_actors_and_sentences(settings, tmp_path):
    first = tmp_path / "first"
    first.mkdir()
    shutil.copy(folder_of("alerts") / "rev_0001_alerts.py", first)
    database = Database.open("alerts", settings)
    upgrade(database, projections, first)
    insert = sa.text("INSERT INTO feed VALUES (:position, :id, 'a1', 'orders.OrderExpired', 'now', :said)")
    with database.write() as connection:
        for position, actor in ((1, "user:u1"), (2, "system:orders")):
            said = f'{{"actor":"{actor}","subject":"order-1","data":{{"order_id":"1"}}}}'
            connection.execute(insert, {"position": position, "id": f"e{position}", "said": said})
    upgrade(database, projections)
    assert differences(database, projections) == []
    with database.read() as connection:
        rows = connection.execute(sa.text("SELECT actor, by_person, subject, summary FROM feed ORDER BY position"))
        assert [tuple(row) for row in rows] == [
            ("user:u1", 1, "order-1", "The order expired."),
            ("system:orders", 0, "order-1", "The order expired."),
        ]
    database.close()
