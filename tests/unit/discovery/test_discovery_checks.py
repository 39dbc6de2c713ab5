# SPDX-License-Identifier: Apache-2.0
"""The SSL checker: asked for, run, kept, listed, compared; whom it refuses."""

import base64
import dataclasses
from functools import partial
from pathlib import Path

import certifi
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from services.discovery.adapters.judge import CheckerJudge
from services.discovery.handlers import checks, inventory
from services.discovery.model.sighting import read_pem
from services.discovery.projections.inventory import remember
from services.discovery.settings import DiscoverySettings
from shared.checker.ct_logs import LogsUnreadableError
from shared.checker.trust import StoreUnreadableError
from shared.checker.weak_key_list import WeakKeysUnreadableError
from shared.clock import SystemClock, to_text
from shared.context import system
from shared.contracts import discovery
from shared.errors import Code, ServiceError
from shared.probe.survey import Fact, Offer, ServedChain, Survey
from tests.support.discovery_room import der, room
from tests.support.rooms import customer

LEAF = der("www.example.com", issuer="Sectigo Public CA", policy="2.23.140.1.2.1")


def survey(*, leaf=LEAF, tls10=False, **fields):
    """What the prober sees."""
    return Survey(
        address="198.41.0.4", port=443, server_name="www.example.com", starttls="", started_at="2026-11-23T12:00:00Z",
        took_s=0.1, connections=2,
        **{
            "depth": "advanced",
            "negotiated_protocol": "TLSv1.2",
            "protocols": {"TLSv1.0": Offer(offered=tls10, suites=("TLS_RSA_WITH_AES_128_CBC_SHA",) if tls10 else ()),
                "TLSv1.3": Offer(offered=None, reason="cut short")},
            "chains": (ServedChain((leaf, der("CA")), "ECDSA", "TLSv1.2", False),),
            "holes": {"heartbleed": Fact(value=False), "robot": Fact(value=None, reason="no RSA suites")},
            **fields,
        },
    )  # fmt: skip


@pytest.fixture
def app(tmp_path):
    built = room(tmp_path, allowed=(), names={"www.example.com": ("198.41.0.4",), "in.example.com": ("10.0.0.1",)})
    built.prober.survey = survey().to_json() | {"wanted_grade": "A"}
    yield built
    built.room.database.close()


def ask(app, fqdn="www.example.com", account="a1", **fields):
    request = checks.vet(app.hosts, discovery.RunCheck(fqdn=fqdn, **fields))
    app.room.clock.move(minutes=1)
    return app.room.execute(partial(checks.run_check, settings=app.own), request, customer(account)).check_id


def get(app, check_id, account="a1"):
    return checks.get_check(app.room, discovery.GetCheck(check_id=check_id), customer(account))


def check(app, account="a1", **fields):
    check_id = ask(app, account=account, **fields)
    app.room.queue.run_due(app)
    return get(app, check_id, account)


def test_a_check_keeps_what_was_seen_and_reads_the_certificates(app):
    found = check(app, fqdn=" WWW.example.com. ", depth="advanced")
    assert (found.state, found.grade, found.fqdn, found.address) == ("finished", "A", "www.example.com", "198.41.0.4")
    leaf, above = found.certificates
    assert (leaf.common_name, leaf.brand, leaf.level, leaf.key) == ("www.example.com", "Sectigo", "DV", "ecdsa P-256")
    assert (leaf.issuer_name, above.common_name) == ("Sectigo Public CA", "CA")
    assert found.verdict == {"grade": "A"}
    assert (found.steps, found.steps_total) == (1, 2)
    [order] = app.prober.orders
    assert order["survey"]["server_name"] == "www.example.com"
    assert [entry.data["grade"] for entry in app.room.log.read().entries if "CheckFinished" in entry.type] == ["A"]


