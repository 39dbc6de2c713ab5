# SPDX-License-Identifier: Apache-2.0
"""Deposit accounts: topped up by card, drawn by orders, never below zero."""

import pytest

from services.billing.model import ledger
from services.billing.model.ledger import UnbalancedError
from shared.contracts.billing import DepositOpened, LedgerLine, TransactionPosted
from shared.errors import Code, ServiceError


def test_the_first_topup_opens_the_deposit_in_the_transaction_of_its_capture(billing):
    assert not billing.balance().deposit
    billing.deposit_of(100_000)
    billing.pay(billing.place_topup(50, "topup-2"))
    assert [type(fact) for fact in billing.ledger()] == [DepositOpened, TransactionPosted, TransactionPosted]
    assert (billing.balance().deposit, billing.balance().balance) == (True, 100_050)


@pytest.mark.parametrize("amount", [0, -1, 10_000_001])
def test_a_topup_of_nothing_or_too_much_is_refused(billing, amount):
    billing.place_topup(amount)
    assert billing.types("topup-1") == ["ChargeRefused"]


def test_a_deposit_is_kept_in_one_currency(billing):
    billing.deposit_of(100)
    billing.place_topup(100, "topup-2", currency="EUR")
    assert billing.types("topup-2") == ["ChargeRefused"]


def test_orders_of_deposit_customers_are_drawn_at_once(billing):
    billing.deposit_of(10_000)
    billing.place(billing.quote())
    assert billing.types() == ["ChargeOpened", "PaymentCaptured"]
    assert billing.charge("order-1").source == "funds"
    assert billing.balance().balance == 5_005


def test_a_quote_says_what_the_deposit_lacks(billing):
    assert (billing.quote().deposit, billing.quote().funds_missing) == (False, 0)
    billing.deposit_of(4_000)
    quote = billing.quote()
    assert (quote.deposit, quote.funds_missing) == (True, 995)
    assert billing.get_quote(quote.quote_id).funds_missing == 995


def test_an_order_that_the_deposit_cannot_pay_waits_and_is_drawn_after_a_topup(billing):
    billing.deposit_of(4_000)
    billing.place(billing.quote())
    with pytest.raises(ServiceError) as caught:
        billing.start("order-1")
    assert caught.value.code is Code.INSUFFICIENT_FUNDS
    assert caught.value.extra == {"missing": "995", "currency": "USD"}
    billing.pay(billing.place_topup(995, "topup-2"))
    assert billing.start("order-1").status == "paid"
    assert billing.balance().balance == 0


def test_a_deposit_payment_is_given_back_to_the_deposit_once(billing):
    billing.deposit_of(5_000)
    billing.place(billing.quote())
    billing.cancel(refund=4995)
    billing.cancel(refund=4995)
    assert billing.types()[-2:] == ["RefundStarted", "RefundIssued"]
    assert billing.balance().balance == 5_000
    assert billing.provider.refunds == {}


def test_a_paid_topup_stays_in_the_deposit(billing):
    billing.deposit_of(5_000)
    billing.cancel("topup-1")
    assert billing.balance().balance == 5_000


def test_the_statement_has_every_movement_with_its_balance_page_by_page(billing):
    billing.deposit_of(20_000)
    for number in range(3):
        billing.place(billing.quote(), f"order-{number}", number=2_000_001 + number)
    billing.cancel("order-1")
    lines, cursor = [], None
    while True:
        page = billing.statement(limit=2, cursor=cursor)
        assert page.total == 5
        lines += page.items
        cursor = page.next_cursor
        if cursor is None:
            break
    assert [(line.text, line.amount, line.balance) for line in lines] == [
        ("Order 2000002 given back", 4995, 10_010),
        ("Order 2000003", -4995, 5_015),
        ("Order 2000002", -4995, 10_010),
        ("Order 2000001", -4995, 15_005),
        ("Top-up 2000500", 20_000, 20_000),
    ]
    assert billing.balance().balance == lines[0].balance


@pytest.mark.parametrize("fields", [{"limit": 0}, {"limit": 500}, {"cursor": "x"}, {"cursor": "٣"}])
def test_a_statement_page_that_cannot_be_is_refused(billing, fields):
    with pytest.raises(ServiceError, match=r"^invalid"):
        billing.statement(**fields)


def test_a_transaction_that_does_not_balance_is_no_history():
    with pytest.raises(UnbalancedError):
        ledger.transaction("sale", "o", "a", "USD", "t", LedgerLine(account="revenue", amount=1))


def test_a_sale_with_tax_owes_the_tax_and_a_refund_takes_it_back():
    lines = ledger.sale("card_clearing", 1190, 190) + ledger.refund("card_clearing", 1190, 190)
    sums = {}
    for line in lines:
        sums[line.account] = sums.get(line.account, 0) + line.amount
    assert sums == {"card_clearing": 0, "revenue": -1000, "refunds": 1000, "tax_payable": 0}
