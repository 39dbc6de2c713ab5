# SPDX-License-Identifier: Apache-2.0
"""ACME orders: bought once, reissued inside the term, renewed at its end, and never another account's."""

from __future__ import annotations

import base64
from contextlib import contextmanager
from datetime import timedelta
from functools import partial

import pytest

from services.orders.handlers import acme, commands, reactions
from services.orders.model import acme as model
from services.orders.model.requesting import read_csr
from shared.clock import from_text
from shared.context import Context, system
from shared.contracts import orders
from shared.errors import Code, ServiceError
from tests.support import order_builders as given
from tests.support.rooms import customer
from tests.unit.orders.test_orders_room import Story, told

NAMES = ["www.example.com"]
KEY = "k" * 64


@contextmanager
def refused(code):
    with pytest.raises(ServiceError) as error:
        yield
    assert error.value.code is code


def client(number=1, account_id="account-1"):
    return Context(actor=f"acme:client-{number}", account_id=account_id, permissions=frozenset({"acme"}))


class ACMEStory(Story):
    def open(self, context=None, *, quote=..., names=None, replaces=""):
        context = context or client()
        names = names or NAMES
        if quote is ...:
            wanted = acme.wants_quote(self.room, names, context)
            quote = self.quote(context.account_id, deposit=True, names=names) if wanted else None
        request = orders.OpenACMEOrder(thumbprint="t", names=names, product="dv-single", replaces=replaces)
        return self.room.execute(partial(acme.open_order, quote=quote), request, context)

    def now(self, acme_order_id, context=None):
        return acme.get_order(self.room, orders.GetACMEOrder(acme_order_id=acme_order_id), context or client())

    def pay(self, opened):
        self.tell(reactions.on_payment_captured, given.captured(order_id=opened.order_id))

    def prove(self, opened):
        for name in opened.names:
            self.tell(
                reactions.on_dcv_passed,
                given.passed(name.fqdn, opened.csr_version, order_id=opened.order_id, now=self.clock.now()),
            )

    def finalize(self, opened, number=1, context=None, names=("www.example.com",)):
        pem = given.csr_pem(tuple(names), number)
        request = orders.FinalizeACMEOrder(acme_order_id=opened.acme_order_id, csr=pem, account_spki_sha256=KEY)
        return self.room.execute(partial(acme.finalize, csr=read_csr(pem)), request, context or client())

    def enrolled(self, context=None):
        opened = self.open(context)
        if not opened.paid:
            self.pay(opened)
        self.prove(opened)
        self.finalize(opened, opened.csr_version, context)
        self.sign(opened.order_id, opened.csr_version, days=99)
        return self.now(opened.acme_order_id, context)


@pytest.fixture
def story():
    with told(ACMEStory()) as found:
        yield found


def test_the_first_order_is_bought_proved_and_then_gets_its_csr(story):
    opened = story.open()
    assert (opened.status, opened.paid, opened.csr_version) == ("pending", False, 1)
    order = story.get(opened.order_id)
    assert (order.channel, order.amount, order.status, order.csr_version) == ("acme", 4595, "awaiting_payment", 0)
    with refused(Code.ACTION_NOT_ALLOWED):
        story.finalize(opened)
    story.prove(opened)
    assert story.now(opened.acme_order_id).names[0].authorized
    with refused(Code.INSUFFICIENT_FUNDS):
        story.finalize(opened)
    story.pay(opened)
    assert story.now(opened.acme_order_id).status == "ready"
    assert [one.reason for one in story.get(opened.order_id).blocked_on] == ["acme_client_awaited"]
    assert story.finalize(opened).status == "processing"
    assert story.finalize(opened).status == "processing"  # twice is once
    order = story.get(opened.order_id)
    assert (order.csr_version, order.authorizations[0].authorized) == (1, True)
    story.sign(opened.order_id, 1)
    valid = story.now(opened.acme_order_id)
    assert (valid.status, valid.serial) == ("valid", "ABC01")
    file = acme.get_certificate(story.room, orders.GetACMECertificate(acme_order_id=opened.acme_order_id), client())
    assert file.pem.startswith("-----BEGIN CERTIFICATE")


