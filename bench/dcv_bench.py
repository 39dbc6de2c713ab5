# SPDX-License-Identifier: Apache-2.0
"""Checks of domain control a second, whole: asked for, looked, judged, recorded with evidence; one after the other.

By file from a real nginx and by CNAME from a real BIND, on loopback, over the guarded way out, on SQLite without a
broker. Beside it the same questions and the same fetch with bare sockets, that judge nothing and forget everything.
"""

from __future__ import annotations

import http.client
import json
import socket
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Self

import dns.message

from certwright.servers.nginx import Nginx
from certwright.servers.process import find_program, free_port
from services.dcv import bootstrap
from services.dcv.adapters.several import SeveralPerspectives
from services.dcv.handlers import challenges
from services.dcv.model import authorization, tokens
from services.dcv.settings import DCVSettings
from shared.clock import SystemClock, to_text
from shared.context import Context
from shared.contracts.dcv import CheckDCV
from shared.contracts.orders import CSRSubmitted
from shared.egress.perspectives import open_perspectives
from shared.egress.settings import EgressSettings
from shared.eventsourcing.envelope import Envelope, Metadata
from shared.eventstore.migrations import upgrade
from shared.settings import Settings
from tests.support.dns_lab import Bind

CHECKS, PAIRS = 100, 3
ZONE = "dcv-bench.com"
ACCOUNT = "01a20000-0000-7000-8000-000000000001"
CUSTOMER = Context(actor="user:bench", account_id=ACCOUNT, permissions=frozenset({"view", "create_order"}))
METHODS = {"file": "http_csr_hash", "cname": "cname_csr_hash"}
AGAINST = {
    "file": "the two questions for addresses and the fetch by bare sockets, nothing judged, nothing kept",
    "cname": "the same question by a bare socket, nothing judged, nothing kept",
}


class Check:
    """One name with the token of its CSR."""

    def __init__(self, kind: str, number: int) -> None:
        self.method = METHODS[kind]
        self.order_id = f"order-{kind}-{number}"
        self.fqdn = f"{kind}{number}.{ZONE}"
        self.md5, self.sha256 = f"{number:032X}", f"{number:064x}"


class Place:
    """nginx and BIND with everything that any check looks for."""

    def __init__(self, folder: Path, own: DCVSettings, checks: Sequence[Check]) -> None:
        self.nginx = Nginx(folder / "nginx")
        self.nginx.prepare()
        self.nginx.add_site(ZONE, port=own.http_port)
        files = self.nginx.document_root(ZONE) / ".well-known" / "pki-validation"
        files.mkdir(parents=True)
        records = ["* A 127.0.0.1"]
        for each in checks:
            if each.method == METHODS["file"]:
                (files / f"{each.md5}.txt").write_text(tokens.file_content(each.sha256, own.ca_name, "u"))
            else:
                name, value = tokens.cname_name(each.md5, each.fqdn), tokens.cname_value(each.sha256, own.ca_name, "u")
                records.append(f"{name.rstrip('.')}. CNAME {value.rstrip('.')}.")
        self.bind = Bind(folder / "bind")
        self.bind.add(ZONE, records, signed=False)

    def __enter__(self) -> Self:
        self.nginx.start()
        self.bind.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.bind.stop()
        self.nginx.stop()


class Ours:
    """The room `dcv` of the product."""

    def __init__(self, folder: Path, own: DCVSettings, nameserver: str) -> None:
        egress = EgressSettings(allow_networks=["127.0.0.0/8"], nameservers=[nameserver])
        clock = SystemClock()
        lookup = SeveralPerspectives(open_perspectives(egress), own, egress.corroboration, clock)
        self.app = bootstrap.build(Settings(data_dir=folder), dcv=own, clock=clock, lookup=lookup)
        upgrade(self.app.room.database, self.app.room.projections)

    def prepare(self, checks: Sequence[Check]) -> None:
        """The CSRs come in; nothing is looked for yet."""
        for each in checks:
            submitted = CSRSubmitted(
                order_id=each.order_id, account_id=ACCOUNT, csr_version=1, csr_pem="", spki_sha256="0" * 64,
                md5=each.md5, sha256=each.sha256, unique_value="u", names=[each.fqdn], dcv_method=each.method,
            )  # fmt: skip
            at = to_text(self.app.room.clock.now())
            told = Envelope(
                event_id=self.app.room.ids.new(), stream=each.order_id, version=1, type=submitted.TYPE,
                schema_version=submitted.SCHEMA, occurred_at=at, recorded_at=at, data=submitted,
                metadata=Metadata(account_id=ACCOUNT), hash="",
            )  # fmt: skip
            handler = partial(challenges.on_csr_submitted, settings=self.app.own)
            self.app.room.react(handler, told, name="dcv.on_csr_submitted")

    def run(self, checks: Sequence[Check]) -> None:
        """Every check from the question to the record. Raises RuntimeError when one proved nothing."""
        room = self.app.room
        for each in checks:
            asked = CheckDCV(order_id=each.order_id, fqdn=each.fqdn)
            room.execute(partial(challenges.check, settings=self.app.own), asked, CUSTOMER)
            room.queue.run_due(self.app)
            stream = authorization.stream_of(authorization.id_of(ACCOUNT, each.fqdn))
            if room.events(stream)[-1].type != "dcv.DCVPassed":
                raise RuntimeError(f"{each.fqdn} was not proved")


