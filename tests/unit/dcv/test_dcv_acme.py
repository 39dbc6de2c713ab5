# SPDX-License-Identifier: Apache-2.0
"""Names that ACME clients prove: what is looked for, what counts, and how many looks there are."""

from __future__ import annotations

import base64
import hashlib
from datetime import timedelta
from functools import partial

import pytest

from services.dcv.handlers import acme
from services.dcv.model import acme as model
from services.dcv.model.judging import FileAnswer, Outcome, Reason, refused
from shared.context import Context
from shared.contracts.dcv import (
    AnswerACMEChallenge,
    DCVPassed,
    EndACMEAuthorization,
    GetACMEAuthorization,
)
from shared.contracts.orders import ACMEOrderOpened
from shared.errors import ServiceError
from tests.support.dcv_room import ACCOUNT, World

NAME = "www.shop-demo.com"
CLIENT = Context(actor="acme:client", account_id=ACCOUNT, permissions=frozenset({"acme"}))
STRANGER = Context(actor="acme:other", account_id="other", permissions=frozenset({"acme"}))


class ACMEWorld(World):
    def open(self, *names, order="order-1", version=1):
        data = ACMEOrderOpened(
            order_id=order, account_id=ACCOUNT, acme_order_id=f"acme-{order}-{version}", acme_account_id="client",
            thumbprint="thumb", csr_version=version, names=list(names), expires_at="2026-12-01T00:00:00Z",
        )  # fmt: skip
        self.react(partial(acme.on_order_opened, mint=self.app.mint), data, "dcv.on_acme_order_opened")

    def see(self, name=NAME, context=CLIENT, order="order-1", version=1):
        request = GetACMEAuthorization(order_id=order, fqdn=name, csr_version=version)
        return acme.get_authorization(self.room, request, context)

    def answer(self, name=NAME, method="acme_http_01", context=CLIENT, version=1):
        request = AnswerACMEChallenge(order_id="order-1", fqdn=name, csr_version=version, method=method)
        return self.execute(acme.answer, request, context)


@pytest.fixture
def world(tmp_path):
    made = ACMEWorld(tmp_path)
    yield made
    made.room.database.close()


def test_a_client_gets_a_token_says_so_and_is_looked_for(world):
    world.open(NAME)
    found = world.see()
    assert (found.status, len(found.token)) == ("open", 43)
    assert world.answer().status == "validating"
    world.answer()  # again changes nothing while a look is under way
    world.run_jobs()
    [target] = world.lookup.asked
    assert (target.fqdn, target.method, target.token, target.thumbprint) == (NAME, "acme_http_01", found.token, "thumb")
    assert (world.see().status, world.see().method) == ("valid", "acme_http_01")
    [passed] = world.events(NAME, DCVPassed)
    assert (passed.csr_version, passed.method, passed.reused) == (1, "acme_http_01", False)


def test_each_order_has_tokens_of_its_own_and_a_proof_is_used_again(world):
    world.open(NAME, order="order-1")
    world.open("shop-demo.com", "*.shop-demo.com", order="order-2")
    tokens = {world.see().token, *(world.see(name, order="order-2").token for name in ("shop-demo.com",
        "*.shop-demo.com"))}  # fmt: skip
    assert len(tokens) == 3
    world.answer()
    world.run_jobs()
    world.open(NAME, order="order-3")
    again = world.see(order="order-3")
    assert (again.status, again.method) == ("valid", "")
    world.csr(NAME, order="order-4")  # and for a CSR that somebody pastes
    assert [one.reused for one in world.events(NAME, DCVPassed)] == [False, True, True]


def test_the_csr_of_the_client_asks_for_no_other_proof(world):
    world.open(NAME, version=2)
    world.answer(version=2)
    world.run_jobs()
    world.csr(NAME, version=2)
    assert world.see(version=2).status == "valid"
    assert len(world.events(NAME, DCVPassed)) == 1


def test_after_three_looks_in_vain_it_has_failed_and_a_new_order_begins_anew(world):
    world.lookup.outcome = refused(Reason.NOT_FOUND, {})
    world.open(NAME)
    world.answer()
    for _ in range(6):
        world.run_jobs()
        world.clock.at += timedelta(seconds=30)
    assert len(world.lookup.asked) == 3
    found = world.see()
    assert (found.status, found.reason) == ("failed", "file_not_found")
    assert found.advice
    world.answer()
    world.run_jobs()
    assert len(world.lookup.asked) == 3
    world.lookup.outcome = Outcome(passed=True)
    world.open(NAME, version=2)
    assert world.see(version=2).token != found.token
    with pytest.raises(ServiceError, match="no such authorization"):
        world.see(version=1)
    world.answer(version=2)
    world.run_jobs()
    assert world.see(version=2).status == "valid"


