# SPDX-License-Identifier: Apache-2.0
"""Billing with the real sandbox over HTTP: every fault card ends in one capture, one paid order, clean books."""

import threading

import pytest
import requests

from services.billing import jobs
from services.billing.adapters.sandbox_provider.cards import CARDS, Fault
from services.billing.adapters.sandbox_provider.server import SandboxServer
from services.billing.bootstrap import CHECKS
from services.billing.settings import BillingSettings
from shared.clock import SystemClock
from shared.context import Context
from shared.contracts.billing import RecordProviderNotice
from shared.eventstore.verify import verify
from tests.support.billing_room import BillingRoom, TestClock
from tests.support.shop import Shop


class MovableClock(TestClock):
    """The host's time, moved forward at will: the sandbox signs by the host's time."""

    def __init__(self):
        super().__init__()
        self.moment = SystemClock().now()


@pytest.fixture
def world(settings, tmp_path):
    """A room, its sandbox on an own origin, and a shop that hands notices over."""
    sandbox = SandboxServer(tmp_path / "sandbox", port=0)
    sandbox.start()
    rooms = []
    lock = threading.Lock()

    def take(notice):
        with lock:
            jobs.record_notice(rooms[0].app, RecordProviderNotice(**notice), Context())

    with Shop(take=take) as shop:
        own = BillingSettings(
            sandbox=False,
            provider_url=sandbox.base_url,
            provider_api_key=sandbox.api_key,
            provider_webhook_secret=sandbox.webhook_secret,
            webhook_url=shop.url,
            label="2000001",
            return_url="http://shop.test/back",
        )
        with BillingRoom.on(settings, own=own, clock=MovableClock(), provider="http") as room:
            room.sandbox, room.shop = sandbox, shop
            rooms.append(room)
            yield room
            sandbox.stop()


def pay(world, number, order_id="order-1"):
    intent_id = world.start(order_id).checkout_url.rpartition("/")[2]
    url = f"{world.sandbox.base_url}/v1/intents/{intent_id}/confirm"
    return requests.post(url, json={"card_number": number}, timeout=20)


def card_with(fault):
    return next(number for number, card in CARDS.items() if card.fault is fault)


def captured_once(world):
    assert world.types().count("PaymentCaptured") == 1
    assert [each["kind"] for each in world.sandbox.book.movements()] == ["capture"]
    assert world.check().accounts == {"card_clearing USD": 4995, "revenue USD": -4995}
    assert verify(world.room.database, CHECKS).faults == []


def test_a_plain_payment_is_known_by_its_notice(world):
    world.place(world.quote())
    assert pay(world, "4242424242424242").status_code == 200
    world.shop.wait_for(1)
    captured_once(world)


def test_a_timeout_after_the_capture_is_no_second_payment(world):
    world.place(world.quote())
    number = card_with(Fault.TIMEOUT_AFTER_CAPTURE)
    assert pay(world, number).status_code == 504
    pay(world, number)
    world.shop.wait_for(1)
    captured_once(world)


def test_a_notice_before_the_answer_is_taken(world):
    world.place(world.quote())
    assert pay(world, card_with(Fault.WEBHOOK_FIRST)).status_code == 200
    assert len(world.shop.notices) == 1
    captured_once(world)


def test_a_notice_twice_counts_once(world):
    world.place(world.quote())
    pay(world, card_with(Fault.WEBHOOK_TWICE))
    assert len({notice["notice_id"] for notice in world.shop.wait_for(2)}) == 1
    captured_once(world)


def test_a_notice_that_never_comes_is_made_good_by_the_return_or_by_asking(world):
    world.place(world.quote())
    pay(world, card_with(Fault.WEBHOOK_NEVER))
    assert world.charge("order-1").status == "started"
    world.run_jobs(seconds=10)
    captured_once(world)
    assert world.shop.notices == []


def test_coming_back_settles_the_payment_at_once(world):
    world.place(world.quote())
    pay(world, card_with(Fault.WEBHOOK_NEVER))
    assert world.come_back(world.intent_of("order-1")).status == "paid"
    captured_once(world)


def test_an_error_before_the_capture_is_paid_by_the_second_try(world):
    world.place(world.quote())
    number = card_with(Fault.ERROR_THEN_OK)
    assert pay(world, number).status_code == 500
    assert world.sandbox.book.movements() == []
    assert pay(world, number).status_code == 200
    world.shop.wait_for(1)
    captured_once(world)


def test_a_decline_and_a_second_card(world):
    world.place(world.quote())
    assert pay(world, "4000000000000002").status_code == 402
    world.shop.wait_for(1)
    assert world.charge("order-1").decline_reason == "The card was declined."
    pay(world, "4242424242424242")
    world.shop.wait_for(2)
    captured_once(world)


def test_a_refund_reaches_the_provider_once(world):
    world.place(world.quote())
    pay(world, "4242424242424242")
    world.shop.wait_for(1)
    world.cancel()
    world.run_jobs(seconds=1)
    world.run_jobs(hours=3)
    assert [each["kind"] for each in world.sandbox.book.movements()] == ["capture", "refund"]
    assert world.check().accounts["card_clearing USD"] == 0
    assert world.charge("order-1").status == "refunded"


def test_a_payment_that_crosses_a_cancellation_comes_back(world):
    world.place(world.quote())
    intent_id = world.start("order-1").checkout_url.rpartition("/")[2]
    world.cancel()
    url = f"{world.sandbox.base_url}/v1/intents/{intent_id}/confirm"
    requests.post(url, json={"card_number": "4242424242424242"}, timeout=20)
    world.shop.wait_for(1)
    world.run_jobs(seconds=10)
    assert [each["kind"] for each in world.sandbox.book.movements()] == ["capture", "refund"]
    assert set(world.check().accounts.values()) == {0}


def test_the_books_of_both_sides_agree_after_a_busy_day(world):
    numbers = list(CARDS)
    for place, number in enumerate(numbers):
        order_id = f"order-{place}"
        world.place(world.quote(), order_id)
        pay(world, number, order_id)
        if place % 3 == 0:
            world.cancel(order_id)
    for _ in range(4):
        world.run_jobs(hours=1)
    movements = world.sandbox.book.movements()
    theirs = sum(each["amount"] * (1 if each["kind"] == "capture" else -1) for each in movements)
    assert world.check().accounts["card_clearing USD"] == theirs
    assert verify(world.room.database, CHECKS).faults == []
