# SPDX-License-Identifier: Apache-2.0
"""Whatever customers, providers and messages do, in whatever order: the money adds up (invariants I5 to I8)."""

import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from services.billing.model import ledger
from services.billing.model.intent import IntentStatus
from shared.contracts.billing import RefundIssued, TransactionPosted
from shared.errors import ServiceError
from tests.support.billing_room import BillingRoom

ORDERS = st.sampled_from([f"order-{n}" for n in range(4)])
TOPUPS = st.sampled_from([f"topup-{n}" for n in range(3)])
ANY = st.one_of(ORDERS, TOPUPS)
PRODUCTS = st.sampled_from(["dv-single", "trial-single", "ov-single"])


class Money(RuleBasedStateMachine):
    """One customer, some orders and top-ups, a provider that fails when it likes."""

    def __init__(self):
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.entered = BillingRoom.on_sqlite(Path(self.folder.name))
        self.billing = self.entered.__enter__()
        self.provider = self.billing.provider

    def teardown(self):
        self.provider.down = self.provider.deaf = False
        for _ in range(6):
            self.billing.run_jobs(hours=2)
        self.money_adds_up()
        assert not [intent for intent in self.captured() if not self.accounted_for(intent)]
        assert self.balance_of(ledger.SURPLUS) == 0
        returned = sum(amount for _, amount in self.provider.refunds.values())
        assert self.balance_of(ledger.CARD_CLEARING) == sum(self.provider.captures.values()) - returned
        self.entered.__exit__(None, None, None)
        self.folder.cleanup()

    @rule(order=ORDERS, product=PRODUCTS)
    def place(self, order, product):
        self.billing.place(self.billing.quote(product), order)

    @rule(order=TOPUPS, amount=st.integers(1, 30_000))
    def place_topup(self, order, amount):
        self.billing.place_topup(amount, order)

    @rule(order=ANY)
    def start(self, order):
        code = ""
        try:
            self.billing.start(order)
        except ServiceError as error:
            code = error.code.value
        assert code in {"", "not_found", "action_not_allowed", "insufficient_funds", "unavailable"}

    @precondition(lambda self: self.provider.intents)
    @rule(data=st.data(), status=st.sampled_from(["captured", "captured", "declined", "expired"]), told=st.booleans())
    def customer_acts(self, data, status, told):
        intent_id = data.draw(st.sampled_from(sorted(self.provider.intents)))
        self.provider.finish(intent_id, IntentStatus(status), "no")
        if told:
            self.billing.notice(intent_id)

    @precondition(lambda self: self.provider.intents)
    @rule(data=st.data(), repeat=st.integers(1, 3))
    def notice_comes(self, data, repeat):
        intent_id = data.draw(st.sampled_from(sorted(self.provider.intents)))
        for _ in range(repeat):
            self.billing.notice(intent_id)

    @rule(order=ANY, rejected=st.booleans())
    def give_up(self, order, rejected):
        (self.billing.reject if rejected else self.billing.cancel)(order)

    @rule(down=st.booleans(), deaf=st.booleans())
    def provider_changes(self, down, deaf):
        self.provider.down, self.provider.deaf = down, deaf

    @rule(minutes=st.sampled_from([1, 10, 120]))
    def time_passes(self, minutes):
        self.billing.run_jobs(minutes=minutes)

    @invariant()
    def money_adds_up(self):
        posted = [fact for fact in self.billing.ledger() if isinstance(fact, TransactionPosted)]
        assert all(sum(line.amount for line in fact.lines) == 0 for fact in posted)
        assert len({fact.transaction_id for fact in posted}) == len(posted)
        check = self.billing.check()
        assert check.unbalanced == []
        assert check.transactions == len(posted)
        assert sum(check.accounts.values()) == 0
        balance = self.billing.balance().balance
        assert balance >= 0
        assert balance == -self.balance_of(ledger.funds(self.billing.account))
        statement = self.billing.statement(limit=200).items
        assert balance == (statement[0].balance if statement else 0) == sum(line.amount for line in statement)

    @invariant()
    def every_order_is_paid_and_given_back_at_most_once(self):
        for order in [f"order-{n}" for n in range(4)] + [f"topup-{n}" for n in range(3)]:
            types = self.billing.types(order)
            assert types.count("PaymentCaptured") <= 1
            assert types.count("RefundIssued") <= 1
            debits = [f for f in self.billing.ledger() if isinstance(f, TransactionPosted) and f.order_id == order]
            sales = [f for f in debits if "Order" in f.text and "given" not in f.text and "not owed" not in f.text]
            state = self.billing.state(order)
            paid = "PaymentCaptured" in types and state.purpose == "order" and state.amount > 0
            assert len(sales) == paid
            if paid:
                assert sum(line.amount for line in sales[0].lines if line.amount > 0) == state.amount
            for envelope in self.billing.room.events(f"charge-{order}"):
                if isinstance(envelope.data, RefundIssued):
                    assert envelope.data.amount <= state.amount

    def balance_of(self, account):
        return sum(
            line.amount
            for fact in self.billing.ledger()
            if isinstance(fact, TransactionPosted)
            for line in fact.lines
            if line.account == account
        )

    def captured(self):
        return [self.provider.intents[intent_id] for intent_id in self.provider.captures]

    def accounted_for(self, intent):
        state = self.billing.state(intent.order_id)
        return state.intent_id == intent.intent_id or state.surplus.get(intent.intent_id) is True


Money.TestCase.settings = settings(max_examples=40, stateful_step_count=30)
TestMoney = Money.TestCase