def test_a_wildcard_is_proved_by_dns_only_and_other_methods_by_nobody(world):
    world.open("*.shop-demo.com")
    for method in ("acme_http_01", "http_csr_hash", "email", "tls-alpn-01"):
        with pytest.raises(ServiceError, match="does not prove"):
            world.answer("*.shop-demo.com", method)
    assert world.answer("*.shop-demo.com", "acme_dns_01").status == "validating"


def test_another_account_and_a_person_can_do_nothing_with_it(world):
    world.open(NAME)
    for ask in (world.see, world.answer):
        with pytest.raises(ServiceError, match="no such authorization"):
            ask(context=STRANGER)
    with pytest.raises(ServiceError, match="nothing to choose"):
        world.choose(NAME, "http_csr_hash")
    [shown] = world.list()
    assert (shown.file, shown.cname, shown.options) == (None, None, [])
    world.csr("plain.shop-demo.com", order="order-2")
    with pytest.raises(ServiceError):
        world.see("plain.shop-demo.com", order="order-2")


def test_what_a_client_gives_up_is_over(world):
    world.open(NAME)
    request = EndACMEAuthorization(order_id="order-1", fqdn=NAME, csr_version=1)
    assert world.execute(acme.end, request, CLIENT).status == "ended"
    assert world.answer().status == "ended"
    world.run_jobs()
    assert world.lookup.asked == []
    world.open(NAME, version=2)
    world.answer(version=2)
    world.run_jobs()
    with pytest.raises(ServiceError, match="proved"):
        world.execute(acme.end, EndACMEAuthorization(order_id="order-1", fqdn=NAME, csr_version=2), CLIENT)


def test_a_pasted_csr_after_an_acme_order_begins_with_no_method(world):
    world.lookup.outcome = refused(Reason.NOT_FOUND, {})
    world.open(NAME)
    world.answer()
    world.csr(NAME, version=2)
    [shown] = world.list()
    assert (shown.method, shown.file is not None) == ("", True)


EXPECTED = "token.thumb"


@pytest.mark.parametrize(("answer", "reason"), [
    (FileAnswer(status=200, body=b"token.thumb"), ""), (FileAnswer(status=200, body=b"token.thumb\r\n \t"), ""),
    (FileAnswer(status=200, body=b" token.thumb"), "file_wrong_content"),
    (FileAnswer(status=200, body=b"token.Thumb"), "file_wrong_content"),
    (FileAnswer(status=200, body=b"token"), "file_wrong_content"),
    (FileAnswer(status=200, body=b""), "file_wrong_content"),
    (FileAnswer(status=404, body=b"token.thumb"), "file_not_found"),
    (FileAnswer(status=500, body=b"token.thumb"), "file_bad_status"),
    (FileAnswer(status=200, body=b"token.thumb", complete=False), "file_too_large"),
])  # fmt: skip
def test_a_file_is_the_key_authorization_or_no_proof(answer, reason):
    outcome = model.judge_http(answer, EXPECTED, {})
    assert (outcome.passed, outcome.reason) == (not reason, reason)


VALUE = base64.urlsafe_b64encode(hashlib.sha256(EXPECTED.encode()).digest()).rstrip(b"=").decode()


@pytest.mark.parametrize(("status", "records", "reason"), [
    ("ok", [f'"{VALUE}"'], ""), ("ok", ['"other"', f'"{VALUE}"'], ""), ("ok", [f'"{VALUE[:9]}" "{VALUE[9:]}"'], ""),
    ("ok", [f'"{VALUE.lower()}"'], "dns_wrong_target"), ("ok", [f'"{VALUE}="'], "dns_wrong_target"),
    ("ok", [f'"x{VALUE}"'], "dns_wrong_target"), ("nxdomain", [], "dns_no_record"), ("nodata", [], "dns_no_record"),
    ("servfail", [], "dns_failed"), ("timeout", [], "dns_failed"),
])  # fmt: skip
def test_a_record_is_the_digest_or_no_proof(status, records, reason):
    assert model.dns_value("token", "thumb") == VALUE
    outcome = model.judge_dns("q", status, records, VALUE, server="s")
    assert (outcome.passed, outcome.reason) == (not reason, reason)
