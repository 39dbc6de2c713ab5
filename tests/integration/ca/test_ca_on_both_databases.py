# SPDX-License-Identifier: Apache-2.0
"""The CA on SQLite and PostgreSQL: the whole story, workers that race, and workers that die (invariant I2)."""

import base64
import itertools
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
import sqlalchemy as sa
from cryptography import x509

from services.ca import handlers, jobs
from services.ca.projections import issuances, projections
from shared.context import system
from shared.contracts.ca import CertificateRevoked, CertificateSigned, IssuanceAccepted, IssuanceRefused
from shared.eventstore.migrations import VERSION_TABLE, differences, upgrade
from shared.settings import Settings
from tests.support import postgres
from tests.support.ca_room import ca_room

_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with postgres.running(tmp_path_factory.mktemp("postgres")) as made:
        yield made


@pytest.fixture(params=["sqlite", "postgresql"])
def ca(request, tmp_path):
    url = ""
    if request.param == "postgresql":
        url = request.getfixturevalue("server").create_database(f"ca_{next(_numbers)}")
    settings = Settings(data_dir=tmp_path, database_url=url, public_url="http://certwright.test")
    with ca_room(tmp_path, settings=settings) as room:
        assert differences(room.app.room.database, projections) == []
        yield room


def kinds(ca, issuance_id="issuance-1"):
    return [type(fact) for fact in ca.facts(issuance_id)]


def test_the_whole_story(ca):
    serials = [ca.issue(number=number)[-1].serial for number in range(1, 4)]
    assert [type(fact) for fact in ca.issue(issuance_id="again")] == [IssuanceRefused]
    ca.revoke([serials[0], serials[2]], reason="keyCompromise")  # the third belongs to another order
    ca.work()
    assert kinds(ca) == [IssuanceAccepted, CertificateSigned, CertificateRevoked]
    crl = x509.load_der_x509_crl(base64.b64decode(jobs.current_crl(ca.app).der_base64))
    assert [entry.serial_number for entry in crl] == [int(serials[0], 16)]


def test_eight_workers_that_sign_at_once_leave_one_certificate(ca):
    ca.asked(ca.request())
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: jobs.sign(ca.app, {"issuance_id": "issuance-1"}), range(8)))
    assert kinds(ca) == [IssuanceAccepted, CertificateSigned]


def test_the_same_request_in_eight_copies_at_once_is_accepted_once(ca):
    request = ca.request()
    envelopes = [ca.envelope(request) for _ in range(8)]
    handler = partial(handlers.on_issuance_requested, policy=ca.app.policy)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda each: ca.app.room.react(handler, each, name="ca.on_issuance_requested"), envelopes))
    ca.work()
    assert kinds(ca) == [IssuanceAccepted, CertificateSigned]


def test_a_worker_that_dies_after_signing_leaves_no_second_certificate(ca):
    ca.asked(ca.request())
    [leased] = ca.app.room.queue.lease("dies")
    lost = ca.app.issuer.sign(ca.facts()[0])  # signed, and then the process is gone before it is recorded
    ca.clock.forward(minutes=10)  # the lease runs out
    ca.work()
    assert leased.kind == "sign"
    accepted, signed = ca.facts()
    assert signed.serial == accepted.serial
    assert signed.certificate_pem == lost.certificate_pem
    late = partial(handlers.record_signed, signed=lost)
    assert ca.app.room.execute(late, "issuance-1", system("ca")) is False


def test_two_lists_made_at_once_have_two_numbers(ca):
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: jobs.current_crl(ca.app), range(4)))
    numbers = [each.data.number for each in ca.app.room.events("crl-issuing")]
    assert numbers == list(range(1, len(numbers) + 1))


def test_older_tables_learn_who_signed(ca):
    """The tables as revision 0002 left them, with certificates in the log: the name of the issuer comes from there."""
    for number in (1, 2):
        ca.issue(number=number)
    database = ca.app.room.database
    with database.engine.begin() as connection:
        connection.execute(sa.text("DROP INDEX last_of_issuer"))
        connection.execute(sa.text("ALTER TABLE issuances DROP COLUMN issuer"))
        connection.execute(sa.text(f"UPDATE {VERSION_TABLE} SET version_num = '0002'"))
    assert upgrade(database, projections) == "0003"
    assert differences(database, projections) == []
    with ca.app.room.query() as connection:
        named = connection.execute(sa.select(issuances.c.issuer)).scalars().all()
    assert named == ["Certwright Issuing CA 1"] * 2