def test_the_next_order_inside_the_term_is_a_reissue_that_costs_nothing(story):
    first = story.enrolled()
    story.clock.move(days=133)
    assert not acme.wants_quote(story.room, NAMES, client())
    second = story.enrolled()
    assert (second.order_id, second.csr_version, second.status) == (first.order_id, 2, "valid")
    assert story.now(first.acme_order_id).status == "valid"  # the older one keeps its certificate
    order = story.get(first.order_id)
    assert ([one.csr_version for one in order.certificates], order.status) == ([2, 1], "issued")


def test_near_the_end_of_the_term_the_next_one_is_bought_and_linked(story):
    first = story.enrolled()
    ends = from_text(story.get(first.order_id).term_ends_at)
    story.clock.moment = ends - timedelta(days=29)
    assert acme.wants_quote(story.room, NAMES, client())
    second = story.open()
    assert second.order_id != first.order_id
    assert story.get(first.order_id).renewed_by == second.order_id
    assert story.get(second.order_id).renews == first.order_id
    third = story.open()  # the client begins again: the same purchase
    assert (third.order_id, third.csr_version) == (second.order_id, 2)


def test_beginning_again_buys_nothing_and_ends_what_was_begun(story):
    first, second = story.open(), story.open()
    assert (second.order_id, second.csr_version) == (first.order_id, 2)
    assert (story.now(first.acme_order_id).status, story.now(first.acme_order_id).error_code) == (
        "invalid", "superseded")  # fmt: skip
    story.pay(first)
    story.prove(first)  # late: for the version that was given up
    assert not story.now(second.acme_order_id).names[0].authorized
    with refused(Code.ACTION_NOT_ALLOWED):
        story.finalize(first)


def test_a_pasted_csr_takes_no_reserved_version(story):
    opened = story.open()
    story.pay(opened)
    story.prove(opened)
    view = story.submit(opened.order_id)
    assert (view.csr_version, view.authorizations[0].authorized) == (2, False)
    assert story.now(opened.acme_order_id).error_code == "superseded"


def test_two_clients_of_a_customer_share_an_order_in_turn(story):
    first = story.open()
    with refused(Code.RATE_LIMITED):
        story.open(client(2))
    story.clock.move(minutes=6)
    second = story.open(client(2))
    assert (second.order_id, second.csr_version) == (first.order_id, 2)
    with refused(Code.NOT_FOUND):
        story.now(first.acme_order_id, client(2))


def test_another_account_sees_nothing_and_buys_its_own(story):
    mine = story.enrolled()
    theirs = story.open(client(1, "account-2"))
    assert theirs.order_id != mine.order_id
    stranger = client(9, "account-2")
    with refused(Code.NOT_FOUND):
        story.now(mine.acme_order_id, stranger)
    with refused(Code.NOT_FOUND):
        acme.get_certificate(story.room, orders.GetACMECertificate(acme_order_id=mine.acme_order_id), stranger)
    with refused(Code.NOT_FOUND):
        story.room.execute(acme.revoke, revocation(story, mine), stranger)
    with refused(Code.FORBIDDEN):
        story.now(mine.acme_order_id, customer())


def test_no_funds_no_order(story):
    for quote in (
        story.quote(deposit=True, funds_missing=1), story.quote(deposit=False),
        story.quote(deposit=True, validation_level="OV"), story.quote("account-2", deposit=True),
    ):  # fmt: skip
        with pytest.raises(ServiceError):
            story.open(quote=quote)
    assert story.open(quote=story.quote(deposit=False, total=0)).status == "pending"  # what is free needs no deposit


@pytest.mark.parametrize("names", [[], ["10.0.0.1"], ["localhost"], ["*.com"], ["a.example.com"] * 101])
def test_names_that_cannot_be_certified_are_rejected(names):
    with pytest.raises(ServiceError) as error:
        acme.read_names(names)
    assert error.value.extra["acme"] == "rejectedIdentifier"


