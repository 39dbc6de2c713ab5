# SPDX-License-Identifier: Apache-2.0
"""Orders through the command layer in one process, without a broker: placed, paid, CSR, proved, issued; durable.

The handlers, models, stores and the CA are those of the product; events go from room to room directly. Beside it
Pebble (always valid, no sleep, in memory) driven by a lean client with eight orders at once.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

from bench.orders_bench import CALLERS, Theirs, again_when_pebble_hangs
from bench.pebble import pebble, request_for
from services.ca import bootstrap as ca_bootstrap
from services.ca import handlers as ca_handlers
from services.ca.settings import CASettings
from services.orders import bootstrap as orders_bootstrap
from services.orders.handlers import commands, reactions
from services.orders.model.order import stream_of
from services.orders.model.requesting import read_csr
from shared.clock import to_text
from shared.context import Context
from shared.contracts.billing import PaymentCaptured, QuoteView
from shared.contracts.ca import CertificateSigned
from shared.contracts.dcv import DCVPassed
from shared.contracts.orders import CSRSubmitted, IssuanceRequested, PlaceOrder, SubmitCSR
from shared.eventsourcing.envelope import Envelope, Metadata
from shared.eventsourcing.event import Event
from shared.eventstore.migrations import upgrade
from shared.settings import Settings

PAIRS = 5
ORDERS = 200
ACCOUNT = "01a20000-0000-7000-8000-000000000001"
CUSTOMER = Context(actor="user:bench", account_id=ACCOUNT, permissions=frozenset({"view", "create_order"}))


class CommandLayer:
    """The rooms orders and ca on their own databases in `folder`."""

    def __init__(self, folder: Path) -> None:
        settings = Settings(data_dir=folder)
        self.orders = orders_bootstrap.build(settings)
        self.ca = ca_bootstrap.build(settings, ca=CASettings(lint=False))
        for app in (self.orders, self.ca):
            upgrade(app.room.database, app.room.projections)
        self._count = 0

    def run(self, count: int) -> float:
        """Orders a second, one after the other. Keys and requests are the customer's and made before."""
        requests = []
        for _ in range(count):
            self._count += 1
            name = f"n{self._count}.bench.example"
            requests.append((name, request_for(name)[1]))
        began = time.perf_counter()
        for name, csr in requests:
            self._order(name, csr)
        return count / (time.perf_counter() - began)

    def close(self) -> None:
        """Closes the databases."""
        self.orders.room.database.close()
        self.ca.room.database.close()

    def _order(self, name: str, csr: str) -> None:
        room, ids, now = self.orders.room, self.orders.room.ids, self.orders.room.clock.now()
        quote = QuoteView(
            quote_id=ids.new(),
            account_id=ACCOUNT,
            product="dv-single",
            product_name="Domain Certificate",
            form="single",
            validation_level="DV",
            names=[name],
            term_years=1,
            lines=[],
            tax=0,
            total=4995,
            currency="USD",
            created_at=to_text(now),
            expires_at=to_text(now + timedelta(minutes=30)),
        )
        place = PlaceOrder(quote_id=quote.quote_id, common_name=name, agreement_accepted=True)
        context = Context(
            actor=CUSTOMER.actor, account_id=ACCOUNT, permissions=CUSTOMER.permissions, command_id=ids.new()
        )
        order_id = room.execute(partial(commands.place_order, quote=quote), place, context).order_id
        paid = PaymentCaptured(
            order_id=order_id, account_id=ACCOUNT, purpose="order", amount=4995, currency="USD", source="funds"
        )
        room.react(reactions.on_payment_captured, self._envelope(paid), name="orders.on_payment_captured")
        room.execute(partial(commands.submit_csr, csr=read_csr(csr)), SubmitCSR(order_id=order_id, csr=csr), CUSTOMER)
        submitted = self._last(order_id, CSRSubmitted)
        passed = DCVPassed(
            authorization_id=ids.new(),
            account_id=ACCOUNT,
            order_id=order_id,
            csr_version=submitted.data.csr_version,
            fqdn=name,
            method="http_csr_hash",
            rules_version="bench",
            expires_at=to_text(now + timedelta(days=199)),
            reused=False,
        )
        room.react(reactions.on_dcv_passed, self._envelope(passed), name="orders.on_dcv_passed")
        asked = self._last(order_id, IssuanceRequested)
        accept = partial(ca_handlers.on_issuance_requested, policy=self.ca.policy)
        self.ca.room.react(accept, asked, name="ca.on_issuance_requested")
        self.ca.room.queue.run_due(self.ca)
        [*_, signed] = self.ca.room.events(f"issuance-{asked.data.issuance_id}")
        if not isinstance(signed.data, CertificateSigned):
            raise TypeError(f"the CA ended with {signed.type}")
        room.react(reactions.on_certificate_signed, signed, name="orders.on_certificate_signed")

    def _last(self, order_id: str, kind: type[Event]) -> Envelope[Any]:
        return next(each for each in reversed(self.orders.room.events(stream_of(order_id))) if type(each.data) is kind)

    def _envelope(self, fact: Event) -> Envelope[Any]:
        at = to_text(self.orders.room.clock.now())
        return Envelope(
            event_id=self.orders.room.ids.new(),
            stream="elsewhere",
            version=1,
            type=fact.TYPE,
            schema_version=fact.SCHEMA,
            occurred_at=at,
            recorded_at=at,
            data=fact,
            metadata=Metadata(account_id=ACCOUNT),
            hash="",
        )


def lines() -> Iterator[dict[str, Any]]:
    """One line."""
    yield again_when_pebble_hangs(measure)


def measure() -> dict[str, Any]:
    """The line."""
    with tempfile.TemporaryDirectory(prefix="commands-bench-") as folder, pebble(Path(folder) / "pebble") as (port, _):
        ours, theirs = CommandLayer(Path(folder) / "data"), Theirs(port)
        ours.run(CALLERS)
        theirs.run(CALLERS * 2)
        own = 0.0
        rates = []
        for _ in range(PAIRS):
            began = time.process_time()
            rate = ours.run(ORDERS)
            own += time.process_time() - began
            rates.append((rate, theirs.run(ORDERS)))
        ours.close()
    return {
        "name": "orders_command_layer",
        "value": round(statistics.median(rate for rate, _ in rates), 1),
        "unit": "orders/s",
        "against": "Pebble (always valid, no sleep, in memory), lean client; neither lints",
        "against_value": round(statistics.median(rate for _, rate in rates), 1),
        "ratio": round(statistics.median(mine / other for mine, other in rates), 3),
        "aim": 1.5,
        "cpu_us": round(own * 1e6 / (PAIRS * ORDERS)),
    }


if __name__ == "__main__":
    for line in lines():
        sys.stdout.write(json.dumps(line) + "\n")
