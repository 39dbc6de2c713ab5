# SPDX-License-Identifier: Apache-2.0
"""Payments: an order is charged once, whatever is lost, late, repeated or in the wrong order."""

import pytest

from services.billing.model.intent import IntentStatus
from shared.contracts.billing import LedgerLine
from shared.errors import Code, ServiceError


def refused(code):
    return pytest.raises(ServiceError, match=f"^{code.value}:")


def test_a_quote_holds_its_price_for_thirty_minutes(billing):
    quote = billing.quote()
    assert (quote.total, quote.currency, quote.expired) == (4995, "USD", False)
    billing.clock.forward(minutes=30)
    assert not billing.get_quote(quote.quote_id).expired
    billing.clock.forward(seconds=1)
    assert billing.get_quote(quote.quote_id).expired


def test_another_accounts_quote_does_not_exist(billing):
    quote = billing.quote()
    with refused(Code.NOT_FOUND):
        billing.get_quote(quote.quote_id, account="account-2")


def test_a_card_payment_is_captured_once_and_balances(billing):
    billing.paid_by_card()
    assert billing.types() == ["ChargeOpened", "PaymentStarted", "PaymentIntentCreated", "PaymentCaptured"]
    charge = billing.charge("order-1")
    assert (charge.status, charge.source, charge.amount, charge.attempt) == ("paid", "card", 4995, 1)
    [sale] = billing.ledger()
    assert sale.lines == [LedgerLine(account="card_clearing", amount=4995), LedgerLine(account="revenue", amount=-4995)]
    assert billing.check().unbalanced == []
    assert billing.get_quote(billing.room.events("charge-order-1")[0].data.quote_id).used_by_order_id == "order-1"


def test_starting_twice_finds_the_same_page(billing):
    billing.place(billing.quote())
    first = billing.start("order-1", command_id="a")
    assert first.status == "started"
    assert first.checkout_url == "http://pay.test/pi-1"
    assert billing.start("order-1", command_id="a") == first
    assert billing.start("order-1", command_id="b") == first
    assert len(billing.provider.intents) == 1


def test_the_notice_may_come_any_number_of_times_and_before_the_answer(billing):
    billing.place(billing.quote())
    billing.provider.deaf = True
    with refused(Code.UNAVAILABLE):
        billing.start("order-1")
    billing.provider.deaf = False
    billing.provider.finish("pi-1", IntentStatus.CAPTURED)
    for _ in range(3):
        billing.notice("pi-1")
    billing.come_back("pi-1")
    billing.run_jobs(hours=2)
    assert billing.types() == ["ChargeOpened", "PaymentStarted", "PaymentIntentCreated", "PaymentCaptured"]
    assert len(billing.ledger()) == 1


def test_an_unsigned_notice_is_refused(billing):
    billing.place(billing.quote())
    billing.start("order-1")
    billing.provider.finish("pi-1", IntentStatus.CAPTURED)
    with refused(Code.UNAUTHENTICATED):
        billing.notice("pi-1", signature="forged")
    assert billing.charge("order-1").status == "started"


def test_a_notice_that_never_comes_is_made_good_by_asking(billing):
    billing.place(billing.quote())
    billing.start("order-1")
    billing.run_jobs(seconds=5)
    assert billing.charge("order-1").status == "started"
    billing.provider.finish("pi-1", IntentStatus.CAPTURED)
    billing.run_jobs(seconds=10)
    assert billing.charge("order-1").status == "paid"
    assert billing.room.queue.next_run_at() is None


def test_a_provider_that_is_down_is_asked_again_until_it_answers(billing):
    billing.place(billing.quote())
    billing.provider.down = True
    with refused(Code.UNAVAILABLE):
        billing.start("order-1")
    billing.run_jobs(seconds=30)
    billing.provider.down = False
    billing.run_jobs(hours=2)
    assert billing.charge("order-1").checkout_url == "http://pay.test/pi-1"


def test_a_crash_after_the_intention_ends_in_one_payment(billing):
    billing.place(billing.quote())
    billing.provider.deaf = True
    with refused(Code.UNAVAILABLE):
        billing.start("order-1")
    billing.provider.deaf = False
    billing.run_jobs(seconds=30)
    assert billing.types() == ["ChargeOpened", "PaymentStarted", "PaymentIntentCreated"]
    assert len(billing.provider.intents) == 1


