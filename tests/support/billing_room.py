# SPDX-License-Identifier: Apache-2.0
"""Billing without a broker: commands, foreign events and jobs are called as the service calls them."""

from __future__ import annotations

import itertools
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial

from services.billing import bootstrap, jobs
from services.billing.handlers import charges, quotes, statements
from services.billing.model import charge, ledger
from services.billing.model.intent import Intent, IntentStatus
from services.billing.ports import BadSignatureError, ProviderUnavailableError
from services.billing.projections import check_ledger
from services.billing.settings import BillingSettings
from shared.clock import to_text
from shared.context import Context
from shared.contracts import billing, orders
from shared.eventsourcing.envelope import Envelope, Metadata
from shared.settings import Settings
from tests.support.rooms import with_tables

PERMISSIONS = frozenset({"signed_in", "view", "create_order", "replenish_balance"})


class TestClock:
    """A clock that stands until it is moved."""

    __test__ = False

    def __init__(self):
        self.moment = datetime(2026, 11, 23, 12, tzinfo=UTC)

    def now(self):
        return self.moment

    def forward(self, **delta):
        self.moment += timedelta(**delta)


class CountingIds:
    """Identifiers that tell their order."""

    def __init__(self):
        self._numbers = itertools.count(1)

    def new(self):
        return f"id-{next(self._numbers):06}"


class FakeProvider:
    """The port in memory; `down` makes it unreachable before, `deaf` after it did what it was asked."""

    def __init__(self):
        self.intents = {}
        self.by_key = {}
        self.refunds = {}
        self.captures = {}
        self.payers = {}
        self.down = False
        self.deaf = False

    def create_intent(self, *, amount, currency, order_id, label, idem_key, return_url, webhook_url, payer=None):
        self.payers[idem_key] = payer
        self._reach()
        if idem_key not in self.by_key:
            intent_id = f"pi-{len(self.by_key) + 1}"
            self.by_key[idem_key] = intent_id
            url = f"http://pay.test/{intent_id}"
            self.intents[intent_id] = Intent(intent_id, order_id, idem_key, IntentStatus.PENDING, amount, currency, url)
        self._answer()
        return self.intents[self.by_key[idem_key]]

    def get(self, intent_id):
        self._reach()
        return self.intents[intent_id]

    def refund(self, *, intent_id, amount, idem_key):
        self._reach()
        known = self.refunds.setdefault(idem_key, (intent_id, amount))
        assert known == (intent_id, amount)
        self._answer()

    def verify_webhook(self, *, body, notice_id, timestamp, signature):
        if signature != "good":
            raise BadSignatureError
        return self.intents.get(body)

    def finish(self, intent_id, status, reason=""):
        """What the customer did on the payment page."""
        intent = self.intents[intent_id]
        if intent.status is IntentStatus.PENDING:
            changed = Intent(
                intent_id,
                intent.order_id,
                intent.key,
                status,
                intent.amount,
                intent.currency,
                intent.checkout_url,
                reason,
            )
            self.intents[intent_id] = changed
            if status is IntentStatus.CAPTURED:
                self.captures[intent_id] = intent.amount
        return self.intents[intent_id]

    def _reach(self):
        if self.down:
            raise ProviderUnavailableError("down")

    def _answer(self):
        if self.deaf:
            raise ProviderUnavailableError("deaf")


