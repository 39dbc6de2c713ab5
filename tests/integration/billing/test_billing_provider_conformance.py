# SPDX-License-Identifier: Apache-2.0
"""What a payment provider must do, tried over HTTP against the sandbox: an adapter for another one passes this too."""

import sqlite3
import threading

import pytest
import requests

from services.billing.adapters import standard_webhooks
from services.billing.adapters.sandbox import SandboxProvider
from services.billing.adapters.sandbox_provider.cards import CARDS
from services.billing.adapters.sandbox_provider.server import SandboxServer
from services.billing.model.intent import IntentStatus
from services.billing.ports import BadSignatureError, ProviderRefusedError, ProviderUnavailableError
from tests.support.shop import Shop

URLS = {"return_url": "http://shop.test/back", "webhook_url": "http://127.0.0.1:9/none"}


@pytest.fixture
def server(tmp_path):
    sandbox = SandboxServer(tmp_path, port=0)
    assert sandbox.start()
    yield sandbox
    sandbox.stop()


def client(sandbox, **changes):
    parts = {"api_key": sandbox.api_key, "webhook_secret": sandbox.webhook_secret, **changes}
    return SandboxProvider(lambda: sandbox.base_url, **parts)


def create(provider, key="order-1:1", **changes):
    fields = {
        "amount": 4995,
        "currency": "USD",
        "order_id": "order-1",
        "label": "2000001",
        "idem_key": key,
        **URLS,
        **changes,
    }
    return provider.create_intent(**fields)


def confirm(sandbox, intent, number):
    url = f"{sandbox.base_url}/v1/intents/{intent.intent_id}/confirm"
    return requests.post(url, json={"card_number": number}, timeout=10)


def number_of(title):
    return next(number for number, card in CARDS.items() if card.title.startswith(title))


# --- idempotency


def test_the_same_key_is_the_same_payment(server):
    provider = client(server)
    assert create(provider) == create(provider)
    assert create(provider, "order-1:2").intent_id != create(provider).intent_id


def test_the_same_key_with_other_parameters_is_an_error(server):
    provider = client(server)
    create(provider)
    with pytest.raises(ProviderRefusedError):
        create(provider, amount=1)


def test_the_same_key_in_flight_is_asked_again_later(tmp_path):
    entered, leave = threading.Event(), threading.Event()

    def hold():
        entered.set()
        leave.wait(10)

    sandbox = SandboxServer(tmp_path, port=0, during_create=hold)
    sandbox.start()
    try:
        first = threading.Thread(target=create, args=(client(sandbox),))
        first.start()
        entered.wait(10)
        with pytest.raises(ProviderUnavailableError):
            create(client(sandbox))
        leave.set()
        first.join()
        assert create(client(sandbox)).status is IntentStatus.PENDING
    finally:
        leave.set()
        sandbox.stop()


def test_a_refund_happens_once_per_key_and_never_beyond_what_was_captured(server):
    provider = client(server)
    intent = create(provider)
    with pytest.raises(ProviderRefusedError):
        provider.refund(intent_id=intent.intent_id, amount=4995, idem_key="r")
    confirm(server, intent, "4242 4242 4242 4242")
    for _ in range(3):
        provider.refund(intent_id=intent.intent_id, amount=4995, idem_key="r")
    for amount, key in ((1, "r"), (1, "again")):
        with pytest.raises(ProviderRefusedError):
            provider.refund(intent_id=intent.intent_id, amount=amount, idem_key=key)
    assert [(each["kind"], each["amount"]) for each in server.book.movements()] == [("capture", 4995), ("refund", 4995)]


def test_what_was_paid_is_known_after_a_restart_on_the_same_port(tmp_path):
    first = SandboxServer(tmp_path, port=0)
    first.start()
    intent = create(client(first))
    confirm(first, intent, "4242424242424242")
    first.stop()
    second = SandboxServer(tmp_path, port=0)
    second.start()
    try:
        assert (second.base_url, second.api_key) == (first.base_url, first.api_key)
        assert client(second).get(intent.intent_id).status is IntentStatus.CAPTURED
    finally:
        second.stop()