def test_the_judge_of_the_installation_grades_by_the_roots_that_are_loaded(app, tmp_path):
    roots = tmp_path / "own.pem"
    roots.write_bytes(Path(certifi.where()).read_bytes())
    app.prober.survey = survey().to_json()
    app.judge = CheckerJudge(DiscoverySettings(trust_stores={"Microsoft": roots}), app.room.clock)
    found = check(app, depth="advanced")
    assert (found.grade, found.verdict["grading"]["rule"]) == ("", "incomplete")  # TLS 1.3 was cut short
    rows = {row["code"]: row for row in found.verdict["rows"]}
    assert (rows["trusted_microsoft"]["value"], rows["trusted_microsoft"]["checked"]) == ("no", True)
    assert "not_trusted" in {one["code"] for one in found.verdict["findings"]}


def test_a_check_is_given_the_rsa_keys_of_its_own_account_and_of_no_other(app, monkeypatch):
    monkeypatch.setattr(inventory, "KEYS_AT_ONCE", 2)
    keys = [rsa.generate_private_key(65537, 1024) for _ in range(5)]
    for at, key in enumerate(keys):
        keep(app, "a1" if at < 4 else "a2", der(f"n{at}.example.com", key=key))
    keep(app, "a1", LEAF)
    check(app)
    assert sorted(app.judge.moduli) == sorted(key.public_key().public_numbers().n for key in keys[:4])


def test_a_prime_that_two_keys_of_the_inventory_share_is_found(app):
    numbers = rsa.generate_private_key(65537, 1024).private_numbers()
    other = rsa.generate_private_key(65537, 1024).private_numbers()
    keep(app, "a1", der("old.example.com", key=rsa.RSAPublicNumbers(65537, numbers.p * other.q)))
    mine = der("www.example.com", key=rsa.RSAPublicNumbers(65537, numbers.p * numbers.q))
    keep(app, "a1", mine)
    app.prober.survey = survey(leaf=mine).to_json()
    app.judge = CheckerJudge(DiscoverySettings(), app.room.clock)
    assert "shared_prime" in {one["code"] for one in check(app).verdict["findings"]}
    assert "shared_prime" not in {one["code"] for one in check(app, account="a2").verdict["findings"]}


def keep(app, account_id, certificate):
    """Puts a certificate into an account's inventory."""
    pem = f"-----BEGIN CERTIFICATE-----\n{base64.encodebytes(certificate).decode()}-----END CERTIFICATE-----\n"
    app.room.execute(
        lambda uow, _: remember(uow.connection, account_id, read_pem(pem), to_text(uow.now)),
        None,
        system("discovery", account_id=account_id),
    )


@pytest.mark.parametrize("name", ["ct_logs", "weak_keys"])
def test_lists_that_cannot_be_read_stop_the_start(tmp_path, name):
    file = tmp_path / "list"
    file.write_text("no list")
    with pytest.raises((LogsUnreadableError, WeakKeysUnreadableError)):
        CheckerJudge(DiscoverySettings(**{name: file if name == "ct_logs" else [file]}), SystemClock())


def test_roots_that_cannot_be_read_stop_the_start(tmp_path):
    roots = tmp_path / "own.pem"
    roots.write_text("no certificate")
    with pytest.raises(StoreUnreadableError):
        CheckerJudge(DiscoverySettings(trust_stores={"Own": roots}), SystemClock())


def test_an_endpoint_without_tls_is_a_check_that_failed(app):
    seen = dataclasses.replace(survey(), failure="refused", failure_detail="refused", chains=(), protocols={}, holes={})
    app.prober.survey = seen.to_json()
    found = check(app)
    assert (found.state, found.reason, found.grade, found.verdict) == ("failed", "refused", "", None)


