# SPDX-License-Identifier: Apache-2.0
"""What the event store benches write: one order of 12 events, about 4 KB of JSON, for us and for the peer alike."""

from __future__ import annotations

from typing import Any

import msgspec
from eventsourcing.application import Application
from eventsourcing.domain import Aggregate
from eventsourcing.domain import event as peer_event

from shared.clock import RandomIds
from shared.eventsourcing.event import Event, event
from shared.eventsourcing.fold import Fold

new_id = RandomIds().new
PEM = "MIICijCCAXICAQAwRTELMAkGA1UEBhMCQVUxEzARBgNVBAgMClNvbWUtU3RhdGUx" * 9
NOTE = "The quick brown fox jumps over the lazy dog. " * 4


@event("bench.Placed")
class Placed(Event):
    """The order exists."""

    account_id: str
    product: str
    names: list[str]
    note: str


@event("bench.Paid")
class Paid(Event):
    """It is paid."""

    amount: int
    currency: str
    reference: str


@event("bench.Submitted")
class Submitted(Event):
    """It has a request."""

    pem: str
    key: str


@event("bench.Authorized")
class Authorized(Event):
    """One name is validated."""

    fqdn: str
    method: str
    evidence: str


@event("bench.Issued")
class Issued(Event):
    """It has a certificate."""

    serial: str
    pem: str
    not_after: str


@event("bench.Installed")
class Installed(Event):
    """The certificate is in use."""

    serial: str
    host: str


class State(msgspec.Struct):
    """What the events fold to."""

    status: str = ""
    names: list[str] = []
    authorized: frozenset[str] = frozenset()
    serial: str = ""
    hosts: tuple[str, ...] = ()


order: Fold[State] = Fold(State)


@order.on(Placed)
def _placed(state: State, fact: Placed) -> State:
    return State(status="placed", names=fact.names)


@order.on(Paid)
def _paid(state: State, fact: Paid) -> State:
    return msgspec.structs.replace(state, status="paid")


@order.on(Submitted)
def _submitted(state: State, fact: Submitted) -> State:
    return msgspec.structs.replace(state, status="processing")


@order.on(Authorized)
def _authorized(state: State, fact: Authorized) -> State:
    return msgspec.structs.replace(state, authorized=state.authorized | {fact.fqdn})


@order.on(Issued)
def _issued(state: State, fact: Issued) -> State:
    return msgspec.structs.replace(state, status="issued", serial=fact.serial)


@order.on(Installed)
def _installed(state: State, fact: Installed) -> State:
    return msgspec.structs.replace(state, status="installed", hosts=(*state.hosts, fact.host))


def three() -> tuple[Event, ...]:
    """What one command appends in the append benches."""
    return (
        Placed(account_id=new_id(), product="multi-domain", names=["www.example.com", "example.com"], note=NOTE),
        Paid(amount=12500, currency="USD", reference=NOTE),
        Submitted(pem=PEM, key="ec-p256"),
    )


def twelve() -> tuple[Event, ...]:
    """A whole order."""
    names = [f"{host}.example.com" for host in ("www", "shop", "mail", "api", "cdn")]
    return (
        Placed(account_id=new_id(), product="multi-domain", names=names, note=NOTE),
        Paid(amount=12500, currency="USD", reference=NOTE),
        Submitted(pem=PEM, key="ec-p256"),
        *(Authorized(fqdn=name, method="http_csr_hash", evidence=NOTE) for name in names),
        Issued(serial="0A" * 16, pem=PEM, not_after="2027-06-01T00:00:00Z"),
        *(Installed(serial="0A" * 16, host=host) for host in ("one", "two", "three")),
    )


class Order(Aggregate):
    """The same order as an aggregate of the eventsourcing library, in its own idiom."""

    @peer_event("Placed")
    def __init__(self, account_id: str, product: str, names: list[str], note: str) -> None:
        self.status = "placed"
        self.names = names
        self.authorized: list[str] = []
        self.hosts: list[str] = []

    @peer_event("Paid")
    def pay(self, amount: int, currency: str, reference: str) -> None:
        """It is paid."""
        self.status = "paid"

    @peer_event("Submitted")
    def submit(self, pem: str, key: str) -> None:
        """It has a request."""
        self.status = "processing"

    @peer_event("Authorized")
    def authorize(self, fqdn: str, method: str, evidence: str) -> None:
        """One name is validated."""
        self.authorized.append(fqdn)

    @peer_event("Issued")
    def issue(self, serial: str, pem: str, not_after: str) -> None:
        """It has a certificate."""
        self.status = "issued"
        self.serial = serial

    @peer_event("Installed")
    def install(self, serial: str, host: str) -> None:
        """The certificate is in use."""
        self.status = "installed"
        self.hosts.append(host)


STEPS = {
    Paid: Order.pay,
    Submitted: Order.submit,
    Authorized: Order.authorize,
    Issued: Order.issue,
    Installed: Order.install,
}


def peer_order(facts: tuple[Event, ...]) -> Order:
    """The facts as an aggregate that waits to be saved."""
    first, *others = facts
    aggregate = Order(**_fields(first))
    for fact in others:
        STEPS[type(fact)](aggregate, **_fields(fact))
    return aggregate


def _fields(fact: Event) -> dict[str, Any]:
    return {name: getattr(fact, name) for name in fact.__struct_fields__}


def peer_application(database: str) -> Application:
    """The peer on SQLite (a path) or PostgreSQL (a URL), as its documentation sets it up."""
    if not database.startswith("postgresql://"):
        return Application(env={"PERSISTENCE_MODULE": "eventsourcing.sqlite", "SQLITE_DBNAME": database})
    user, _, rest = database.removeprefix("postgresql://").partition("@")
    address, _, name = rest.partition("/")
    host, _, port = address.partition(":")
    return Application(
        env={
            "PERSISTENCE_MODULE": "eventsourcing.postgres",
            "POSTGRES_DBNAME": name,
            "POSTGRES_HOST": host,
            "POSTGRES_PORT": port,
            "POSTGRES_USER": user,
            "POSTGRES_PASSWORD": "trust",
        }
    )