def test_a_second_replica_leaves_the_port_to_the_first(server, tmp_path):
    port = int(server.base_url.rpartition(":")[2])
    assert not SandboxServer(tmp_path, port=port).start()
    assert create(client(server)).status is IntentStatus.PENDING


@pytest.mark.parametrize(
    ("public_url", "begins"), [("", "http://127.0.0.1:"), ("https://pay.test/", "https://pay.test/pay/")]
)
def test_the_payment_page_has_the_address_that_browsers_know(tmp_path, public_url, begins):
    sandbox = SandboxServer(tmp_path, host="0.0.0.0", port=0, public_url=public_url)
    sandbox.start()
    try:
        here = SandboxProvider(
            lambda: f"http://127.0.0.1:{sandbox.book.fact('port')}",
            api_key=sandbox.api_key,
            webhook_secret=sandbox.webhook_secret,
        )
        assert create(here).checkout_url.startswith(begins)
    finally:
        sandbox.stop()


# --- cards


@pytest.mark.parametrize("number", [number for number, card in CARDS.items() if card.decline])
def test_a_declining_card_declines_with_its_reason_and_for_good(server, number):
    intent = create(client(server))
    assert confirm(server, intent, number).status_code == 402
    found = client(server).get(intent.intent_id)
    assert (found.status, found.reason) == (IntentStatus.DECLINED, CARDS[number].decline)
    confirm(server, intent, "4242424242424242")
    assert client(server).get(intent.intent_id).status is IntentStatus.DECLINED
    assert server.book.movements() == []


@pytest.mark.parametrize("number", ["4242424242424241", "5555555555554444", "", "x", "4" * 40])
def test_a_number_that_is_no_test_card_is_refused_and_the_payment_stays_open(server, number):
    intent = create(client(server))
    assert confirm(server, intent, number).status_code == 422
    assert client(server).get(intent.intent_id).status is IntentStatus.PENDING


@pytest.mark.parametrize(("approve", "status"), [(True, IntentStatus.CAPTURED), (False, IntentStatus.DECLINED)])
def test_a_card_that_needs_the_bank_waits_for_it(server, approve, status):
    intent = create(client(server))
    assert confirm(server, intent, "4000002500003155").json()["status"] == "requires_action"
    assert client(server).get(intent.intent_id).status is IntentStatus.PENDING
    url = f"{server.base_url}/v1/intents/{intent.intent_id}/authenticate"
    requests.post(url, json={"approve": approve}, timeout=10)
    assert client(server).get(intent.intent_id).status is status


