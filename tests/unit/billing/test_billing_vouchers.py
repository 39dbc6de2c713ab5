# SPDX-License-Identifier: Apache-2.0
"""Vouchers: what they take off, when they may not, and that each use counts once."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.billing.handlers import quotes, vouchers
from services.billing.model.voucher import canonical, take_off
from shared.clock import to_text
from shared.context import Context
from shared.contracts.billing import CreateQuote, EndVoucher, ListVouchers, MakeVoucher
from shared.errors import Code, ServiceError

OPERATOR = Context(actor="user:root", permissions=frozenset({"operator"}))


def make(billing, code="SPRING-26", **fields):
    if "amount" not in fields:
        fields.setdefault("percent", 20)
    handler = partial(vouchers.make_voucher, prices=billing.app.prices)
    return billing.room.execute(handler, MakeVoucher(code=code, **fields), OPERATOR)


def end(billing, code="SPRING-26"):
    return billing.room.execute(vouchers.end_voucher, EndVoucher(code=code), OPERATOR)


def quote(billing, voucher="SPRING-26", product="dv-single"):
    request = CreateQuote(product=product, names=["example.com"], voucher=voucher)
    return billing.room.execute(partial(quotes.create_quote, prices=billing.app.prices), request, billing.context())


def found(billing, code="SPRING-26"):
    items = vouchers.list_page(billing.room, ListVouchers()).items
    return next(each for each in items if each.code == code)


def refusal(call, *arguments, **fields):
    with pytest.raises(ServiceError) as caught:
        call(*arguments, **fields)
    return caught.value


@given(total=st.integers(0, 10**9), percent=st.integers(1, 100))
def test_a_percentage_takes_off_its_share_to_half_a_cent_and_never_more_than_the_price(total, percent):
    off = take_off(total, percent=percent, amount=0)
    assert 0 <= off <= total
    assert abs(off * 100 - total * percent) <= 50
    assert off <= take_off(total, percent=min(100, percent + 1), amount=0)


@given(total=st.integers(0, 10**9), amount=st.integers(1, 10**7))
def test_an_amount_takes_off_itself_and_never_more_than_the_price(total, amount):
    assert take_off(total, percent=0, amount=amount) == min(total, amount)


def test_the_lines_of_a_quote_sum_to_its_total_and_the_discount_is_one_of_them(billing):
    make(billing)
    given_quote = quote(billing, " spring-26 ")
    assert (given_quote.total, given_quote.discount, given_quote.voucher) == (3996, 999, "SPRING-26")
    assert [(line.text, line.amount) for line in given_quote.lines][-1] == ("Voucher SPRING-26", -999)
    assert sum(line.amount for line in given_quote.lines) == given_quote.total
    assert quote(billing, "").voucher == quote(billing, None).voucher == ""


def test_an_order_uses_it_once_and_pays_the_quoted_price(billing):
    make(billing, max_uses=2)
    placed = billing.placed(quote(billing))
    billing.tell(placed)
    billing.tell(placed)
    assert billing.types() == ["ChargeOpened", "VoucherUsed"]
    assert found(billing).uses == 1
    billing.pay("order-1")
    assert billing.charge("order-1").amount == 3996
    assert billing.check().unbalanced == []


def test_a_whole_price_off_is_free_and_paid_at_once(billing):
    make(billing, percent=100)
    billing.place(quote(billing))
    assert (billing.charge("order-1").status, billing.charge("order-1").source) == ("paid", "free")


def test_an_order_that_is_given_up_before_it_is_paid_gives_the_use_back_once(billing):
    make(billing, max_uses=1)
    billing.place(quote(billing))
    assert found(billing).state == "used_up"
    billing.cancel()
    billing.cancel()
    assert (found(billing).uses, found(billing).state) == (0, "active")
    billing.place(quote(billing), "order-2")
    billing.pay("order-2")
    billing.cancel("order-2")
    assert found(billing).uses == 1, "what was paid has used its voucher"


def test_of_two_orders_for_the_last_use_one_wins(billing):
    make(billing, max_uses=1)
    wanted = [billing.placed(quote(billing), f"order-{number}") for number in (1, 2)]
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(billing.tell, wanted))
    charges = [billing.charge(f"order-{number}") for number in (1, 2)]
    assert sorted(each.status for each in charges) == ["open", "refused"]
    assert next(each.decline_reason for each in charges if each.status == "refused").startswith("This voucher has been")
    assert found(billing).uses == 1


def test_a_quote_tells_when_its_voucher_was_used_up_meanwhile(billing):
    make(billing, max_uses=1)
    first, second = quote(billing), quote(billing)
    billing.place(first)
    assert billing.get_quote(first.quote_id).voucher_refused == ""
    assert "as often as it may be" in billing.get_quote(second.quote_id).voucher_refused


def test_the_price_holds_for_its_half_hour_although_the_voucher_expires_but_not_when_it_is_ended(billing):
    make(billing, valid_until=to_text(billing.clock.now().replace(minute=10)))
    make(billing, code="OTHER")
    timely, ended = quote(billing), quote(billing, "OTHER")
    billing.clock.forward(minutes=15)
    end(billing, "OTHER")
    billing.place(timely)
    billing.place(ended, "order-2")
    assert [billing.charge(f"order-{number}").status for number in (1, 2)] == ["open", "refused"]


@pytest.mark.parametrize(
    ("fields", "voucher", "product", "said"),
    [
        ({}, "NOTHING", "dv-single", "no voucher"),
        ({}, "x" * 5000, "dv-single", "no voucher"),
        ({}, "שלום 🧨 <b>", "dv-single", "no voucher"),
        ({"valid_from": "2027-01-01T00:00:00Z"}, "SPRING-26", "dv-single", "valid from 2027-01-01 00:00 UTC"),
        ({"products": ["ov-single"]}, "SPRING-26", "dv-single", "not for Domain Certificate"),
        ({}, "SPRING-26", "trial-single", "free of charge"),
    ],
)
def test_what_does_not_fit_is_refused_at_the_voucher(billing, fields, voucher, product, said):
    make(billing, **fields)
    error = refusal(quote, billing, voucher, product)
    assert (error.code, error.pointer) == (Code.INVALID, "/voucher")
    assert said in error.detail


def test_an_expired_an_ended_and_a_used_up_voucher_are_told_apart(billing):
    make(billing, valid_until=to_text(billing.clock.now().replace(hour=13)))
    make(billing, code="ENDED")
    make(billing, code="USED", max_uses=1)
    end(billing, "ended")
    billing.place(quote(billing, "USED"))
    billing.clock.forward(hours=2)
    told = [refusal(quote, billing, code).detail for code in ("SPRING-26", "ENDED", "USED")]
    assert ["expired" in told[0], "ended" in told[1], "as often" in told[2]] == [True, True, True]
    assert [found(billing, code).state for code in ("SPRING-26", "ENDED", "USED")] == ["expired", "ended", "used_up"]


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"code": "A"}, "/code"),
        ({"code": "with space"}, "/code"),
        ({"code": "X" * 41}, "/code"),
        ({"code": "ÄÖÜ-26"}, "/code"),
        ({"percent": 0}, "/percent"),
        ({"percent": 101}, "/percent"),
        ({"percent": None}, "/percent"),
        ({"percent": 5, "amount": 5}, "/amount"),
        ({"amount": 0}, "/amount"),
        ({"amount": 10**12}, "/amount"),
        ({"products": ["dv-single", "nothing"]}, "/products/1"),
        ({"max_uses": 0}, "/max_uses"),
        ({"note": "x" * 201}, "/note"),
        ({"note": "a\x00b"}, "/note"),
        ({"valid_from": "tomorrow"}, "/valid_from"),
        ({"valid_until": "2026-12-31"}, "/valid_until"),
        ({"valid_until": "2020-01-01T00:00:00Z"}, "/valid_until"),
        ({"valid_from": "2027-02-01T00:00:00Z", "valid_until": "2027-01-01T00:00:00Z"}, "/valid_until"),
    ],
)
def test_a_voucher_that_cannot_be_is_refused_with_its_field(billing, fields, pointer):
    error = refusal(make, billing, **{"code": "SPRING-26", **fields})
    assert (error.code, error.pointer) == (Code.INVALID, pointer)


def test_a_code_is_given_out_once_for_ever(billing):
    make(billing)
    assert refusal(make, billing, code="spring-26").code is Code.CONFLICT
    first = end(billing).ended_at
    billing.clock.forward(minutes=1)
    assert end(billing).ended_at == first
    assert refusal(make, billing).pointer == "/code"
    assert refusal(end, billing, "NOTHING").code is Code.NOT_FOUND


def test_the_list_goes_on_where_its_page_ended(billing):
    for number in range(5):
        make(billing, code=f"CODE-{number}")
    page = vouchers.list_page(billing.room, ListVouchers(limit=3))
    rest = vouchers.list_page(billing.room, ListVouchers(limit=3, cursor=page.next_cursor))
    assert [each.code for each in page.items + rest.items] == [f"CODE-{number}" for number in (4, 3, 2, 1, 0)]
    assert (page.total, rest.next_cursor) == (5, None)
    assert [each.code for each in vouchers.list_page(billing.room, ListVouchers(offset=3)).items] == [
        "CODE-1",
        "CODE-0",
    ]
    both = ListVouchers(offset=1, cursor=page.next_cursor)
    assert refusal(vouchers.list_page, billing.room, both).pointer == "/offset"


@given(st.text(max_size=60))
def test_whatever_is_typed_is_a_code_or_none(text):
    code = canonical(text)
    assert code == "" or (code.isascii() and canonical(code) == code)
