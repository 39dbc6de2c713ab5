# SPDX-License-Identifier: Apache-2.0
"""The lists of the inventory on both databases: what is chosen by indexes is what a reader of every row would choose;
and data of the revision before comes over whole."""

import shutil

import pytest
import sqlalchemy as sa

from bench.inventory_rows import ACCOUNT, fill, sightings
from services.discovery import bootstrap
from services.discovery.handlers import inventory
from services.discovery.model.sighting import form_of, read_pem
from services.discovery.projections import selection
from services.discovery.tables import certificate_bytes, certificate_words
from shared.context import Context
from shared.contracts.discovery import (
    CountExpiring,
    DescribeCertificate,
    GetInventoryCertificate,
    GetInventoryWords,
    ListInventory,
)
from shared.eventstore.migrations import differences, folder_of, upgrade
from shared.pki.certificate import to_pem
from tests.support.discovery_room import NOW, der
from tests.support.rooms import StandingClock

COUNT = 240
CUSTOMER = Context(actor="user:u1", account_id=ACCOUNT, permissions=frozenset({"view", "create_order"}))


@pytest.fixture
def app(settings):
    built = bootstrap.build(settings, clock=StandingClock(NOW))
    upgrade(built.room.database, built.room.projections)
    yield built
    built.room.database.close()


def test_every_list_shows_what_a_reader_of_all_rows_would_choose(app, monkeypatch):
    monkeypatch.setattr(selection, "FEW", 20)  # so that both ways are gone
    fill(app, COUNT)
    fill(app, 3, account="another")  # the same certificates: nobody sees what others have
    known = dict(enumerate(sightings(COUNT, NOW)))
    keys = [one.spki for one in known.values()]

    def expected(test, key, descending=False):
        chosen = [one for number, one in known.items() if test(number, one)]
        return [
            one.fingerprint for one in sorted(chosen, key=lambda one: (key(one), one.fingerprint), reverse=descending)
        ]

    def by_expiry(one):
        return one.not_after

    def words(one):
        return "\n".join((*one.names, one.common_name, one.subject, one.issuer)).lower()

    lists = [
        ({}, expected(lambda *_: True, by_expiry)),
        ({"sort": "-not_after", "offset": 200}, expected(lambda *_: True, by_expiry, True)[200:]),
        ({"sort": "common_name"}, expected(lambda *_: True, lambda one: one.common_name)),
        ({"sort": "-issuer"}, expected(lambda *_: True, lambda one: one.issuer, True)),
        ({"sort": "subject", "level": "DV"}, expected(lambda _, one: one.level == "DV", lambda one: one.subject)),
        ({"search": " EXAMPLE.Org "}, expected(lambda _, one: "example.org" in words(one), by_expiry)),
        ({"search": "-17.dept"}, expected(lambda _, one: "-17.dept" in words(one), by_expiry)),
        ({"search": "e_a"}, []),
        ({"search": "ca 7", "level": "DV", "sort": "-subject"},
         expected(lambda _, one: "ca 7" in words(one) and one.level == "DV", lambda one: one.subject, True)),
        ({"search": "shop", "source": "scan", "key": "rsa 2048"}, expected(
            lambda number, one: number % 10 and "shop" in words(one) and one.key_algorithm == "rsa 2048", by_expiry)),
        ({"own": True}, expected(lambda number, _: number % 50 == 0, by_expiry)),
        ({"own": False, "self_signed": True},
         expected(lambda number, _: number % 50 and number % 25 == 0, by_expiry)),
        ({"form": "multi_domain"}, expected(lambda _, one: form_of(one.names) == "multi_domain", by_expiry)),
        ({"reused": True}, expected(lambda _, one: keys.count(one.spki) > 1, by_expiry)),
        ({"reused": False, "sort": "issuer"},
         expected(lambda _, one: keys.count(one.spki) == 1, lambda one: one.issuer)),
        ({"source": "agent"}, expected(lambda number, _: number % 10 == 0, by_expiry)),
        ({"source": "issued"}, []),
        ({"server_id": "server-10"}, expected(lambda number, _: number % 200 == 10, by_expiry)),
        ({"server_id": "server-10", "source": "scan"}, []),
        ({"brand": "Sectigo", "sort": "last_seen_at"}, expected(lambda _, one: one.brand == "Sectigo", lambda _: "")),
        ({"spki_sha256": keys[5].upper()}, expected(lambda _, one: one.spki == keys[5], by_expiry)),
    ]  # fmt: skip
    for fields, wanted in lists:
        page = inventory.inventory(app.room, ListInventory(limit=200, **fields), CUSTOMER)
        assert [one.fingerprint_sha256 for one in page.items] == wanted[:200], fields
        assert page.total == len(wanted) + fields.get("offset", 0), fields


