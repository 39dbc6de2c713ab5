# SPDX-License-Identifier: Apache-2.0
"""The main job twice: one name on nginx, proved by a file that the agent places; three names on Apache, by CNAME."""

from __future__ import annotations

import http.client
import ssl
from collections.abc import Callable
from typing import Any

from certwright.demo.customer import Customer
from certwright.demo.world import World

SINGLE = "www.blumen-winter.example"
MULTI = ["shop.blumen-winter.example", "blumen-winter.example", "kurse.blumen-winter.example"]
SINGLE_PRODUCT = "dv-single"
MULTI_PRODUCT = "dv-multi"
DEPOSIT = 500_000
Say = Callable[[str], None]


class Story:
    """One run. `say` is told each step when it is done."""

    def __init__(self, world: World, say: Say) -> None:
        self.world = world
        self.say = say
        self.customer = Customer(world.url)
        self.root = b""

    def prepare(self) -> None:
        """The account, the sites, and the agent."""
        number = self.customer.sign_up()
        self.say(f"signed up and signed in; the order number {number} was the second step")
        self.world.add_site(self.world.nginx, self.world.http_port, [SINGLE])
        self.world.add_site(self.world.apache, self.world.apache_port, MULTI)
        self.say("nginx and Apache serve a plain site each, without TLS")
        folder = self.world.folder / "agent"
        folder.mkdir()
        agent = self.customer.add_agent("web-1", folder)
        code, _ = self.world.start_agent(folder / "agent.zip")
        self.customer.verify_agent(agent["agent_id"], code)
        self.say("the agent was downloaded, started, and confirmed on both sides by its one-time code")
        self.root = self.customer.api.call("GET", f"{self.world.url}/pki/root.pem")

    def single_name_on_nginx(self) -> dict[str, Any]:
        """Paid by card, proved by file."""
        customer = self.customer
        site = customer.site(SINGLE)
        order = customer.place_order(SINGLE_PRODUCT, [SINGLE], "http_csr_hash")
        order_id = order["order_id"]
        self.say(f"order {order['number']} placed for {SINGLE}: {_money(order)}")
        customer.pay_by_card(order_id)
        customer.wait_for_payment(order_id)
        self.say("paid by card on the provider's page; Certwright never saw the number")
        customer.make_csr(order_id, site["server_id"])
        self.say("key and CSR made on the server; the key stays there")
        customer.authorizations(order_id, 1)
        customer.place_file(order_id, SINGLE, site["server_id"])
        customer.wait_for_status(order_id, "issued")
        self.say("the agent placed the validation file; it was fetched by HTTP; the certificate is issued")
        installed = customer.install(order_id, site)
        self.say("installed on nginx: configuration tested, reloaded, and seen in a handshake")
        return installed

    def several_names_on_apache(self) -> dict[str, Any]:
        """Drawn from the deposit, proved by CNAME."""
        customer = self.customer
        site = customer.site(MULTI[0])
        customer.top_up(DEPOSIT)
        balance = customer.api.get("/balance")
        self.say(f"deposit paid by card: {_money({'amount': balance['balance'], 'currency': balance['currency']})}")
        order = customer.place_order(MULTI_PRODUCT, MULTI, "cname_csr_hash")
        order_id = order["order_id"]
        customer.wait_for_payment(order_id)
        self.say(f"order {order['number']} placed for {len(MULTI)} names: {_money(order)} drawn from the deposit")
        customer.make_csr(order_id, site["server_id"])
        for each in customer.authorizations(order_id, len(MULTI)):
            self.world.names.add(each["cname"]["name"], "CNAME", each["cname"]["value"])
            customer.check(order_id, each["fqdn"])
        customer.wait_for_status(order_id, "issued")
        self.say("three CNAME records added and found; the certificate is issued")
        installed = customer.install(order_id, site)
        self.say("installed on Apache: configuration tested, reloaded, and seen in a handshake")
        return installed

    def served(self, names: list[str], port: int) -> str:
        """Fetches the site over TLS by each name, trusting only Certwright's root; the served serial in hex."""
        trust = ssl.create_default_context(cadata=self.root.decode())
        serials = set()
        for name in names:
            connection = _Pinned(name, port, trust)
            connection.request("GET", "/", headers={"Host": name})
            connection.getresponse().read()
            serials.add(connection.serial)
            connection.close()
        [serial] = serials
        return serial

    def same_by_replay(self, order: dict[str, Any]) -> bool:
        """Whether the order, folded anew from its events up to its last one, is what the API shows now."""
        history = self.customer.history(order["order_id"])
        now = self.customer.order(order["order_id"])
        folded = self.customer.api.get(f"/orders/{order['order_id']}", as_of=history[-1]["occurred_at"])
        return bool(folded == now)


class _Pinned(http.client.HTTPSConnection):
    """HTTPS to 127.0.0.1 under another name; remembers the serial that was served."""

    def __init__(self, name: str, port: int, trust: ssl.SSLContext) -> None:
        super().__init__("127.0.0.1", port, timeout=10, context=trust)
        self._name = name
        self._trust = trust
        self.serial = ""

    def connect(self) -> None:
        """Connects, verifies name and chain, and reads the served certificate."""
        http.client.HTTPConnection.connect(self)
        self.sock = self._trust.wrap_socket(self.sock, server_hostname=self._name)
        found = self.sock.getpeercert()
        self.serial = str(found["serialNumber"]) if found else ""


def same_serial(one: str, other: str) -> bool:
    """Whether two spellings in hex are the same number."""
    return bool(one and other) and int(one, 16) == int(other, 16)


def _money(order: dict[str, Any]) -> str:
    return f"{order['amount'] // 100}.{order['amount'] % 100:02d} {order['currency']}"
