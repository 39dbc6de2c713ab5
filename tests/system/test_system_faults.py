# SPDX-License-Identifier: Apache-2.0
"""Whatever dies on the way, the order ends installed without help: one certificate, one charge, history whole.

One cluster on real RabbitMQ and PostgreSQL serves all faults, one after the other. The customer repeats a request that
got no answer under the same Idempotency-Key, as any client of the API should; nobody else does anything.
"""

from __future__ import annotations

import signal
import threading
import time
import uuid

import pytest

from certwright.api_client import APIClient, ProblemError, UnreachableError
from certwright.demo.customer import Customer, wait_for
from certwright.demo.story import SINGLE, SINGLE_PRODUCT, Story, same_serial
from certwright.demo.world import World
from shared.crashpoint import CRASH_AT, CRASH_MARK, DISORDER

PATIENCE_S = 90.0

# (processes, place): the first process that comes to the place dies there, once, as by SIGKILL.
PLACES = [
    ("billing", "billing/create_quote/after-commit"),
    ("orders", "orders/place_order/before-commit"),
    ("orders", "orders/place_order/after-commit"),
    ("orders", "orders/relay/published"),
    ("billing", "billing/on_order_placed/before-commit"),
    ("billing", "billing/start_payment/after-commit"),
    ("billing", "billing/record_capture/after-commit"),
    ("billing", "billing/relay/marked"),
    ("orders", "orders/on_payment_captured/before-commit"),
    ("orders", "orders/request_csr/after-commit"),
    ("installer", "installer/on_csr_requested/before-commit"),
    ("installer", "installer/claim_jobs/after-commit"),
    ("installer", "installer/finish_job/before-commit"),
    ("orders", "orders/on_csr_generated/after-commit"),
    ("dcv", "dcv/on_csr_submitted/before-commit"),
    ("dcv", "dcv/job-validate/start"),
    ("dcv", "dcv/job-validate/end"),
    ("orders", "orders/on_dcv_passed/before-commit"),
    ("ca", "ca/on_issuance_requested/after-commit"),
    ("ca", "ca/job-*/start"),
    ("ca", "ca/job-*/end"),
    ("ca", "ca/relay/published"),
    ("orders", "orders/on_certificate_signed/before-commit"),
    ("installer", "installer/on_installation_requested/after-commit"),
    ("orders", "orders/on_deployment_succeeded/before-commit"),
]


class PatientAPI(APIClient):
    """Repeats what got no answer, or the answer that nobody is there, under the same key."""

    def call(self, method, path, body=None, *, params=None, idempotency_key=None):
        key = idempotency_key or str(uuid.uuid4())
        deadline = time.monotonic() + PATIENCE_S
        while True:
            try:
                return super().call(method, path, body, params=params, idempotency_key=key)
            except (ProblemError, UnreachableError) as error:
                repeat = isinstance(error, UnreachableError) or error.status in {409, 500, 502, 503, 504}
                code = error.document.get("code", "") if isinstance(error, ProblemError) else ""
                if not repeat or code == "action_not_allowed" or time.monotonic() > deadline:
                    raise
                time.sleep(0.2)


@pytest.fixture(scope="module")
def story(tmp_path_factory):
    folder = tmp_path_factory.mktemp("faults")
    for parent in (folder, *folder.parents[:2]):
        parent.chmod(0o755)
    with World(folder, "cluster") as world:
        made = Story(world, lambda _text: None)
        made.customer = Customer(world.url)
        made.customer.api = PatientAPI(world.url)
        made.prepare()
        yield made


def arm(cluster, service, place, mark):
    """Restarts the processes of a service so that the first one that comes to `place` dies there."""
    for name, worker in cluster.supervisor.workers.items():
        if name.partition("-")[0] == service:
            worker.environment = {**worker.environment, CRASH_AT: place, CRASH_MARK: str(mark)}
            cluster.supervisor.kill(name)
    cluster.wait_until_ready()


def order_installed(story):
    """One whole order for a card; returns it as it ends."""
    customer = story.customer
    site = customer.site(SINGLE)
    order = customer.place_order(SINGLE_PRODUCT, [SINGLE], "http_csr_hash")
    order_id = order["order_id"]
    customer.pay_by_card(order_id)
    customer.wait_for_payment(order_id)
    customer.make_csr(order_id, site["server_id"])
    [authorization] = customer.authorizations(order_id, 1)
    if authorization["status"] != "valid":
        customer.place_file(order_id, SINGLE, site["server_id"])
    customer.wait_for_status(order_id, "issued")
    return customer.install(order_id, site)


def assert_sound(story, order):
    """One certificate, on the wire; one charge; history whole; read models equal."""
    assert order["status"] == "installed"
    assert len(order["certificates"]) == 1
    assert same_serial(order["certificate"]["serial"], story.served([SINGLE], story.world.tls_ports["nginx"]))
    types = [entry["type"] for entry in story.customer.history(order["order_id"])]
    for once in ("orders.OrderPaid", "orders.IssuanceRequested", "orders.CertIssued", "orders.CertInstalled"):
        assert types.count(once) == 1, types
    verified = story.world.certwright("verify")
    assert verified["ok"], verified
    rebuilt = story.world.certwright("rebuild", "--check")
    assert rebuilt["equal"], rebuilt


@pytest.mark.parametrize(("service", "place"), PLACES, ids=[place for _, place in PLACES])
def test_a_process_dies_at(story, tmp_path, service, place):
    mark = tmp_path / "died"
    arm(story.world.cluster, service, place, mark)
    order = order_installed(story)
    wait_for(f"the process to die at {place}", mark.exists, patience=15)
    assert_sound(story, order)


def during_an_order(story, fault):
    """Runs a fault in the middle of an order, again and again until the order has ended."""
    ended = threading.Event()

    def nemesis():
        while not ended.wait(1.0):
            fault()
            if ended.wait(6.0):
                return

    thread = threading.Thread(target=nemesis, daemon=True)
    thread.start()
    try:
        order = order_installed(story)
    finally:
        ended.set()
        thread.join(timeout=120)
    story.world.cluster.wait_until_ready()
    assert_sound(story, order)


def test_the_broker_is_killed_and_its_data_wiped(story):
    broker = story.world.cluster.broker

    def fault():
        broker.stop(signal.SIGKILL)
        broker.wipe()
        broker.start()

    during_an_order(story, fault)


def test_postgresql_is_killed(story):
    database = story.world.cluster.database

    def fault():
        database.stop(signal.SIGQUIT)
        database.start()

    during_an_order(story, fault)


def test_every_message_comes_twice_and_out_of_order(story):
    cluster = story.world.cluster
    for name, worker in cluster.supervisor.workers.items():
        worker.environment = {**worker.environment, DISORDER: "1", CRASH_AT: "", CRASH_MARK: ""}
        cluster.supervisor.kill(name)
    cluster.wait_until_ready()
    for _ in range(3):
        assert_sound(story, order_installed(story))


def test_every_service_is_killed_at_random_moments(story):
    names = iter(sorted(story.world.cluster.supervisor.workers) * 20)
    during_an_order(story, lambda: story.world.cluster.supervisor.kill(next(names)))