def test_a_csr_for_other_names_or_with_the_key_of_the_account_is_refused(story):
    opened = story.open()
    story.pay(opened)
    story.prove(opened)
    with refused(Code.INVALID):
        story.finalize(opened, names=("other.example.com",))
    pem = given.csr_pem()
    spki = read_csr(pem).key.spki_sha256
    request = orders.FinalizeACMEOrder(acme_order_id=opened.acme_order_id, csr=pem, account_spki_sha256=spki)
    with refused(Code.INVALID):
        story.room.execute(partial(acme.finalize, csr=read_csr(pem)), request, client())
    assert story.finalize(opened).status == "processing"


def test_an_order_that_is_not_finalized_in_a_week_is_over(story):
    opened = story.open()
    story.pay(opened)
    story.prove(opened)
    story.clock.move(days=7)
    assert story.now(opened.acme_order_id).error_code == "expired"
    with refused(Code.ACTION_NOT_ALLOWED):
        story.finalize(opened)


def revocation(story, opened, **changes):
    order = story.get(opened.order_id)
    one = next(one for one in order.certificates if one.serial == opened.serial)
    fields = {"serial": one.serial, "fingerprint_sha256": one.fingerprint_sha256, "reason": "superseded"}
    return orders.RevokeACMECertificate(**{**fields, **changes})


def test_one_certificate_is_revoked_and_once(story):
    first = story.enrolled()
    second = story.enrolled()
    with refused(Code.NOT_FOUND):
        story.room.execute(acme.revoke, revocation(story, first, fingerprint_sha256="00" * 32), client())
    with refused(Code.INVALID):
        story.room.execute(acme.revoke, revocation(story, first, reason="certificateHold"), client())
    assert story.room.execute(acme.revoke, revocation(story, first), client(2)).id == first.serial
    with refused(Code.CONFLICT):
        story.room.execute(acme.revoke, revocation(story, first), client())
    spki = story.get(second.order_id).spki_sha256
    asked = revocation(story, second)
    by_key = partial(orders.RevokeCertificateByKey, serial=asked.serial, fingerprint_sha256=asked.fingerprint_sha256)
    with refused(Code.NOT_FOUND):
        story.room.execute(acme.revoke_by_key, by_key(spki_sha256="00" * 32), system("gateway"))
    assert story.room.execute(acme.revoke_by_key, by_key(spki_sha256=spki), system("gateway")).id == second.serial


def name_of(serial, identifier=b"\x01" * 20):
    number = int(serial, 16)
    der = number.to_bytes(number.bit_length() // 8 + 1)  # as DER writes it, with a leading zero where it needs one
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in (identifier, der))


def test_a_certificate_is_replaced_once(story):
    first = story.enrolled()
    name = name_of(first.serial)
    second = story.open(replaces=name)
    assert second.replaces == name
    story.open(replaces=name)  # what was begun and given up replaces nothing
    story.prove(third := story.open(replaces=name))
    story.finalize(third, 3)
    with pytest.raises(ServiceError) as error:
        story.open(replaces=name)
    assert error.value.extra["acme"] == "alreadyReplaced"
    for wrong, context in ((name, client(1, "account-2")), (name_of("FF"), client()), ("x", client())):
        with pytest.raises(ServiceError) as error:
            story.open(context, replaces=wrong, quote=story.quote(context.account_id, deposit=True))
        assert error.value.extra["acme"] == "malformed"


def test_the_example_of_the_rfc_names_a_certificate():
    """RFC 9773 §4.1."""
    found = model.read_certificate_id("aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE")
    assert found == ("69885b6b87464041e1b37b847ba0ae2cde01c8d4", "87654321")


def test_revoking_everything_ends_the_order_and_the_next_is_bought(story):
    opened = story.enrolled()
    story.do(commands.revoke_certificate, orders.RevokeCertificate(order_id=opened.order_id, reason="superseded"))
    assert acme.wants_quote(story.room, NAMES, client())


def test_lists_hold_the_orders_of_one_client(story):
    found = [story.open().acme_order_id for _ in range(3)]
    page = acme.list_orders(story.room, orders.ListACMEOrders(limit=2), client())
    rest = acme.list_orders(story.room, orders.ListACMEOrders(limit=2, cursor=page.next_cursor), client())
    assert (len(page.items), {*page.items, *rest.items}) == (2, set(found))
    assert acme.list_orders(story.room, orders.ListACMEOrders(), client(2)).items == []