@pytest.mark.parametrize(
    ("fields", "code", "pointer"),
    [
        ({"fqdn": "in.example.com"}, Code.INVALID, "/fqdn"),
        ({"fqdn": "127.0.0.1"}, Code.INVALID, "/fqdn"),
        ({"fqdn": "nowhere.example.com"}, Code.INVALID, "/fqdn"),
        ({"port": 0}, Code.INVALID, "/port"),
        ({"depth": "deep"}, Code.INVALID, "/depth"),
        ({"starttls": "gopher"}, Code.INVALID, "/starttls"),
    ],
)
def test_what_cannot_be_checked_is_refused_at_its_field(app, fields, code, pointer):
    with pytest.raises(ServiceError) as refused:
        ask(app, **fields)
    assert (refused.value.code, refused.value.pointer) == (code, pointer)
    assert app.room.queue.run_due(app) == 0


def test_only_so_many_checks_run_at_once(app):
    for _ in range(app.own.checks_per_account):
        ask(app)
    with pytest.raises(ServiceError) as refused:
        ask(app)
    assert refused.value.code is Code.RATE_LIMITED
    ask(app, account="a2")


def test_checks_are_listed_newest_first_and_by_endpoint(app):
    made = [check(app).check_id, check(app, port=8443).check_id, check(app).check_id]

    def listed(**fields):
        return checks.list_checks(app.room, discovery.ListChecks(**fields), customer("a1"))

    assert [one.check_id for one in listed().items] == made[::-1]
    assert [one.check_id for one in listed(fqdn="www.example.com", port=443).items] == [made[2], made[0]]
    page = listed(limit=2)
    assert [one.check_id for one in listed(limit=2, cursor=page.next_cursor).items] == made[:1]
    assert page.items[0].survey is None
    assert checks.list_checks(app.room, discovery.ListChecks(), customer("a2")).items == []


def test_two_checks_are_compared_in_what_both_looked_at(app):
    first = check(app, depth="advanced")
    other = der("www.example.com", days=10)
    app.prober.survey = survey(leaf=other, tls10=True).to_json() | {"wanted_grade": "C"}
    second = check(app, depth="advanced")
    asked = discovery.CompareChecks(check_id=second.check_id, other_check_id=first.check_id)
    found = checks.compare_checks(app.room, asked, customer("a1"))
    assert (found.before.check_id, found.after.check_id) == (first.check_id, second.check_id)
    changed = {(one.subject, one.name): (one.before, one.after) for one in found.changes}
    assert changed["grade", ""] == ("A", "C")
    assert changed["protocol", "TLSv1.0"] == ("no", "yes")
    assert changed["suite", "TLSv1.0 TLS_RSA_WITH_AES_128_CBC_SHA"] == ("", "yes")
    assert set(changed) == {("grade", ""), ("protocol", "TLSv1.0"), ("certificate", "ECDSA"),
        ("suite", "TLSv1.0 TLS_RSA_WITH_AES_128_CBC_SHA")}  # fmt: skip
    app.prober.survey = survey(depth="basic").to_json() | {"wanted_grade": "C"}
    basic = check(app)
    asked = discovery.CompareChecks(check_id=basic.check_id, other_check_id=second.check_id)
    found = checks.compare_checks(app.room, asked, customer("a1"))
    assert [one.subject for one in found.changes] == ["certificate"]
    elsewhere = check(app, port=8443)
    asked = discovery.CompareChecks(check_id=basic.check_id, other_check_id=elsewhere.check_id)
    with pytest.raises(ServiceError):
        checks.compare_checks(app.room, asked, customer("a1"))
    with pytest.raises(ServiceError) as refused:
        checks.compare_checks(app.room, asked, customer("a2"))
    assert refused.value.code is Code.NOT_FOUND


def test_bytes_that_are_no_certificate_are_left_out(app):
    seen = survey().to_json() | {"wanted_grade": "B"}
    seen["chains"][0]["certificates"][0] = base64.b64encode(b"garbage").decode()
    app.prober.survey = seen
    assert [one.common_name for one in check(app).certificates] == ["CA"]
