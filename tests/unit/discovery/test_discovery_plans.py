# SPDX-License-Identifier: Apache-2.0
"""The lists of the inventory are read by their indexes, so that a hundred thousand certificates make no difference."""

import pytest
import sqlalchemy as sa

from services.discovery.handlers import inventory, scans
from services.discovery.projections import selection
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
        assert "COVERING INDEX certificates_by_facets (account_id=? AND not_after>?)" in plan
        assert "TEMP B-TREE" not in plan
    counts = [plan for statement, plan in found.items() if "count(*)" in statement]
    assert all("COVERING INDEX certificates_by_facets" in plan for plan in counts)


@pytest.mark.parametrize(
    ("sort", "index"),
    [
        ("common_name", "name"),
        ("-subject", "subject"),
        ("issuer", "issuer"),
        ("not_before", "start"),
        ("last_seen_at", "sighting"),
    ],
)
@pytest.mark.parametrize("fields", [{}, {"level": "EV"}, {"search": "shop", "own": False}, {"reused": True}])
def test_each_order_is_walked_along_and_nothing_is_sorted(app, monkeypatch, sort, index, fields):
    monkeypatch.setattr(selection, "_few", lambda *_: None)  # as where there are many
    asked = discovery.ListInventory(sort=sort, **fields)
    found = plans(app, lambda: inventory.inventory(app.room, asked, customer("a1")))
    (page,) = [plan for statement, plan in found.items() if "LIMIT" in statement and "certificates" in statement]
    assert f"INDEX certificates_by_{index} (account_id=?)" in page
    assert "TEMP B-TREE" not in page
    assert ("COVERING" in page.splitlines()[0]) == (not fields)


@pytest.mark.parametrize(
    ("fields", "index"),
    [
        ({"spki_sha256": "ab" * 32}, "certificates_by_key (account_id=? AND spki=?)"),
        ({"reused": True}, "COVERING INDEX certificates_by_key (account_id=?)"),
        ({"brand": "Sectigo"}, "COVERING INDEX certificates_by_facets (account_id=?)"),
        ({"level": "EV", "key": "rsa 2048"}, "COVERING INDEX certificates_by_facets (account_id=?)"),
        ({"own": False, "self_signed": True}, "COVERING INDEX certificates_by_facets (account_id=?)"),
        ({"source": "scan"}, "COVERING INDEX places_by_certificate (account_id=?"),
        ({"server_id": "s1"}, "COVERING INDEX places_by_server (account_id=? AND server_id=?)"),
        ({"search": "shop"}, "certificate_words USING PRIMARY KEY (account_id=?)"),
        ({"fingerprint": ["ab" * 32]}, "(account_id=? AND fingerprint=?)"),
    ],
)
def test_filters_are_answered_by_an_index(app, fields, index):
    asked = discovery.ListInventory(**fields)
    found = plans(app, lambda: inventory.inventory(app.room, asked, customer("a1")))
    assert any(index in plan for plan in found.values()), found


def test_what_is_on_a_page_is_found_by_its_keys(app):
    asked = discovery.ListInventory(fingerprint=["ab" * 32, "cd" * 32])
    found = plans(app, lambda: inventory.inventory(app.room, asked, customer("a1")))
    (rows,) = [plan for statement, plan in found.items() if "certificates.serial" in statement]
    assert "(account_id=? AND fingerprint=?)" in rows


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
