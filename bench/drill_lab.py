# SPDX-License-Identifier: Apache-2.0
"""A fleet for the drill: several hosts, each a real nginx with many TLS sites and an agent that may be killed.

Everything is a process of this program on free ports of 127.0.0.1, below the folder of its world.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from certwright.api_client import APIClient, ProblemError, UnreachableError
from certwright.demo.customer import Customer, wait_for
from certwright.demo.world import CODE, World
from certwright.servers.nginx import Nginx
from certwright.servers.process import free_port, stop
from shared.probe.handshake import Served, handshake
from tests.support.patient_api import PatientAPI

CALLERS = 8
DEPOSIT = 10_000_000
PATIENCE_S = 1800.0


@dataclass
class Host:
    """One nginx with its sites, and its agent."""

    folder: Path
    nginx: Nginx
    tls_port: int
    names: list[str]
    server_id: str = ""
    agent: subprocess.Popen[bytes] | None = None
    kills: int = 0

    def start_agent(self) -> None:
        """Starts the agent, the first time or after it was killed."""
        [program] = self.folder.rglob("*.pyz")
        with (self.folder / "agent.log").open("ab") as out:
            self.agent = subprocess.Popen(
                [sys.executable, str(program), "run", "--yes"],
                cwd=self.folder,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )

    def kill_agent(self) -> None:
        """SIGKILL, whatever it is doing."""
        if self.agent is not None:
            self.agent.kill()
            self.agent.wait()
            self.kills += 1

    def code(self) -> str:
        """The one-time code that the agent prints when it begins."""
        found = wait_for("the agent's code", lambda: CODE.search((self.folder / "agent.log").read_text()))
        return str(found[0])


@dataclass
class Order:
    """An order that is installed on a site of a host."""

    order_id: str
    name: str
    host: Host
    serial: int


@dataclass
class Fleet:
    """Hosts and their installed orders. Use it as a context manager; `build` makes both."""

    world: World
    hosts: list[Host] = field(default_factory=list)
    orders: list[Order] = field(default_factory=list)
    customer: Customer = field(init=False)
    token: str = ""
    say: Callable[[str], object] = lambda _text: None
    _stack: ExitStack = field(default_factory=ExitStack)

    def __enter__(self) -> Self:
        self.customer = Customer(self.world.url, patience=PATIENCE_S)
        return self

    def __exit__(self, *_: object) -> None:
        for host in self.hosts:
            if host.agent is not None:
                stop(host.agent)
        self._stack.close()

    def build(self, hosts: int, sites: int) -> None:
        """So many hosts with so many sites each, every site with an installed order of its own."""
        self.customer.sign_up()
        self.customer.top_up(DEPOSIT)
        made = self.customer.api.post("/tokens", {"name": "drill", "permissions": ["view", "create_order"]})
        self.token = made["secret"]
        for number in range(hosts):
            self._add_host(number, sites)
        # In turn, so that every agent has something to do.
        wanted = [(host, host.names[number]) for number in range(sites) for host in self.hosts]
        with ThreadPoolExecutor(CALLERS) as pool:
            self.orders = list(pool.map(lambda one: self._installed(*one), wanted))

    def _add_host(self, number: int, sites: int) -> None:
        folder = self.world.folder / f"host-{number}"
        folder.mkdir()
        nginx = Nginx(folder / "nginx")
        nginx.prepare()
        port = free_port()
        host = Host(folder, nginx, free_port(), [f"s{each}.h{number}.drill.example" for each in range(sites)])
        for name in host.names:
            nginx.add_site(name, port=port)
            self.world.names.add(name, "A", "127.0.0.1")
        nginx.start()
        self._stack.callback(nginx.stop)
        agent = self.customer.add_agent(f"host-{number}", folder)
        with zipfile.ZipFile(folder / "agent.zip") as packed:
            packed.extractall(folder)
        [path] = folder.rglob("agent.json")
        settings = json.loads(path.read_text())
        settings |= {
            "web_servers": [nginx.agent_entry(host.tls_port)],
            "roots": [str(nginx.folder)],
            "poll_seconds": 0.2,
            "save_directory": str(folder / "saved"),
        }
        path.write_text(json.dumps(settings, indent=2))
        host.start_agent()
        self.hosts.append(host)
        self.customer.verify_agent(agent["agent_id"], host.code())
        host.server_id = self.customer.site(host.names[0])["server_id"]

    def caller(self) -> Customer:
        """A customer of the same account with a connection of its own."""
        customer = Customer(self.world.url, patience=PATIENCE_S)
        customer.api = PatientAPI(self.world.url, self.token)
        return customer

    def _installed(self, host: Host, name: str) -> Order:
        customer = self.caller()
        order_id = customer.place_order("dv-single", [name], "cname_csr_hash")["order_id"]
        customer.wait_for_payment(order_id)
        customer.make_csr(order_id, host.server_id)
        [proof] = customer.authorizations(order_id, 1)
        self.world.names.add(proof["cname"]["name"], "CNAME", proof["cname"]["value"])
        customer.check(order_id, name)
        customer.wait_for_status(order_id, "issued")
        installed = customer.install(order_id, customer.site(name))
        self.say(f"{name} is installed")
        return Order(order_id, name, host, int(installed["certificate"]["serial"], 16))

    def kill_certwright(self) -> None:
        """SIGKILL to Certwright's only process, and a new one on the same data and port."""
        os.kill(self.world.pids[-1], signal.SIGKILL)
        with (self.world.folder / "certwright.log").open("ab") as out:
            process = subprocess.Popen(
                [sys.executable, "-m", "certwright", "serve"],
                env=self.world.operator,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )
        self._stack.callback(stop, process)
        self.world.pids.append(process.pid)
        wait_for("Certwright to be back", self._answers, patience=PATIENCE_S)

    def _answers(self) -> bool:
        try:
            APIClient(self.world.url, self.token).get("/orders", limit=1)
        except (ProblemError, UnreachableError):
            return False
        return True

    def wait_until_over(self, replacement_id: str, look: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
        """Looks at a replacement until it is over, and shows it to `look` each time. Raises StuckError."""
        api = PatientAPI(self.world.url, self.token)

        def over() -> dict[str, Any] | None:
            found: dict[str, Any] = api.get(f"/replacements/{replacement_id}")
            look(found)
            return found if found["status"] in {"completed", "cancelled"} else None

        ended: dict[str, Any] = wait_for("the replacement to be over", over, patience=PATIENCE_S)
        return ended

    def not_replaced(self) -> list[str]:
        """Names of sites that do not serve the newest certificate of their order, or still the old one."""
        with ThreadPoolExecutor(CALLERS) as pool:
            fresh = list(pool.map(self._newest, self.orders))
        return [
            order.name
            for order, serial in zip(self.orders, fresh, strict=True)
            if serial == order.serial or served_serial(order.name, order.host.tls_port) != serial
        ]

    def _newest(self, order: Order) -> int:
        return int(self.caller().order(order.order_id)["certificate"]["serial"], 16)


def served_serial(name: str, port: int) -> int | None:
    """The serial number of the certificate that is served for a name; whether it is trusted is not the question."""
    seen = handshake("127.0.0.1", port, name)
    return int(seen.leaf.serial, 16) if isinstance(seen, Served) else None


def reissues(histories: Iterable[list[dict[str, Any]]]) -> list[int]:
    """How often each order was reissued, from its history."""
    return [sum(entry["type"] == "orders.ReissueRequested" for entry in history) for history in histories]
