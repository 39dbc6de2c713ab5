# SPDX-License-Identifier: Apache-2.0
"""One order in each status, made as customers and operators make them; only time and servers are helped along.

`installed` and `expired` are real issued orders to whose stream the last event is appended: no test waits for a year.
The two renewable ones are written whole, since their term began a year ago.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

from services.orders.bootstrap import build
from services.orders.model.order import stream_of
from services.orders.projections.finding import next_number
from shared.clock import to_text
from shared.context import Context
from shared.contracts import orders as c
from shared.eventsourcing.event import Event
from shared.eventstore.unit_of_work import UnitOfWork
from shared.pki.certificate import parse_certificate
from shared.settings import Settings
from tests.support.live_gateway import Live
from tests.support.mailed_proof import issued, paid_order, with_csr
from tests.support.order_builders import certificate_pem, csr
from tests.support.people import Person

Story = Callable[[UnitOfWork, dict[str, Any]], list[Event]]
STATUSES = (
    "awaiting_payment", "waiting_for_csr", "processing", "issued", "installed", "issued, renewable",
    "installed, renewable", "paid", "expired", "cancelled", "revoked", "rejected",
)  # fmt: skip


def one_of_each(live: Live, person: Person, operator: Person) -> dict[str, dict[str, Any]]:
    """Orders by the words of STATUSES."""
    api = person.api
    word = secrets.token_hex(3)

    def name(status: str) -> str:
        return f"{status.replace('_', '-')}.{word}.example.com"

    made = {
        "awaiting_payment": person.steps.place_order("dv-single", [name("awaiting")], "http_csr_hash"),
        "waiting_for_csr": paid_order(person, [name("waiting")]),
        "processing": with_csr(person, [name("processing")]),
        "cancelled": with_csr(person, [name("cancelled")]),
        "rejected": with_csr(person, [name("rejected")]),
        **{status: issued(person, operator, name(status)) for status in ("issued", "installed", "expired", "revoked")},
    }
    made["paid"] = person.steps.top_up(50_000)  # the last: from then on orders are paid from the deposit at once
    api.post(f"/orders/{made['cancelled']['order_id']}/cancel")
    api.post(f"/orders/{made['revoked']['order_id']}/revoke", {"reason": "superseded"})
    operator.api.post(f"/orders/{made['rejected']['order_id']}/reject", {"reason": "The company could not be found."})
    account = api.get("/account")["account_id"]
    app = build(Settings(data_dir=live.folder / "data"))
    try:
        context = Context(actor="system:every_status", account_id=account)
        app.room.execute(partial(_append, story=installed), made["installed"], context)
        app.room.execute(partial(_append, story=expired), made["expired"], context)
        for status in ("issued, renewable", "installed, renewable"):
            made[status] = {"order_id": app.room.execute(_renewable, (status, name(status.split(",")[0])), context)}
    finally:
        app.room.database.close()
    return {status: _settled(person, status, made[status]["order_id"]) for status in STATUSES}


def _settled(person: Person, status: str, order_id: str) -> dict[str, Any]:
    order = person.steps.wait_for_status(order_id, status.partition(",")[0])
    # Other rooms act upon the last event, such as by giving money back, and say so in the order's history.
    for _ in range(20):
        time.sleep(0.1)
        again = person.steps.order(order_id)
        if again["version"] == order["version"]:
            break
        order = again
    return order


def _append(uow: UnitOfWork, order: dict[str, Any], *, story: Story) -> None:
    uow.append_anywhere(stream_of(order["order_id"]), *story(uow, order))


def installed(uow: UnitOfWork, order: dict[str, Any]) -> list[Event]:
    """As an agent on a server would report it."""
    certificate = order["certificate"]
    where = {"installation_id": uow.new_id(), "server_id": uow.new_id(), "site_id": uow.new_id()}
    return [
        c.InstallationRequested(
            order_id=order["order_id"], account_id=uow.context.account_id or "", csr_version=1,
            serial=certificate["serial"], names=order["names"], spki_sha256=order["spki_sha256"],
            certificate_pem="", chain_pem="", **where,
        ),
        c.CertInstalled(order_id=order["order_id"], served_serial=certificate["serial"], csr_version=1, **where),
    ]  # fmt: skip


def expired(_uow: UnitOfWork, order: dict[str, Any]) -> list[Event]:
    """As the clock would say it."""
    return [c.OrderExpired(order_id=order["order_id"])]


def _renewable(uow: UnitOfWork, what: tuple[str, str]) -> str:
    status, name = what
    order_id, account_id = uow.new_id(), uow.context.account_id or ""
    order = {"order_id": order_id, "account_id": account_id}
    begins = (uow.now - timedelta(days=350)).replace(microsecond=0)
    serial = secrets.randbits(120) | 1 << 120
    pem = certificate_pem((name,), 1, serial, begins, begins + timedelta(days=365))
    found, asked = parse_certificate(pem), csr((name,))
    facts: list[Event] = [
        c.OrderPlaced(
            kind="certificate", product="dv-single", product_name="DV Single", amount=4900, currency="USD",
            number=next_number(uow.connection), validation_level="DV", common_name=name, names=[name], term_years=1,
            dcv_method="http_csr_hash", **order,
        ),
        c.OrderPaid(order_id=order_id, amount=4900, currency="USD", source="card"),
        c.CSRSubmitted(
            csr_version=1, csr_pem=asked.pem, md5=asked.md5, spki_sha256=asked.key.spki_sha256, sha256=asked.sha256,
            unique_value=secrets.token_hex(8), names=[name], dcv_method="http_csr_hash", **order,
        ),
        c.CertIssued(
            issuance_id=uow.new_id(), csr_version=1, serial=found.serial, fingerprint_sha256=found.sha256,
            spki_sha256=asked.key.spki_sha256, names=[name], not_before=to_text(begins),
            not_after=to_text(begins + timedelta(days=365)), issuer="CN=Test CA", certificate_pem=pem, chain_pem="",
            **order,
        ),
    ]  # fmt: skip
    uow.append(stream_of(order_id), *facts)
    if status.startswith("installed"):
        view = {"order_id": order_id, "certificate": {"serial": found.serial}, "names": [name],
            "spki_sha256": asked.key.spki_sha256}  # fmt: skip
        _append(uow, view, story=installed)
    return order_id