def test_a_list_by_cursor_skips_and_repeats_nothing_and_counts_when_asked(app):
    fill(app, COUNT)
    seen, cursor = [], None
    while True:
        asked = ListInventory(limit=50, cursor=cursor, level="DV", total=cursor is None)
        page = inventory.inventory(app.room, asked, CUSTOMER)
        assert (page.total is None) == (cursor is not None)
        seen += [one.fingerprint_sha256 for one in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break
    wanted = sorted((one.not_after, one.fingerprint) for one in sightings(COUNT, NOW) if one.level == "DV")
    assert seen == [fingerprint for _, fingerprint in wanted]


def test_counts_and_words_are_those_of_all_rows(app):
    fill(app, COUNT)
    found = list(sightings(COUNT, NOW))
    counted = inventory.expiring(app.room, CountExpiring(), CUSTOMER).items
    assert sum((one.own + one.self_signed + one.other) for one in counted[-1:]) == sum(
        "2026-11-23T12:00:00" < one.not_after <= "2027-05-22T12:00:00.000000Z" for one in found
    )
    said = inventory.inventory_words(app.room, GetInventoryWords(), CUSTOMER)
    assert said.brands == sorted({one.brand for one in found} - {""})
    assert said.keys == sorted({one.key_algorithm for one in found})
    assert said.levels == ["DV", "EV", "OV"]


def test_owner_and_tags_are_found_and_bytes_go_with_their_certificate(app):
    fill(app, 3)
    first = next(sightings(1, NOW))
    asked = DescribeCertificate(fingerprint_sha256=first.fingerprint, owner="Team Blue", tags=["Kiosk"])
    app.room.execute(inventory.describe_certificate, asked, CUSTOMER)
    for text in ("team bl", "KIOSK"):
        (only,) = inventory.inventory(app.room, ListInventory(search=text), CUSTOMER).items
        assert only.fingerprint_sha256 == first.fingerprint
        assert (only.pem, only.chain_pem) == ("", "")
    one = inventory.inventory_certificate(
        app.room, GetInventoryCertificate(fingerprint_sha256=first.fingerprint), CUSTOMER
    )
    assert (one.pem, bool(one.chain_pem)) == (first.pem, True)


def test_certificates_of_the_revision_before_keep_their_bytes_and_words(settings, tmp_path):
    before = tmp_path / "before"
    shutil.copytree(folder_of("discovery"), before)
    for newer in before.glob("rev_000[3-9]*"):
        newer.unlink()
    app = bootstrap.build(settings, clock=StandingClock(NOW))
    database = app.room.database
    try:
        assert upgrade(database, app.room.projections, before) == "0002"
        pem = to_pem(der("shop.example.com"))
        sighting = read_pem(pem)
        row = {
            "account_id": ACCOUNT, "fingerprint": sighting.fingerprint, "serial": sighting.serial,
            "common_name": "shop.example.com", "names": '["shop.example.com"]', "subject": sighting.subject,
            "issuer": sighting.subject, "not_before": sighting.not_before, "not_after": sighting.not_after,
            "form": "single", "key_algorithm": "ecdsa P-256", "own": True, "order_id": "o1", "pem": pem,
            "search": "shop.example.com\nteam red", "first_seen_at": "2026", "last_seen_at": "2026", "chain_pem": "x",
        }  # fmt: skip
        names = ", ".join(row)
        values = ", ".join(f":{name}" for name in row)
        with database.write() as connection:
            connection.execute(sa.text(f"INSERT INTO certificates ({names}) VALUES ({values})"), row)
        assert upgrade(database, app.room.projections) == "0006"
        assert differences(database, app.room.projections) == []
        (one,) = inventory.inventory(app.room, ListInventory(search="team red", self_signed=True), CUSTOMER).items
        assert (one.names, one.own, one.order_id, one.self_signed) == (["shop.example.com"], True, "o1", True)
        with database.read() as connection:
            assert connection.execute(sa.select(certificate_bytes)).all() == [(ACCOUNT, sighting.fingerprint, pem, "x")]
            assert len(connection.execute(sa.select(certificate_words)).all()) == 1
    finally:
        database.close()
