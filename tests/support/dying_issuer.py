# SPDX-License-Identifier: Apache-2.0
"""A cluster on real RabbitMQ and PostgreSQL whose processes die while an ACME client orders, on one of the two issuers.

The client repeats what got no answer; nobody else does anything.
"""

from __future__ import annotations

import json
from contextlib import ExitStack, contextmanager

import requests

from certwright.demo.customer import Customer, wait_for
from certwright.demo.world import World
from shared.crashpoint import CRASH_PLAN
from shared.pki.certificate import parse_certificate, pem_blocks
from tests.support.acme_world import credential
from tests.support.challenge_web import answering
from tests.support.dns import ProgrammableDNS
from tests.support.evidence import Evidence
from tests.support.patient_acme import PatientACME
from tests.support.patient_api import PatientAPI
from tests.support.pebble import pebble

PATIENCE_S = 120.0
PRODUCT, PRICE = "dv-single", 4995

# At each place the first process that comes there dies, once, as by SIGKILL. Deaths of one line happen in one order.
# These are places that both issuers pass.
ISSUER = [
    ("orders/on_payment_captured/before-commit", "ca/on_issuance_requested/before-commit", "ca/relay/published"),
    ("orders/on_payment_captured/after-commit", "ca/job-sign/start", "orders/on_certificate_signed/before-commit"),
    ("orders/relay/published", "ca/record_signed/before-commit", "orders/on_certificate_signed/after-commit"),
    ("orders/relay/marked", "ca/on_issuance_requested/after-commit", "ca/advance/Signed"),
    ("ca/record_signed/after-commit", "orders/on_certificate_signed/received"),
]


class Scene:
    """A cluster, an account with a deposit, its ACME client, and what the client's host and the other CA see."""

    def __init__(self, world, other, names, plan):
        self.world, self.other, self.names, self.plan = world, other, names, plan
        self.evidence = Evidence(world.cluster)
        self.customer = Customer(world.url, patience=PATIENCE_S)
        self.customer.api = PatientAPI(world.url)
        self.tokens = set()
        self.made = 0

    def prepare(self):
        self.customer.sign_up()
        self.customer.top_up(PRICE * 100)
        key = credential(self.customer, PRODUCT)
        self.client = PatientACME(f"{self.world.url}/acme/directory", key, patience=PATIENCE_S)

    def file(self, token):
        """What the web server of each name answers: the client's files, else what the gateway says."""
        if token in self.tokens:
            return f"{token}.{self.client.thumbprint}"
        try:
            answer = requests.get(f"{self.world.url}/.well-known/acme-challenge/{token}", timeout=30)
        except requests.RequestException:
            return None
        return answer.text if answer.ok else None

    def ordered(self):
        """A certificate for a name of its own; its order."""
        self.made += 1
        name = f"n{self.made}.issuer-demo.com"
        self.names.set(name, "A", ["127.0.0.1"])
        chain = self.client.certificate(name, self.tokens)
        self.cluster.wait_until_ready()
        [order] = [one for one in self.customer.api.pages("/orders", most=500) if one["common_name"] == name]
        return self.customer.order(order["order_id"]), parse_certificate(pem_blocks(chain)[0]).serial

    @property
    def cluster(self):
        return self.world.cluster

    def assert_sound(self, order, serial):
        """Issued once, charged once; at the other CA one order and one certificate, both known here."""
        assert [int(one["serial"], 16) for one in order["certificates"]] == [int(serial, 16)]
        wait_for("the inventory to know the certificate", lambda: self.evidence.discovered(order))
        assert self.evidence.against(order, installed=False, source="funds") == []
        assert self.customer.api.get("/balance")["balance"] == PRICE * (100 - self.made)
        if self.other is not None:
            assert self.other.orders() == self.other.certificates() == self.made


class Files:
    """What the web server of each name answers; it is there before the scene, whose parts have to know its port."""

    scene = None

    def of(self, token):
        return self.scene.file(token) if self.scene is not None else None


@contextmanager
def scene(folder, *, upstream):
    """An account with a deposit and its ACME client; certificates come from the built-in CA, or from Pebble."""
    for parent in (folder, *folder.parents[:2]):
        parent.chmod(0o755)
    plan = folder / "plan"
    plan.mkdir()
    with ExitStack() as stack:
        names = stack.enter_context(ProgrammableDNS())
        files = Files()
        other, http_port = None, stack.enter_context(answering(0, files.of)).server_port
        settings = {
            CRASH_PLAN: str(plan),
            "CERTWRIGHT_EGRESS_NAMESERVERS": json.dumps([names.nameserver]),
            "CERTWRIGHT_DCV_HTTP_PORT": str(http_port),
        }
        if upstream:
            quiet = {"nonce_reject": 5, "sleep": False, "authz_reuse": 0}
            other = stack.enter_context(
                pebble(folder / "pebble", nameserver=names.nameserver, http_port=http_port, **quiet)
            )
            settings |= {
                "CERTWRIGHT_CA_UPSTREAM_DIRECTORY": other.directory,
                "CERTWRIGHT_CA_UPSTREAM_NAME": "Pebble",
                "CERTWRIGHT_CA_UPSTREAM_TRUST": str(other.trust),
                "CERTWRIGHT_CA_UPSTREAM_HTTP_PORT": str(http_port),
            }
        world = stack.enter_context(World(folder, "cluster", settings=settings, durable=True))
        made = Scene(world, other, names, plan)
        files.scene = made
        made.prepare()
        yield made


def dies_at(scene, places):
    """Processes die at these places while one certificate is ordered; afterwards everything is as it should be."""
    for number, place in enumerate(places):
        (scene.plan / str(number)).write_text(place)
    order, serial = scene.ordered()
    wait_for(f"a process to die at each of {places}", lambda: not list(scene.plan.iterdir()))
    scene.cluster.wait_until_ready()
    scene.assert_sound(order, serial)