def test_after_a_decline_the_customer_tries_again_with_a_new_key(billing):
    billing.place(billing.quote())
    billing.start("order-1")
    billing.provider.finish("pi-1", IntentStatus.DECLINED, "The card has expired.")
    billing.notice("pi-1")
    charge = billing.charge("order-1")
    assert (charge.status, charge.decline_reason) == ("open", "The card has expired.")
    billing.start("order-1")
    billing.provider.finish("pi-2", IntentStatus.CAPTURED)
    billing.notice("pi-2")
    billing.notice("pi-1")
    assert billing.charge("order-1").status == "paid"
    assert [intent.key for intent in billing.provider.intents.values()] == ["order-1:1", "order-1:2"]


def test_a_free_order_is_paid_at_once_without_a_ledger_entry(billing):
    billing.place(billing.quote("trial-single"))
    assert (billing.charge("order-1").status, billing.charge("order-1").source) == ("paid", "free")
    assert billing.ledger() == []
    billing.cancel()
    assert billing.types() == ["ChargeOpened", "PaymentCaptured", "ChargeCancelled"]


@pytest.mark.parametrize(
    "changes",
    [{"amount": 1}, {"currency": "EUR"}, {"quote_id": "nothing"}, {"account_id": "account-2"}],
)
def test_an_order_that_does_not_fit_its_quote_is_refused(billing, changes):
    billing.place(billing.quote(), **changes)
    assert billing.types() == ["ChargeRefused"]


def test_a_quote_serves_one_order(billing):
    quote = billing.quote()
    billing.place(quote, "order-1")
    billing.place(quote, "order-2")
    assert billing.types("order-2") == ["ChargeRefused"]


def test_an_order_placed_in_time_may_be_told_late(billing):
    quote = billing.quote()
    billing.clock.forward(hours=5)
    billing.place(quote)
    assert billing.types() == ["ChargeRefused"]
    late = billing.placed(billing.quote(), "order-2")
    billing.clock.forward(hours=5)
    billing.tell(late)
    assert billing.types("order-2") == ["ChargeOpened"]


def test_the_same_order_told_twice_opens_one_charge(billing):
    quote = billing.quote()
    billing.place(quote)
    billing.place(quote)
    assert billing.types() == ["ChargeOpened"]


def test_cancelling_before_payment_owes_nothing(billing):
    billing.place(billing.quote())
    billing.cancel()
    assert billing.types() == ["ChargeOpened", "ChargeCancelled"]
    with refused(Code.ACTION_NOT_ALLOWED):
        billing.start("order-1")


def test_a_cancellation_that_overtakes_its_order_still_counts(billing):
    billing.cancel()
    billing.place(billing.quote())
    assert billing.types() == ["ChargeCancelled"]


def test_a_card_payment_is_given_back_once(billing):
    intent_id = billing.paid_by_card()
    billing.cancel(refund=4995)
    billing.reject(refund=4995)
    billing.provider.deaf = True
    billing.run_jobs(seconds=1)
    assert billing.types()[-1] == "RefundStarted"
    billing.provider.deaf = False
    billing.run_jobs(minutes=5)
    billing.run_jobs(hours=5)
    assert billing.types()[-2:] == ["RefundStarted", "RefundIssued"]
    assert billing.provider.refunds == {"refund:order-1": (intent_id, 4995)}
    assert billing.charge("order-1").status == "refunded"
    assert billing.check().accounts == {"card_clearing USD": 0, "revenue USD": -4995, "refunds USD": 4995}


def test_money_that_crosses_a_cancellation_goes_back(billing):
    billing.place(billing.quote())
    billing.start("order-1")
    billing.cancel()
    billing.provider.finish("pi-1", IntentStatus.CAPTURED)
    billing.notice("pi-1")
    billing.notice("pi-1")
    billing.run_jobs(seconds=10)
    assert billing.types()[-3:] == ["ChargeCancelled", "SurplusReceived", "SurplusReturned"]
    assert billing.provider.refunds == {"surplus:pi-1": ("pi-1", 4995)}
    assert set(billing.check().accounts.values()) == {0}


def test_another_accounts_order_cannot_be_paid_or_seen(billing):
    billing.place(billing.quote(), account_id="account-1")
    billing.account = "account-2"
    for ask in (billing.start, billing.charge):
        with refused(Code.NOT_FOUND):
            ask("order-1")
