# SPDX-License-Identifier: Apache-2.0
"""The CA without a broker: foreign events and jobs are called as the service calls them."""

import itertools
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from uuid import UUID

from services.ca import bootstrap, handlers
from services.ca.model.issuance import stream
from services.ca.projections import projections
from services.ca.settings import CASettings
from shared.clock import to_text
from shared.context import system
from shared.contracts import orders
from shared.eventsourcing.envelope import Envelope, Metadata
from shared.eventstore.migrations import upgrade
from shared.eventstore.rebuild import check
from shared.eventstore.verify import verify
from shared.settings import Settings
from tests.support import csr_builder


def schedule_question(uow, issuance_id):
    uow.schedule("renewal_info", issuance_id, {"issuance_id": issuance_id})


class SteppedClock:
    """A clock that stands until it is moved."""

    def __init__(self):
        self.moment = datetime(2026, 11, 23, 12, tzinfo=UTC)

    def now(self):
        return self.moment

    def forward(self, **delta):
        self.moment += timedelta(**delta)


class CountingIds:
    """UUIDs in a row."""

    def __init__(self):
        self._numbers = itertools.count(1)

    def new(self):
        return str(UUID(int=next(self._numbers)))


class CARoom:
    """A CA with helpers in the words of the tests."""

    def __init__(self, app, clock):
        self.app = app
        self.clock = clock
        self._numbers = itertools.count(1)

    def envelope(self, fact, *, event_id=None):
        at = to_text(self.clock.now())
        return Envelope(
            event_id=event_id or f"event-{next(self._numbers)}",
            stream="order-1",
            version=1,
            type=type(fact).TYPE,
            schema_version=1,
            occurred_at=at,
            recorded_at=at,
            data=fact,
            metadata=Metadata(account_id="acc-1"),
            hash="",
        )

    def request(self, **changes):
        names = changes.pop("names", ["example.com", "www.example.com"])
        number = changes.pop("number", 1)
        fields = {
            "order_id": f"order-{number}",
            "account_id": "acc-1",
            "issuance_id": f"issuance-{number}",
            "csr_version": 1,
            "csr_pem": changes.pop("csr_pem", None) or csr_builder.pem(names[0], names),
            "common_name": names[0],
            "names": names,
            "validation_level": "DV",
        }
        return orders.IssuanceRequested(**(fields | changes))

    def asked(self, request, *, event_id=None):
        """The event arrives; the job is not run yet."""
        handler = partial(handlers.on_issuance_requested, policy=self.app.policy)
        return self.app.room.react(handler, self.envelope(request, event_id=event_id), name="ca.on_issuance_requested")

    def work(self):
        return self.app.room.queue.run_due(self.app)

    def ask_now(self, issuance_id):
        """Has another CA asked for its renewal information, whenever that would be due."""
        self.app.room.execute(schedule_question, issuance_id, system("ca"))
        self.work()

    def waiting(self, kind):
        """The keys of the jobs of a kind that are still to be run."""
        with self.app.room.query() as connection:
            rows = connection.exec_driver_sql(f"SELECT key FROM jobs WHERE kind = '{kind}' ORDER BY key")
            return [key for (key,) in rows]

    def issue(self, **changes):
        request = self.request(**changes)
        self.asked(request)
        self.work()
        return self.facts(request.issuance_id)

    def facts(self, issuance_id="issuance-1"):
        return [each.data for each in self.app.room.events(stream(issuance_id))]

    def revoke(self, serials, *, order_id="order-1", account_id="acc-1", reason="superseded"):
        fact = orders.RevocationRequested(order_id=order_id, account_id=account_id, serials=serials, reason=reason)
        handler = handlers.on_revocation_requested
        self.app.room.react(handler, self.envelope(fact), name="ca.on_revocation_requested")


@contextmanager
def ca_room(folder, /, *, clock=None, ids=None, issuer=None, upstream=None, settings=None, caa=None, **own):
    """A CA in `folder`, or where `settings` say, with tables made by its migrations. Ends with its log and read model
    checked."""
    clock = clock or SteppedClock()
    settings = settings or Settings(data_dir=folder, public_url="http://certwright.test")
    parts = {"clock": clock, "ids": ids or CountingIds(), "issuer": issuer, "upstream": upstream, "caa": caa}
    app = bootstrap.build(settings, ca=CASettings(**own), **parts)
    try:
        upgrade(app.room.database, projections)
        yield CARoom(app, clock)
        assert check(app.room).differences == []
        assert verify(app.room.database).ok
    finally:
        app.room.database.close()
