# SPDX-License-Identifier: Apache-2.0
"""Who may see which order, and the reply that every command on one ends with."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from services.orders.model.order import Order, fold, stream_of
from services.orders.model.view import order_view
from shared.context import Context
from shared.contracts.orders import OrderView
from shared.errors import not_found
from shared.eventsourcing.envelope import Envelope
from shared.eventsourcing.event import Event
from shared.eventstore.streams import Loaded
from shared.eventstore.unit_of_work import UnitOfWork


def visible(order: Order, context: Context) -> bool:
    """Whether this order exists for who asks: their own, or any for an operator."""
    return bool(order.order_id) and (context.operator or order.account_id == context.account_id)


def load(uow: UnitOfWork, order_id: str) -> Loaded[Order]:
    """The order for a command. Raises not_found, also for another account's."""
    loaded = uow.load(stream_of(order_id), fold)
    if not visible(loaded.state, uow.context):
        raise not_found("order")
    return loaded


def load_for_reaction(uow: UnitOfWork, order_id: str) -> Loaded[Order]:
    """The order that another room speaks of. Raises not_found when there is none: somebody must look at that."""
    loaded = uow.load(stream_of(order_id), fold)
    if not loaded.state.order_id:
        raise not_found("order")
    return loaded


def append(uow: UnitOfWork, loaded: Loaded[Order], events: Sequence[Event]) -> OrderView:
    """Appends what was decided and shows the order as it is then."""
    if events:
        uow.append(loaded, *events)
    return order_view(uow.events(loaded.stream), uow.now, operator=uow.context.operator)


def show(envelopes: list[Envelope[Any]], context: Context, now: datetime) -> OrderView:
    """The view of an order for who asks. Raises not_found, also for another account's."""
    if not envelopes or not visible(fold([envelopes[0].data]), context):
        raise not_found("order")
    return order_view(envelopes, now, operator=context.operator)
