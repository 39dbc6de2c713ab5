# SPDX-License-Identifier: Apache-2.0
"""Fills an account with orders of every status: real events through the room's own store and projections.

`python -m tests.support.many_orders DATABASE_URL_OR_DATA_DIR ACCOUNT_ID COUNT`, while the product is stopped or
running; the other rooms then catch up with all of it, which takes minutes for ten thousand orders. Issued certificates
are real, but of a throw-away CA, and nobody is asked to pay, prove or issue anything.
"""

from __future__ import annotations

import secrets
import sqlite3
import sys
from contextlib import closing
from datetime import timedelta
from functools import partial
from pathlib import Path

from services.orders.bootstrap import App, build
from services.orders.model.order import stream_of
from services.orders.projections.finding import next_number
from shared.clock import to_text
from shared.context import Context
from shared.contracts import orders as c
from shared.eventsourcing.event import Event
from shared.eventstore.migrations import upgrade
from shared.eventstore.unit_of_work import UnitOfWork
from shared.pki.certificate import parse_certificate
from shared.settings import Settings
from tests.support.order_builders import certificate_pem, csr

BATCH = 500
PRODUCTS = (("dv-single", "Single name DV", 4900), ("dv-wildcard", "Wildcard DV", 19900), ("ov-ucc", "UCC OV", 12900))
STEPS = ("awaiting_payment", "waiting_for_csr", "processing", "issued", "installed", "issued", "cancelled", "expired",
    "revoked", "topup")  # fmt: skip


def fill(target: str | Path, account_id: str, count: int) -> list[str]:
    """Appends `count` orders of one account and returns their ids. `target` is a PostgreSQL URL or a data folder."""
    url = str(target)
    settings = Settings(database_url=url) if "://" in url else Settings(data_dir=Path(target))
    app = build(settings)
    upgrade(app.room.database, app.room.projections)
    try:
        return fill_room(app, account_id, count)
    finally:
        app.room.database.close()


LISTENERS = ("accounts", "alerts", "billing", "ca", "dcv", "discovery", "installer")
_BEHIND = "name LIKE 'catch-up:orders:%'"


def listening(data_dir: Path) -> bool:
    """Whether every room that listens to orders has heard of one, so that `heard` finds its checkpoints."""
    return all(_one(data_dir, room, f"SELECT COUNT(*) FROM checkpoints WHERE {_BEHIND}") for room in LISTENERS)


def heard(data_dir: Path) -> None:
    """Puts all other rooms behind the orders' log, as if they had handled it: for pages of this room alone.

    Only while the product is stopped, and after it was `listening`.
    """
    head = _one(data_dir, "orders", "SELECT MAX(position) FROM events")
    for room in (*LISTENERS, "orders"):
        with closing(_open(data_dir, room)) as database, database:
            relay = " OR name = 'relay'" if room == "orders" else ""
            database.execute(f"UPDATE checkpoints SET position = ? WHERE {_BEHIND}{relay}", (head,))


def _open(data_dir: Path, room: str) -> sqlite3.Connection:
    return sqlite3.connect(data_dir / f"{room}.sqlite3", timeout=10)


def _one(data_dir: Path, room: str, statement: str) -> int:
    with closing(_open(data_dir, room)) as database:
        return int(database.execute(statement).fetchone()[0])


def fill_room(app: App, account_id: str, count: int) -> list[str]:
    """The same with a room that is open."""
    context = Context(actor="system:many_orders", account_id=account_id)
    made: list[str] = []
    for start in range(0, count, BATCH):
        made += app.room.execute(partial(_batch, start=start), min(BATCH, count - start), context)
    return made


def _batch(uow: UnitOfWork, size: int, *, start: int) -> list[str]:
    made = []
    for index in range(start, start + size):
        order_id = uow.new_id()
        uow.append(stream_of(order_id), *_story(uow, order_id, index))
        made.append(order_id)
    return made


