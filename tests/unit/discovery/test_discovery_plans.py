# SPDX-License-Identifier: Apache-2.0
"""The lists of the inventory are read by their indexes, so that a hundred thousand certificates make no difference."""

import pytest
import sqlalchemy as sa

from services.discovery.handlers import inventory, scans
from shared.contracts import discovery
from tests.support.discovery_room import room
from tests.support.rooms import customer


@pytest.fixture
def app(tmp_path):
    built = room(tmp_path)
    yield built
    built.room.database.close()


def plans(app, ask):
    """How SQLite goes about each statement that `ask` sends, as `{statement: plan}`."""
    sent = []

    def note(_connection, _cursor, statement, parameters, _context, _many):
        sent.append((statement, parameters))

    with app.room.query() as connection:
        engine = connection.engine
    sa.event.listen(engine, "before_cursor_execute", note)
    try:
        ask()
    finally:
        sa.event.remove(engine, "before_cursor_execute", note)
    found = {}
    with app.room.query() as connection:
        for statement, parameters in sent:
            if statement.startswith("SELECT"):
                rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
                found[statement] = "\n".join(row[3] for row in rows)
    return found


def test_certificates_by_expiry_come_from_their_index(app):
    asked = discovery.ListInventory(limit=25, expired=False)
    found = plans(app, lambda: inventory.inventory(app.room, asked, customer("a1")))
    pages = [plan for statement, plan in found.items() if "LIMIT" in statement]
    assert pages
    for plan in pages:
        assert "certificates_by_expiry (account_id=? AND not_after>?)" in plan
    counts = [plan for statement, plan in found.items() if "count(*)" in statement]
    assert all("COVERING INDEX certificates_by_expiry" in plan for plan in counts)


@pytest.mark.parametrize(
    ("fields", "index"),
    [
        ({"spki_sha256": "ab" * 32}, "certificates_by_key (account_id=? AND spki=?)"),
        ({"reused": True}, "certificates_by_key (account_id=? AND spki=?)"),
        ({"brand": "Sectigo"}, "COVERING INDEX certificates_by_brand (account_id=? AND brand=?)"),
        ({"level": "EV"}, "COVERING INDEX certificates_by_level (account_id=? AND level=?)"),
        ({"key": "rsa 2048"}, "COVERING INDEX certificates_by_kind (account_id=? AND key_algorithm=?)"),
        ({"source": "scan"}, "places_by_certificate (account_id=? AND fingerprint=?)"),
        ({"fingerprint": ["ab" * 32]}, "(account_id=? AND fingerprint=?)"),
    ],
)
def test_filters_are_answered_by_an_index(app, fields, index):
    asked = discovery.ListInventory(**fields)
    found = plans(app, lambda: inventory.inventory(app.room, asked, customer("a1")))
    assert any(index in plan for plan in found.values()), found


def test_results_of_a_scan_come_in_the_order_of_their_index(app):
    with app.room.query() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM scan_results").scalar() == 0

    def handler(uow, request):
        return scans.start_scan(uow, request, settings=app.own, hosts=app.hosts)

    made = app.room.execute(handler, discovery.StartScan(targets=["203.0.113.1"]), customer("a1"))
    asked = discovery.ListScanResults(scan_id=made.scan_id)
    found = plans(app, lambda: scans.results(app.room, asked, customer("a1")))
    pages = [plan for statement, plan in found.items() if "LIMIT" in statement]
    assert pages
    for plan in pages:
        assert "scan_results_by_place (scan_id=?)" in plan
        assert "TEMP B-TREE" not in plan
