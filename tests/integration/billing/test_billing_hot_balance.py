# SPDX-License-Identifier: Apache-2.0
"""Sixteen buyers of one balance: exactly as many buy as the funds allow, and nothing is left over (quality bar E2)."""

import random
import threading
import uuid

from services.billing.bootstrap import CHECKS
from services.billing.model.intent import IntentStatus
from shared.eventstore import rebuild
from shared.eventstore.verify import verify
from tests.support.billing_room import BillingRoom

BUYERS = 16
PRICE = 4995


class Ids:
    """Identifiers that threads may ask for."""

    def new(self):
        return str(uuid.uuid4())


def together(*tasks):
    """Runs the tasks in threads that begin at the same moment; raises what any of them raised."""
    barrier = threading.Barrier(len(tasks))
    errors = []

    def run(task):
        barrier.wait()
        try:
            task()
        except BaseException as error:  # noqa: BLE001 - reported below
            errors.append(error)

    threads = [threading.Thread(target=run, args=(task,)) for task in tasks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []


def test_exactly_as_many_buy_as_the_funds_allow(settings):
    with BillingRoom.on(settings, ids=Ids()) as billing:
        for number in range(12):
            affordable = random.Random(number).randint(1, BUYERS)
            billing.pay(billing.place_topup(affordable * PRICE, f"topup-{number}"))
            orders = [f"order-{number}-{buyer}" for buyer in range(BUYERS)]
            events = [billing.placed(billing.quote(), order) for order in orders]
            together(*[lambda event=event: billing.tell(event) for event in events])
            paid = [order for order in orders if billing.charge(order).status == "paid"]
            assert len(paid) == affordable
            assert billing.balance().balance == 0
        assert verify(billing.room.database, CHECKS).faults == []
        assert rebuild.check(billing.room).equal


def test_topups_refunds_and_buyers_at_the_same_moment_lose_nothing(settings):
    with BillingRoom.on(settings, ids=Ids()) as billing:
        billing.deposit_of(4 * PRICE)
        for number in range(4):
            billing.place(billing.quote(), f"old-{number}")
        events = [billing.placed(billing.quote(), f"new-{number}") for number in range(8)]
        for number in range(4):
            billing.place_topup(PRICE, f"more-{number}")
        together(
            *[lambda event=event: billing.tell(event) for event in events],
            *[lambda number=number: billing.cancel(f"old-{number}") for number in range(4)],
            *[lambda number=number: billing.pay(f"more-{number}") for number in range(4)],
        )
        bought = [f"new-{n}" for n in range(8) if billing.charge(f"new-{n}").status == "paid"]
        assert billing.balance().balance == (8 - len(bought)) * PRICE
        assert verify(billing.room.database, CHECKS).faults == []


def test_two_orders_for_one_quote_at_the_same_moment_charge_one(settings):
    with BillingRoom.on(settings, ids=Ids()) as billing:
        for number in range(10):
            quote = billing.quote()
            events = [billing.placed(quote, f"order-{number}-{twin}") for twin in range(4)]
            together(*[lambda event=event: billing.tell(event) for event in events])
            types = sorted(billing.types(f"order-{number}-{twin}")[0] for twin in range(4))
            assert types == ["ChargeOpened", "ChargeRefused", "ChargeRefused", "ChargeRefused"]


def test_a_payment_told_by_many_at_once_is_captured_once(settings):
    with BillingRoom.on(settings, ids=Ids()) as billing:
        billing.place(billing.quote())
        billing.start("order-1")
        billing.provider.finish("pi-1", IntentStatus.CAPTURED)
        together(*[lambda: billing.notice("pi-1")] * 8)
        assert billing.types().count("PaymentCaptured") == 1
        assert len(billing.ledger()) == 1