def _story(uow: UnitOfWork, order_id: str, index: int) -> list[Event]:
    step = STEPS[index % len(STEPS)]
    account_id = uow.context.account_id or ""
    product, product_name, amount = PRODUCTS[index % len(PRODUCTS)]
    name = f"{'*.' if product == 'dv-wildcard' else ''}host-{index:05d}.example.com"
    names = [name, *([f"mail-{index:05d}.example.com"] if product == "ov-ucc" else [])]
    common = {"order_id": order_id, "number": next_number(uow.connection), "account_id": account_id, "currency": "USD"}
    if step == "topup":
        return [
            c.OrderPlaced(kind="topup", product="topup", product_name="Topup Funds", amount=50000, **common),
            c.OrderPaid(order_id=order_id, amount=50000, currency="USD", source="card"),
        ]
    placed = c.OrderPlaced(
        kind="certificate", product=product, product_name=product_name, amount=amount, validation_level="DV",
        common_name=name, names=names, term_years=1, dcv_method="http_csr_hash", **common,
    )  # fmt: skip
    if step == "awaiting_payment":
        return [placed]
    paid = c.OrderPaid(order_id=order_id, amount=amount, currency="USD", source="card")
    if step == "waiting_for_csr":
        return [placed, paid]
    if step == "cancelled":
        return [placed, c.OrderCancelled(order_id=order_id, account_id=account_id, refund=0, currency="USD")]
    request = csr(("www.example.com",))
    submitted = c.CSRSubmitted(
        order_id=order_id, account_id=account_id, csr_version=1, csr_pem=request.pem, md5=request.md5,
        spki_sha256=request.key.spki_sha256, sha256=request.sha256, unique_value=order_id.replace("-", ""),
        names=names, dcv_method="http_csr_hash",
    )  # fmt: skip
    facts: list[Event] = [placed, paid, submitted]
    if step == "processing":
        return facts
    issued = _issued(uow, order_id, account_id, names, index, over=step == "expired")
    facts.append(issued)
    if step == "installed":
        facts += _installed(uow, issued)
    elif step == "expired":
        facts.append(c.OrderExpired(order_id=order_id))
    elif step == "revoked":
        fact = {"order_id": order_id, "reason": "superseded"}
        facts.append(c.RevocationRequested(account_id=account_id, serials=[issued.serial], **fact))
        facts.append(c.CertRevoked(serial=issued.serial, revoked_at=to_text(uow.now), **fact))
    return facts


def _issued(
    uow: UnitOfWork, order_id: str, account_id: str, names: list[str], index: int, *, over: bool
) -> c.CertIssued:
    begins = (uow.now - timedelta(days=400 if over else index % 150, hours=1)).replace(microsecond=0)
    ends = begins + timedelta(days=199)
    serial = secrets.randbits(120) | 1 << 120
    # Past the cache of the builder: ten thousand certificates need not be kept.
    pem = certificate_pem.__wrapped__(tuple(names), 1, serial, begins, ends)
    found = parse_certificate(pem)
    return c.CertIssued(
        order_id=order_id, account_id=account_id, issuance_id=uow.new_id(), csr_version=1, serial=found.serial,
        fingerprint_sha256=found.sha256, spki_sha256=csr(("www.example.com",)).key.spki_sha256, names=names,
        not_before=to_text(begins), not_after=to_text(ends), issuer="CN=Test CA", certificate_pem=pem, chain_pem="",
    )  # fmt: skip


def _installed(uow: UnitOfWork, issued: c.CertIssued) -> list[Event]:
    where = {"installation_id": uow.new_id(), "server_id": uow.new_id(), "site_id": uow.new_id()}
    return [
        c.InstallationRequested(
            order_id=issued.order_id, account_id=issued.account_id, csr_version=1, serial=issued.serial,
            names=issued.names, spki_sha256=issued.spki_sha256, certificate_pem=issued.certificate_pem, chain_pem="",
            **where,
        ),
        c.CertInstalled(order_id=issued.order_id, served_serial=issued.serial, csr_version=1, **where),
    ]  # fmt: skip


if __name__ == "__main__":
    print(len(fill(sys.argv[1], sys.argv[2], int(sys.argv[3]))))