class Bare:
    """The same by sockets alone."""

    def __init__(self, dns_port: int, http_port: int) -> None:
        self._server = ("127.0.0.1", dns_port)
        self._http_port = http_port

    def run(self, checks: Sequence[Check]) -> None:
        """Asks and fetches. Raises RuntimeError when an answer is none."""
        for each in checks:
            if each.method == METHODS["cname"]:
                self._ask(tokens.cname_name(each.md5, each.fqdn), "CNAME")
                continue
            for kind in ("A", "AAAA"):
                self._ask(each.fqdn, kind)
            connection = http.client.HTTPConnection("127.0.0.1", self._http_port, timeout=10)
            connection.request("GET", f"/.well-known/pki-validation/{each.md5}.txt", headers={"Host": each.fqdn})
            if connection.getresponse().status != 200:
                raise RuntimeError("nginx did not answer with the file")
            connection.close()

    def _ask(self, name: str, kind: str) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as question:
            question.settimeout(5)
            question.sendto(dns.message.make_query(name, kind).to_wire(), self._server)
            question.recvfrom(4096)


def lines() -> Iterator[dict[str, Any]]:
    """Two lines: by file, by CNAME."""
    if find_program("named") is None:
        raise LookupError("BIND is not installed: run tests/setup-servers --bench")
    with tempfile.TemporaryDirectory(prefix="dcv-bench-") as place:
        folder = Path(place)
        folder.chmod(0o755)
        own = DCVSettings(http_port=free_port())
        checks = {
            kind: [[Check(kind, run * CHECKS + at) for at in range(CHECKS)] for run in range(PAIRS + 1)]
            for kind in METHODS
        }
        everything = [each for runs in checks.values() for run in runs for each in run]
        with Place(folder, own, everything) as there:
            ours = Ours(folder / "data", own, f"127.0.0.1:{there.bind.port}")
            bare = Bare(there.bind.port, own.http_port)
            for kind, runs in checks.items():
                yield _measured(kind, ours, bare, runs)
            ours.app.room.database.close()


def _measured(kind: str, ours: Ours, bare: Bare, runs: Sequence[Sequence[Check]]) -> dict[str, Any]:
    rates = []
    own = 0.0
    for at, run in enumerate(runs):
        ours.prepare(run)
        used = time.process_time()
        mine = _rate(ours.run, run)
        used = time.process_time() - used
        theirs = _rate(bare.run, run)
        if at:  # the first pair warms up
            rates.append((mine, theirs))
            own += used
    return {
        "name": f"dcv_checks_{kind}",
        "value": round(statistics.median(mine for mine, _ in rates), 1),
        "unit": "checks/s",
        "against": AGAINST[kind],
        "against_value": round(statistics.median(theirs for _, theirs in rates), 1),
        "ratio": round(statistics.median(mine / theirs for mine, theirs in rates), 3),
        "cpu_us": round(own * 1e6 / (PAIRS * CHECKS)),
        "runs": PAIRS,
    }


def _rate(run: Callable[[Sequence[Check]], None], checks: Sequence[Check]) -> float:
    began = time.perf_counter()
    run(checks)
    return len(checks) / (time.perf_counter() - began)


if __name__ == "__main__":
    for line in lines():
        sys.stdout.write(json.dumps(line) + "\n")
