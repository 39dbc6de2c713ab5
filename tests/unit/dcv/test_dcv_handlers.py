# SPDX-License-Identifier: Apache-2.0
"""Validation over a real room: what an order needs, looks, mails, reuse and expiry."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from services.dcv.handlers import challenges, mailing
from services.dcv.model import authorization as model
from services.dcv.model.judging import Outcome, Reason, refused
from shared.clock import derived_id, to_text
from shared.context import system
from shared.contracts.dcv import (
    ChooseMethod,
    ConfirmDCVMail,
    DCVPassed,
    GetMailConfirmation,
    PlaceDCVFile,
    SubmitDCVCode,
    ValidationAttempted,
)
from shared.contracts.installer import DCVFilePlaced
from shared.contracts.orders import OrderCancelled
from shared.errors import ServiceError
from tests.support.dcv_room import ACCOUNT, OTHER


def test_each_name_of_a_csr_gets_an_authorization_with_challenges_to_copy(world):
    world.csr("www.shop-demo.com", "shop-demo.com")
    first, second = sorted(world.list(), key=lambda one: one.fqdn)
    assert (first.fqdn, second.fqdn) == ("shop-demo.com", "www.shop-demo.com")
    assert second.status == "open"
    assert second.file.url == f"http://www.shop-demo.com/.well-known/pki-validation/{1:032X}.txt"
    assert second.file.content == f"{1:064x}\ncertwright.example\nu1\n"
    assert second.cname.name == f"_{1:032x}.www.shop-demo.com."
    assert second.cname.value.endswith(".u1.certwright.example.")


def test_a_right_look_passes_once_for_the_order(world):
    world.csr("www.shop-demo.com")
    assert world.check("www.shop-demo.com").status == "validating"
    world.run_jobs()
    world.check("www.shop-demo.com")
    world.run_jobs()
    passed = world.events("www.shop-demo.com", DCVPassed)
    assert [(each.order_id, each.csr_version, each.reused) for each in passed] == [("order-1", 1, False)]
    assert passed[0].expires_at == to_text(world.clock.now() + timedelta(days=200))
    assert world.list()[0].status == "valid"


def test_a_wrong_look_is_kept_with_its_evidence_and_comes_again(world):
    world.csr("www.shop-demo.com")
    world.lookup.outcome = refused(Reason.NOT_FOUND, {"url": "http://x"})
    world.check("www.shop-demo.com")
    world.run_jobs()
    shown = world.list()[0]
    assert shown.status == "open"
    assert shown.attempts[0].reason == "file_not_found"
    assert shown.attempts[0].evidence["url"] == "http://x"
    assert shown.next_check_at == to_text(world.clock.now() + timedelta(seconds=5))
    world.clock.at += timedelta(seconds=6)
    world.lookup.outcome = Outcome(passed=True)
    world.run_jobs()
    assert world.list()[0].status == "valid"
    assert [each.attempt for each in world.events("www.shop-demo.com", ValidationAttempted)] == [1, 2]


def test_a_look_for_a_replaced_csr_proves_nothing(world):
    world.csr("www.shop-demo.com")
    world.check("www.shop-demo.com")
    leased = world.room.queue.lease("runner")
    world.csr("www.shop-demo.com", version=2)
    for job in leased:
        world.room.queue.run(world.app, job)
    assert world.events("www.shop-demo.com", DCVPassed) == []
    world.csr("www.shop-demo.com", version=1)
    assert world.list()[0].csr_version == 2


def test_a_proof_is_used_again_for_another_order_until_it_expires(world):
    world.csr("www.shop-demo.com")
    world.check("www.shop-demo.com")
    world.run_jobs()
    world.clock.at += timedelta(days=10)
    world.csr("www.shop-demo.com", order="order-2")
    again = world.events("www.shop-demo.com", DCVPassed)[-1]
    assert (again.order_id, again.reused) == ("order-2", True)
    # From 2027-03-15 a proof is good for 100 days only: this one, of 2026-11-23, is too old by then.
    world.clock.at = datetime(2027, 3, 16, tzinfo=UTC)
    world.csr("www.shop-demo.com", order="order-3")
    assert world.list(order="order-3")[0].status == "open"


def test_a_wildcard_is_not_proved_by_a_file(world):
    world.csr("*.shop-demo.com", method="http_csr_hash")
    shown = world.list()[0]
    assert shown.method == ""
    assert shown.file is None
    with pytest.raises(ServiceError) as refusal:
        world.choose("*.shop-demo.com", "http_csr_hash")
    assert refusal.value.pointer == "/method"
    assert world.choose("*.shop-demo.com", "cname_csr_hash").method == "cname_csr_hash"


@pytest.mark.parametrize("method", ["whois_email", "telepathy"])
def test_methods_that_the_rules_do_not_know_any_more_are_refused(world, method):
    world.csr("www.shop-demo.com")
    with pytest.raises(ServiceError) as refusal:
        world.choose("www.shop-demo.com", method)
    assert refusal.value.code == "invalid"


def test_the_file_is_asked_of_an_agent_and_looked_for_when_it_stands(world):
    world.csr("www.shop-demo.com")
    request = PlaceDCVFile(order_id="order-1", fqdn="www.shop-demo.com", server_id="s1")
    world.execute(challenges.place_file, request, settings=world.app.own)
    authorization_id = derived_id("authorization", ACCOUNT, "www.shop-demo.com")
    placed = DCVFilePlaced(
        order_id="order-1",
        account_id=ACCOUNT,
        authorization_id=authorization_id,
        placement_id="p",
        fqdn="www.shop-demo.com",
        written_path="/srv/x",
    )
    world.react(challenges.on_file_placed, placed, "dcv.on_file_placed")
    world.run_jobs()
    assert len(world.lookup.asked) == 1
    assert world.list()[0].status == "valid"


def test_another_account_finds_nothing(world):
    world.csr("www.shop-demo.com")
    assert world.list(OTHER) == []
    with pytest.raises(ServiceError) as refusal:
        world.check("www.shop-demo.com", OTHER)
    assert refusal.value.code == "not_found"


def test_no_look_comes_after_the_order_was_cancelled(world):
    world.csr("www.shop-demo.com")
    world.check("www.shop-demo.com")
    ended = OrderCancelled(order_id="order-1", account_id=ACCOUNT, refund=0, currency="USD")
    world.react(challenges.on_order_ended, ended, "dcv.on_order_ended")
    world.run_jobs()
    assert world.lookup.asked == []


@pytest.mark.parametrize("method", ["http_csr_hash", "email"])
def test_an_order_that_has_ended_takes_no_further_step_and_other_orders_go_on(world, method):
    name = "www.shop-demo.com"
    world.csr(name, method=method)
    if method == "email":
        world.choose(name, "email", "admin@shop-demo.com")
        world.run_jobs()
        token, code = mail_secrets(world)
    ended = OrderCancelled(order_id="order-1", account_id=ACCOUNT, refund=0, currency="USD")
    for _ in range(2):  # heard twice, said once
        world.react(challenges.on_order_ended, ended, "dcv.on_order_ended")
    with pytest.raises(ServiceError) as refusal:
        world.choose(name, "cname_csr_hash")
    assert refusal.value.code == "action_not_allowed"
    if method == "email":
        assert mailing.look_at_link(world.room, GetMailConfirmation(token=token)).state == "expired"
        request = SubmitDCVCode(order_id="order-1", fqdn=name, code=code)
        with pytest.raises(ServiceError) as refusal:
            world.execute(mailing.submit_code, request, settings=world.app.own)
        assert refusal.value.code == "invalid"
    else:
        with pytest.raises(ServiceError) as refusal:
            world.check(name)
        assert refusal.value.code == "action_not_allowed"
    world.csr(name, order="order-2")
    world.choose(name, "cname_csr_hash", order="order-2")


def mail_secrets(world):
    text = world.outbox.mails[-1].text
    token = re.search(r"/validation/(\S+)", text)[1]
    code = re.search(r"^    ([2-9A-Z]{26})$", text, re.MULTILINE)[1]
    return token, code


def test_the_link_of_a_mail_proves_the_name_when_confirmed_and_not_when_opened(world):
    world.csr("www.shop-demo.com", method="email")
    world.choose("www.shop-demo.com", "email", "admin@shop-demo.com")
    world.run_jobs()
    token, _ = mail_secrets(world)
    for _ in range(20):
        assert mailing.look_at_link(world.room, GetMailConfirmation(token=token)).state == "open"
    assert world.events("www.shop-demo.com", DCVPassed) == []
    confirmed = world.execute(mailing.confirm_link, ConfirmDCVMail(token=token), system("dcv", account_id=ACCOUNT))
    assert confirmed.state == "confirmed"
    assert world.events("www.shop-demo.com", DCVPassed)[0].method == "email"


def test_a_mail_sent_again_after_a_crash_is_the_same_mail(world):
    world.csr("www.shop-demo.com", method="email")
    world.choose("www.shop-demo.com", "email", "admin@shop-demo.com")
    [job] = world.room.queue.lease("runner")
    world.room.queue.jobs["mail"].run(world.app, job.payload)
    world.room.queue.jobs["mail"].run(world.app, job.payload)
    first, second = world.outbox.mails
    assert first == second


def test_a_code_is_good_once_and_may_be_guessed_five_times(world):
    world.csr("www.shop-demo.com", method="email")
    world.choose("www.shop-demo.com", "email", "admin@shop-demo.com")
    world.run_jobs()
    _, code = mail_secrets(world)

    def submit(given):
        request = SubmitDCVCode(order_id="order-1", fqdn="www.shop-demo.com", code=given)
        world.execute(mailing.count_try, request)
        return world.execute(mailing.submit_code, request, settings=world.app.own)

    for _ in range(5):
        with pytest.raises(ServiceError):
            submit("2" * 26)
    with pytest.raises(ServiceError):
        submit(code)
    world.choose("www.shop-demo.com", "email", "admin@shop-demo.com")
    world.run_jobs()
    assert submit(mail_secrets(world)[1].lower()).status == "valid"


def wrong_secrets(secret, alphabet):
    """More than a hundred that resemble the right one."""
    for at, sign in enumerate(secret):
        yield secret[:at] + alphabet[(alphabet.index(sign) + 1) % len(alphabet)] + secret[at + 1 :]
        yield secret[:at] + secret[at + 1 :]
        yield secret[:at] + sign + secret[at:]
        if at and secret[at - 1] != sign:
            yield secret[: at - 1] + sign + secret[at - 1] + secret[at + 1 :]
    yield from ("", " ", "0", secret * 2, secret[::-1], f"{secret}%0a", f"{secret}' OR '1'='1", f"{secret}.", "\x00")


def test_hundreds_of_wrong_codes_and_links_prove_nothing_and_twenty_right_ones_do(world):
    """S5. The tries are not counted here, so that each wrong code is really compared."""
    alphabet = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
    names = [f"n{number}.shop-{number}.com" for number in range(20)]
    sent = {}
    for number, name in enumerate(names):
        world.csr(name, order=f"order-{number}", method="email")
        request = ChooseMethod(order_id=f"order-{number}", fqdn=name, method="email", email=f"admin@shop-{number}.com")
        world.execute(challenges.choose_method, request, settings=world.app.own, mint=world.app.mint)
        world.run_jobs()
        sent[name] = mail_secrets(world)

    def by_code(number, given):
        request = SubmitDCVCode(order_id=f"order-{number}", fqdn=names[number], code=given)
        return world.execute(mailing.submit_code, request, settings=world.app.own)

    def by_link(given):
        return world.execute(mailing.confirm_link, ConfirmDCVMail(token=given), system("dcv", account_id=ACCOUNT))

    token, code = sent[names[0]]
    codes = [each for each in wrong_secrets(code, alphabet) if each.strip() != code]
    links = [each for each in wrong_secrets(token, token) if each != token]
    assert len(codes) + len(links) >= 200
    for given in [*codes, token, *(other for _, other in (sent[name] for name in names[1:]))]:
        with pytest.raises(ServiceError):
            by_code(0, given)
    for given in [*links, code]:
        assert by_link(given).state == "unknown", given
    assert all(world.events(name, DCVPassed) == [] for name in names)
    for number, name in enumerate(names):
        token, code = sent[name]
        if number % 2:
            assert by_code(number, code).status == "valid"
        else:
            assert by_link(token).state == "confirmed"
        assert len(world.events(name, DCVPassed)) == 1


@pytest.mark.parametrize(
    "address", ["", "eve@evil.example", "admin@other-shop.com", "admin@shop-demo.com\r\nBcc: eve@evil.example", "ADMIN"]
)
def test_mail_goes_only_to_the_constructed_addresses(world, address):
    world.csr("www.shop-demo.com", method="email")
    with pytest.raises(ServiceError) as refusal:
        world.choose("www.shop-demo.com", "email", address)
    assert refusal.value.pointer == "/email"
    assert world.room.queue.lease("runner") == []


def test_mails_are_limited_per_hour(world):
    world.csr("www.shop-demo.com", method="email")
    for _ in range(5):
        world.choose("www.shop-demo.com", "email", "admin@shop-demo.com")
    with pytest.raises(ServiceError) as refusal:
        world.choose("www.shop-demo.com", "email", "admin@shop-demo.com")
    assert refusal.value.code == "rate_limited"


def test_no_secret_of_a_mail_is_stored(world):
    world.csr("www.shop-demo.com", method="email")
    world.choose("www.shop-demo.com", "email", "admin@shop-demo.com")
    world.run_jobs()
    token, code = mail_secrets(world)
    with world.room.query() as connection:
        dump = "".join(connection.connection.driver_connection.iterdump())
    assert token not in dump
    assert code not in dump


def test_a_proof_is_said_to_be_expired_once(world):
    world.csr("www.shop-demo.com")
    world.check("www.shop-demo.com")
    world.run_jobs()
    authorization_id = derived_id("authorization", ACCOUNT, "www.shop-demo.com")
    world.execute(challenges.expire, authorization_id, system("dcv"))
    world.clock.at += timedelta(days=201)
    world.execute(challenges.expire, authorization_id, system("dcv"))
    world.execute(challenges.expire, authorization_id, system("dcv"))
    kinds = [each.type for each in world.room.events(model.stream_of(authorization_id))]
    assert kinds.count("dcv.AuthorizationExpired") == 1


def test_the_state_of_a_stream_survives_json(world):
    world.csr("www.shop-demo.com")
    state = model.authorization(
        each.data
        for each in world.room.events(model.stream_of(derived_id("authorization", ACCOUNT, "www.shop-demo.com")))
    )
    assert msgspec.json.decode(msgspec.json.encode(state), type=model.Authorization) == state


@pytest.mark.parametrize(("moment", "proved"), [("2028-03-14T23:59:59", True), ("2028-03-15T00:00:00", False)])
def test_a_mail_sent_in_time_proves_nothing_once_the_method_has_ended(world, moment, proved):
    world.clock.at = datetime(2028, 3, 1, 12, tzinfo=UTC)
    world.csr("www.shop-demo.com", method="email")
    world.choose("www.shop-demo.com", "email", "admin@shop-demo.com")
    world.run_jobs()
    token, _ = mail_secrets(world)
    world.clock.at = datetime.fromisoformat(moment).replace(tzinfo=UTC)
    answer = world.execute(mailing.confirm_link, ConfirmDCVMail(token=token), system("dcv", account_id=ACCOUNT))
    assert answer.state == ("confirmed" if proved else "expired")
    assert len(world.events("www.shop-demo.com", DCVPassed)) == int(proved)


def test_a_right_answer_by_a_method_that_has_ended_is_recorded_and_proves_nothing(world):
    world.csr("www.shop-demo.com", method="email")
    stream = model.stream_of(derived_id("authorization", ACCOUNT, "www.shop-demo.com"))
    with world.room.query() as connection:
        state = world.room.streams.load(connection, stream, model.authorization).state
    late = datetime(2028, 3, 15, tzinfo=UTC)
    facts = model.record(state, "order-1", Outcome(passed=True), late, csr_version=1, method="email")
    assert [(type(fact), fact.passed, fact.reason) for fact in facts] == [
        (ValidationAttempted, False, str(Reason.METHOD_ENDED))
    ]


# --- records in the DNS ----------------------------------------------------------------------------------------------


def test_records_are_shown_ready_to_copy(world):
    world.csr("*.shop-demo.com", "www.shop-demo.com", method="txt_csr_hash")
    wild, host = world.list()
    assert host.txt.name == host.cname.name == f"_{1:032x}.www.shop-demo.com."
    assert (host.txt.type, host.txt.value) == ("TXT", f"{1:064x}.u1.certwright.example")
    account = f"accounturi=https://certwright.example/accounts/{ACCOUNT}"
    assert host.persist.name == "_validation-persist.www.shop-demo.com."
    assert host.persist.value == f"certwright.example; {account}"
    assert wild.persist.name == "_validation-persist.shop-demo.com."
    assert wild.persist.value == f"certwright.example; {account}; policy=wildcard"


def test_a_persistent_record_is_looked_up_by_itself_and_anew_after_ten_days(world):
    world.csr("www.shop-demo.com", method="dns_persist")
    world.run_jobs()
    [asked] = world.lookup.asked
    assert (asked.method, asked.account_id, asked.at) == ("dns_persist", ACCOUNT, int(world.clock.at.timestamp()))
    [passed] = world.events("www.shop-demo.com", DCVPassed)
    assert passed.expires_at == to_text(world.clock.at + timedelta(days=10))
    world.clock.at += timedelta(days=9)
    world.csr("www.shop-demo.com", order="order-2", method="dns_persist")
    world.run_jobs()
    assert len(world.lookup.asked) == 1
    assert world.events("www.shop-demo.com", DCVPassed)[-1].reused
    world.clock.at += timedelta(days=2)
    world.csr("www.shop-demo.com", order="order-3", method="dns_persist")
    world.run_jobs()
    assert len(world.lookup.asked) == 2
    assert not world.events("www.shop-demo.com", DCVPassed)[-1].reused


def test_a_hash_in_a_text_is_looked_up_when_somebody_asks(world):
    world.csr("www.shop-demo.com", method="txt_csr_hash")
    world.run_jobs()
    assert world.lookup.asked == []
    world.check("www.shop-demo.com")
    world.run_jobs()
    assert [each.method for each in world.lookup.asked] == ["txt_csr_hash"]
    assert world.list()[0].status == "valid"