def test_a_form_sent_twice_takes_the_money_once(server):
    intent = create(client(server))
    threads = [threading.Thread(target=confirm, args=(server, intent, "4242424242424242")) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(server.book.movements()) == 1


# --- who may


@pytest.mark.parametrize("key", ["", "wrong"])
def test_without_the_api_key_nothing_is_told(server, key):
    with pytest.raises(ProviderRefusedError):
        create(client(server, api_key=key))
    with pytest.raises(ProviderRefusedError):
        client(server, api_key=key).get("pi_x")


def test_a_provider_that_does_not_answer_is_unavailable(tmp_path):
    provider = SandboxProvider(lambda: "http://127.0.0.1:9", api_key="k", webhook_secret="whsec_AAAA", timeout_s=2)
    with pytest.raises(ProviderUnavailableError):
        create(provider)


# --- the page


def test_the_payment_page_pays_without_script_and_sends_the_payer_back(server):
    intent = create(client(server))
    page = requests.get(intent.checkout_url, timeout=10)
    assert "49.95 USD" in page.text
    assert "<script" not in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert "form-action 'self' http://shop.test" in page.headers["content-security-policy"]
    form = {"number": "4242 4242 4242 4242", "expiry": "12/30", "code": "123"}
    answer = requests.post(intent.checkout_url, data=form, timeout=10, allow_redirects=False)
    assert answer.status_code == 303
    assert answer.headers["location"] == f"http://shop.test/back?intent_id={intent.intent_id}"


def test_the_page_says_what_is_wrong_and_asks_the_bank(server):
    intent = create(client(server))
    wrong = requests.post(intent.checkout_url, data={"number": "4242424242424241"}, timeout=10)
    assert (wrong.status_code, "The card number is not valid." in wrong.text) == (422, True)
    bank = requests.post(intent.checkout_url, data={"number": "4000002500003155"}, timeout=10)
    assert "Your bank asks" in bank.text
    refused = requests.post(f"{intent.checkout_url}/authenticate", data={"answer": "no"}, timeout=10)
    assert "The bank did not confirm the payment." in refused.text
    assert "Back to the shop" in refused.text


def test_card_numbers_are_stored_nowhere(server, tmp_path):
    for place, number in enumerate(CARDS):
        confirm(server, create(client(server), f"k{place}"), number)
    stored = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert not any(number.encode() in stored for number in CARDS)


# --- notices


def test_notices_are_signed_and_forgeries_refused(server):
    with Shop() as shop:
        provider = client(server)
        intent = create(provider, webhook_url=shop.url)
        confirm(server, intent, "4242424242424242")
        [notice] = shop.wait_for(1)
        found = provider.verify_webhook(**notice)
        assert (found.intent_id, found.status, found.key) == (intent.intent_id, IntentStatus.CAPTURED, "order-1:1")
        forgeries = [
            {"body": notice["body"].replace("4995", "1")},
            {"timestamp": str(int(notice["timestamp"]) - 301)},
            {"timestamp": ""},
            {"notice_id": "other"},
            {"notice_id": ""},
            {"signature": ""},
            {"signature": "v1,AAAA"},
            {"signature": "v0" + notice["signature"][2:]},
        ]
        for forged in forgeries:
            with pytest.raises(BadSignatureError):
                provider.verify_webhook(**{**notice, **forged})
        with pytest.raises(BadSignatureError):
            client(server, webhook_secret=standard_webhooks.new_secret()).verify_webhook(**notice)


def test_an_old_notice_is_refused_even_with_its_true_signature(server):
    secret = server.webhook_secret
    for age in (-1000, 1000):
        stamp = str(int(client(server)._clock.now().timestamp()) + age)
        signature = standard_webhooks.sign(secret, "msg_1", stamp, "{}")
        with pytest.raises(BadSignatureError):
            client(server).verify_webhook(body="{}", notice_id="msg_1", timestamp=stamp, signature=signature)


def test_two_signatures_are_taken_while_a_secret_is_changed(server):
    stamp = str(int(client(server)._clock.now().timestamp()))
    body = '{"type": "other.thing", "data": {}}'
    new = standard_webhooks.sign(server.webhook_secret, "msg_1", stamp, body)
    old = standard_webhooks.sign(standard_webhooks.new_secret(), "msg_1", stamp, body)
    found = client(server).verify_webhook(body=body, notice_id="msg_1", timestamp=stamp, signature=f"{old} {new}")
    assert found is None


def test_a_notice_is_repeated_until_it_is_accepted_and_keeps_its_id(server):
    with Shop(answers=[500, 503, 204]) as shop:
        confirm(server, create(client(server), webhook_url=shop.url), "4242424242424242")
        notices = shop.wait_for(3)
        assert len({notice["notice_id"] for notice in notices}) == 1


def test_a_receiver_that_is_gone_is_left_alone(server, tmp_path):
    with Shop(answers=[410]) as shop:
        confirm(server, create(client(server), webhook_url=shop.url), "4242424242424242")
        shop.wait_for(1)
        server.sender.stop()
        with sqlite3.connect(tmp_path / "sandbox_provider.sqlite3") as book:
            assert book.execute("SELECT attempts, due_at FROM deliveries").fetchall() == [(1, None)]
