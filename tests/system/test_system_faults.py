# SPDX-License-Identifier: Apache-2.0
"""Whatever dies on the way, the order ends installed without help: one certificate, one charge, history whole.

One cluster on real RabbitMQ and PostgreSQL serves all faults, one after the other. The customer repeats a request that
got no answer under the same Idempotency-Key, as any client of the API should; nobody else does anything.
"""

from __future__ import annotations

import itertools
import random
import signal
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from certwright.demo.customer import Customer, wait_for
from certwright.demo.story import SINGLE_PRODUCT, Story, same_serial
from certwright.demo.world import World
from shared.crashpoint import CRASH_PLAN, DISORDER
from tests.support.evidence import Evidence
from tests.support.patient_api import PatientAPI

PATIENCE_S = 120.0
NAMES = [f"n{number}.faults.example" for number in range(50)]

# At each place the first process that comes there dies, once, as by SIGKILL. Deaths of one line happen in one order.
DEATHS = [
    ("billing/create_quote/after-commit", "installer/on_csr_requested/before-commit"),
    ("orders/place_order/before-commit", "dcv/on_csr_submitted/before-commit"),
    ("orders/place_order/after-commit", "installer/claim_jobs/after-commit", "billing/relay/marked"),
    ("billing/on_order_placed/before-commit", "dcv/job-validate/start"),
    ("orders/relay/published", "billing/start_payment/after-commit"),
    ("billing/settle/after-commit", "ca/on_issuance_requested/after-commit"),
    ("orders/on_payment_captured/before-commit", "ca/job-sign/start", "accounts/on_order_placed/before-commit"),
    ("orders/request_csr/after-commit", "dcv/job-validate/end"),
    ("orders/on_csr_generated/after-commit", "ca/record_signed/before-commit"),
    ("installer/on_dcv_file_requested/after-commit", "orders/on_certificate_signed/before-commit"),
    ("dcv/on_file_placed/after-commit", "ca/relay/published"),
    ("installer/finish_job/before-commit", "orders/on_dcv_passed/before-commit"),
    ("installer/on_installation_requested/after-commit", "discovery/on_cert_issued/before-commit"),
    ("orders/on_deployment_succeeded/before-commit", "alerts/on_cert_issued/before-commit"),
]


class Scene:
    """The cluster, its customer, and what is known about the last order."""

    def __init__(self, world, plan):
        self.world = world
        self.cluster = world.cluster
        self.plan = plan
        self.story = Story(world, lambda _text: None)
        self.customer = self.story.customer = Customer(world.url, patience=PATIENCE_S)
        self.customer.api = PatientAPI(world.url)
        self.evidence = Evidence(world.cluster)
        self.names = iter(NAMES)

    def prepare(self):
        for name in NAMES:
            self.world.nginx.add_site(name, port=self.world.http_port)
            self.world.names.add(name, "A", "127.0.0.1")
        self.story.prepare()

    def order_installed(self):
        """One whole order for a card and a name of its own, up to its certificate on the wire."""
        customer, name = self.customer, next(self.names)
        site = customer.site(name)
        order = customer.place_order(SINGLE_PRODUCT, [name], "http_csr_hash")
        order_id = order["order_id"]
        customer.pay_by_card(order_id)
        customer.wait_for_payment(order_id)
        customer.make_csr(order_id, site["server_id"])
        customer.authorizations(order_id, 1)
        customer.place_file(order_id, name, site["server_id"])
        customer.wait_for_status(order_id, "issued")
        return customer.install(order_id, site)

    def assert_sound(self, order):
        """One certificate, on the wire; one charge; history whole; read models equal; nothing parked."""
        assert order["status"] == "installed"
        served = self.story.served([order["common_name"]], self.world.tls_ports["nginx"])
        assert same_serial(order["certificate"]["serial"], served)
        assert len(order["certificates"]) == 1
        wait_for("the inventory to know the certificate", lambda: self.evidence.discovered(order))
        assert self.evidence.against(order) == []

    def processes(self):
        """The names of all processes, in any order."""
        names = sorted(self.cluster.supervisor.workers)
        random.shuffle(names)
        return names


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    folder = tmp_path_factory.mktemp("faults")
    for parent in (folder, *folder.parents[:2]):
        parent.chmod(0o755)
    plan = folder / "plan"
    plan.mkdir()
    with World(folder, "cluster", settings={CRASH_PLAN: str(plan)}, durable=True) as world:
        made = Scene(world, plan)
        made.prepare()
        yield made


@pytest.mark.parametrize("places", DEATHS, ids=" and ".join)
def test_a_process_dies_at(scene, places):
    for number, place in enumerate(places):
        (scene.plan / str(number)).write_text(place)
    order = scene.order_installed()
    wait_for(f"a process to die at each of {places}", lambda: not list(scene.plan.iterdir()))
    scene.cluster.wait_until_ready()
    scene.assert_sound(order)


def during_orders(scene, faults, *, pause):
    """Makes orders while one fault after the other happens, until all have."""

    def nemesis():
        for fault in faults:
            time.sleep(pause)
            fault()

    with ThreadPoolExecutor(1) as pool:
        evil = pool.submit(nemesis)
        orders = [scene.order_installed()]
        while not evil.done():
            orders.append(scene.order_installed())
        evil.result()
    scene.cluster.wait_until_ready()
    for order in orders:
        scene.assert_sound(order)


def test_the_broker_is_killed_and_its_data_wiped(scene):
    broker = scene.cluster.broker

    def fault():
        broker.stop(signal.SIGKILL)
        broker.wipe()
        broker.start()

    during_orders(scene, [fault, fault], pause=1.5)


def test_postgresql_is_killed(scene):
    database = scene.cluster.database

    def fault():
        database.stop(signal.SIGQUIT)
        database.start()

    during_orders(scene, [fault, fault], pause=1.5)


def test_every_service_is_killed_at_a_random_moment(scene):
    faults = [lambda name=name: scene.cluster.supervisor.kill(name) for name in scene.processes()]
    during_orders(scene, faults, pause=1.5)


def test_every_process_is_told_to_stop_and_loses_nothing(scene):
    def restart(name):
        process = scene.cluster.supervisor.workers[name].process
        process.terminate()
        assert process.wait(timeout=60) == 0, f"{name} was not drained"

    during_orders(scene, [lambda name=name: restart(name) for name in scene.processes()], pause=0.5)


def test_every_message_comes_twice_and_out_of_order(scene):
    supervisor = scene.cluster.supervisor
    for name, worker in supervisor.workers.items():
        worker.environment = {**worker.environment, DISORDER: "1"}
        supervisor.kill(name)
    scene.cluster.wait_until_ready()
    for _ in itertools.repeat(None, 3):
        scene.assert_sound(scene.order_installed())
