# SPDX-License-Identifier: Apache-2.0
"""An event belongs to the account of who acts, or else of what is acted on."""

from __future__ import annotations

import pytest

from services.orders.model.order import fold
from shared.clock import RandomIds, SystemClock
from shared.context import Context
from shared.contracts.orders import OrderPlaced, OrganizationValidated
from shared.eventstore.database import Database
from shared.eventstore.projections import Projections
from shared.eventstore.room import Room

PLACED = OrderPlaced(
    order_id="o",
    number=1,
    account_id="acme",
    kind="certificate",
    product="p",
    product_name="P",
    amount=1,
    currency="USD",
)


@pytest.mark.parametrize("context", [Context(actor="user:u", account_id="acme"), Context(actor="system:x"), Context()])
def test_the_account_of_an_event_does_not_depend_on_who_acted(context):
    room = Room("scratch", Database.memory(), Projections(), clock=SystemClock(), ids=RandomIds())
    room.database.create_all()

    def place(uow, _):
        uow.append("order-o", PLACED)

    def vouch(uow, _):
        uow.append(uow.load("order-o", fold), OrganizationValidated(order_id="o", by="user:operator"))

    room.execute(place, None, context)
    room.execute(vouch, None, context)
    assert [each.metadata.account_id for each in room.events("order-o")] == ["acme", "acme"]
    room.database.close()
