# SPDX-License-Identifier: Apache-2.0
"""Validation's room with a clock, an outbox and answers that tests set."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial

from services.dcv import bootstrap
from services.dcv.handlers import challenges, views
from services.dcv.model import authorization as model
from services.dcv.model.judging import Outcome
from services.dcv.settings import DCVSettings
from shared.clock import RandomIds, derived_id, to_text
from shared.context import Context
from shared.contracts.dcv import CheckDCV, ChooseMethod, ListAuthorizations
from shared.contracts.orders import CSRSubmitted
from shared.eventsourcing.envelope import Envelope, Metadata
from shared.settings import Settings

ACCOUNT = "a0000000-0000-4000-8000-000000000001"
CUSTOMER = Context(actor="user:u", account_id=ACCOUNT, permissions=frozenset({"view", "create_order"}))
OTHER = Context(actor="user:v", account_id="other", permissions=frozenset({"view", "create_order"}))


class MovedClock:
    def __init__(self, at):
        self.at = at

    def now(self):
        return self.at


class ScriptedLookup:
    def __init__(self):
        self.outcome = Outcome(passed=True, evidence={})
        self.asked = []

    def look(self, target):
        self.asked.append(target)
        return self.outcome


class Outbox:
    def __init__(self):
        self.mails = []

    def send(self, mail, at):
        self.mails.append(mail)


class World:
    def __init__(self, tmp_path):
        self.clock = MovedClock(datetime(2026, 11, 23, 12, tzinfo=UTC))
        self.lookup = ScriptedLookup()
        self.outbox = Outbox()
        self.app = bootstrap.build(
            Settings(data_dir=tmp_path), dcv=DCVSettings(), clock=self.clock, lookup=self.lookup, mailer=self.outbox
        )
        self.room = self.app.room
        self.room.database.create_all(self.room.projections.metadata, self.room.projections.state)

    def react(self, handler, data, name):
        at = to_text(self.clock.now())
        envelope = Envelope(
            event_id=RandomIds().new(),
            stream="order-1",
            version=1,
            type=data.TYPE,
            schema_version=1,
            occurred_at=at,
            recorded_at=at,
            data=data,
            metadata=Metadata(account_id=ACCOUNT),
            hash="",
        )
        self.room.react(handler, envelope, name=name)
        return envelope

    def csr(self, *names, order="order-1", version=1, method="http_csr_hash"):
        data = CSRSubmitted(
            order_id=order,
            account_id=ACCOUNT,
            csr_version=version,
            csr_pem="",
            spki_sha256="",
            md5=f"{version:032X}",
            sha256=f"{version:064x}",
            unique_value=f"u{version}",
            names=list(names),
            dcv_method=method,
        )
        handler = partial(challenges.on_csr_submitted, settings=self.app.own)
        return self.react(handler, data, "dcv.on_csr_submitted")

    def execute(self, handler, request, context=CUSTOMER, **ports):
        return self.room.execute(lambda uow, cmd: handler(uow, cmd, **ports), request, context)

    def choose(self, name, method, email="", order="order-1"):
        request = ChooseMethod(order_id=order, fqdn=name, method=method, email=email)
        return self.execute(challenges.choose_method, request, settings=self.app.own, mint=self.app.mint)

    def check(self, name, context=CUSTOMER, order="order-1"):
        return self.execute(challenges.check, CheckDCV(order_id=order, fqdn=name), context, settings=self.app.own)

    def list(self, context=CUSTOMER, order="order-1"):
        return views.list_authorizations(self.room, self.app.own, ListAuthorizations(order_id=order), context).items

    def events(self, name, kind):
        found = self.room.events(model.stream_of(derived_id("authorization", ACCOUNT, name)))
        return [each.data for each in found if isinstance(each.data, kind)]

    def run_jobs(self):
        self.room.queue.run_due(self.app)