class BillingRoom:
    """The room with shorthands for one customer, `account`."""

    account = "account-1"

    def __init__(self, app, clock):
        self.app = app
        self.room = app.room
        self.clock = clock
        self.provider = app.provider
        self._numbers = itertools.count(1)

    @classmethod
    @contextmanager
    def on_sqlite(cls, folder):
        with cls.on(Settings(data_dir=folder)) as room:
            yield room

    @classmethod
    @contextmanager
    def on(cls, settings, *, provider=None, clock=None, ids=None, own=None):
        clock = clock or TestClock()
        own = own or BillingSettings(sandbox=False)
        provider = None if provider == "http" else provider or FakeProvider()
        app = with_tables(
            bootstrap.build(settings, billing=own, clock=clock, ids=ids or CountingIds(), provider=provider)
        )
        try:
            yield cls(app, clock)
        finally:
            app.room.database.close()

    def context(self, command_id=None, account=None, permissions=PERMISSIONS):
        account = account or self.account
        return Context(actor="user:u", account_id=account, permissions=permissions, command_id=command_id)

    # --- commands

    def quote(self, product="dv-single", names=("example.com",), years=1, account=None):
        request = billing.CreateQuote(product=product, names=list(names), term_years=years)
        handler = partial(quotes.create_quote, prices=self.app.prices)
        return self.room.execute(handler, request, self.context(account=account))

    def get_quote(self, quote_id, account=None):
        return quotes.get_quote(self.room, billing.GetQuote(quote_id=quote_id), self.context(account=account))

    def start(self, order_id, command_id=None, payer=None):
        request = billing.StartPayment(order_id=order_id, payer=payer)
        return jobs.start_payment(self.app, request, self.context(command_id))

    def notice(self, intent_id, signature="good"):
        request = billing.RecordProviderNotice(body=intent_id, signature=signature, notice_id="n", timestamp="0")
        return jobs.record_notice(self.app, request, Context())

    def come_back(self, intent_id):
        return jobs.confirm_return(self.app, billing.ConfirmReturn(intent_id=intent_id), Context())

    def charge(self, order_id):
        return statements.get_charge(self.room, billing.GetCharge(order_id=order_id), self.context())

    def balance(self, account=None):
        request, context = billing.GetBalance(), self.context(account=account)
        return statements.get_balance(self.room, request, context, prices=self.app.prices)

    def statement(self, **fields):
        return statements.list_statement(self.room, billing.ListStatement(**fields), self.context())

    def check(self):
        with self.room.query() as connection:
            return check_ledger(connection)

    def run_jobs(self, **delta):
        """Runs what is due, after time has passed."""
        self.clock.forward(**delta)
        return self.room.queue.run_due(self.app, limit=200)

    # --- foreign events

    def envelope(self, fact, event_id=None):
        at = to_text(self.clock.now())
        return Envelope(
            event_id=event_id or f"foreign-{next(self._numbers)}",
            stream="order",
            version=1,
            type=fact.TYPE,
            schema_version=fact.SCHEMA,
            occurred_at=at,
            recorded_at=at,
            data=fact,
            metadata=Metadata(account_id=self.account),
            hash="",
        )

    def placed(self, quote, order_id="order-1", **changes):
        fields = {
            "order_id": order_id,
            "number": 2000001,
            "account_id": self.account,
            "kind": "certificate",
            "product": quote.product,
            "product_name": quote.product_name,
            "amount": quote.total,
            "currency": quote.currency,
            "quote_id": quote.quote_id,
            "deposit": quote.deposit,
            **changes,
        }
        return self.envelope(orders.OrderPlaced(**fields))

    def place(self, quote, order_id="order-1", **changes):
        self.tell(self.placed(quote, order_id, **changes))
        return order_id

    def tell(self, event):
        self.room.react(charges.on_order_placed, event, name="billing.on_order_placed")

    def place_topup(self, amount, order_id="topup-1", currency="USD"):
        fact = orders.OrderPlaced(
            order_id=order_id,
            number=2000500,
            account_id=self.account,
            kind="topup",
            product="topup",
            product_name="Top-up",
            amount=amount,
            currency=currency,
        )
        self.room.react(charges.on_order_placed, self.envelope(fact), name="billing.on_order_placed")
        return order_id

    def cancel(self, order_id="order-1", refund=0):
        fact = orders.OrderCancelled(order_id=order_id, account_id=self.account, refund=refund, currency="USD")
        self.room.react(charges.on_order_given_up, self.envelope(fact), name="billing.on_order_cancelled")

    def reject(self, order_id="order-1", refund=0):
        fact = orders.OrderRejected(
            order_id=order_id, account_id=self.account, reason="no", refund=refund, currency="USD"
        )
        self.room.react(charges.on_order_given_up, self.envelope(fact), name="billing.on_order_rejected")

    # --- stories

    def paid_by_card(self, order_id="order-1", quote=None):
        self.place(quote or self.quote(), order_id)
        return self.pay(order_id)

    def pay(self, order_id):
        self.start(order_id)
        intent_id = self.intent_of(order_id)
        self.provider.finish(intent_id, IntentStatus.CAPTURED)
        self.notice(intent_id)
        return intent_id

    def deposit_of(self, amount):
        self.pay(self.place_topup(amount))

    def intent_of(self, order_id):
        return self.state(order_id).attempts[self.state(order_id).attempt].intent_id

    def state(self, order_id):
        return charge.CHARGE(each.data for each in self.room.events(charge.stream(order_id)))

    def types(self, order_id="order-1"):
        return [each.type.partition(".")[2] for each in self.room.events(charge.stream(order_id))]

    def ledger(self):
        return [each.data for each in self.room.events(ledger.stream(self.account))]
