# SPDX-License-Identifier: Apache-2.0
"""Channels of an account: made, changed, tested, removed."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Collection
from functools import partial
from typing import Any, Protocol

import msgspec

from services.alerts.handlers.telling import push, take_down
from services.alerts.model import channels as model
from services.alerts.model.letter import test_letter
from services.alerts.ports import Hooks
from services.alerts.projections import channels as store
from shared.clock import to_text
from shared.context import Context
from shared.contracts import alert_channels as c
from shared.contracts.alerts import ChannelChanged, ChannelMade, ChannelRemoved
from shared.contracts.base import Done, Page
from shared.contracts.tenancy import account_of
from shared.egress.target import TargetRefusedError, read_url
from shared.errors import Code, ServiceError, invalid, not_found
from shared.eventstore.room import Room
from shared.eventstore.unit_of_work import UnitOfWork
from shared.mail.message import Mailer, MailRefusedError, check_address
from shared.sealing import Sealer
from shared.settings import Settings


class ChannelApp(Protocol):
    """What channels need of the service."""

    room: Room
    settings: Settings
    hooks: Hooks
    sealer: Sealer
    mailer: Mailer


def list_channels(room: Room, context: Context) -> Page[c.ChannelView]:
    """All of the account: there are few."""
    with room.query() as connection:
        items = [store.channel_view(row) for row in store.channels_of(connection, account_of(context))]
    return Page(items=items, total=len(items))


def make_channel(app: ChannelApp, request: c.MakeChannel, context: Context) -> c.NewChannel:
    """The secret is stored sealed and not in the reply, so that a repeated command can only say that it was made.

    Errors: invalid, action_not_allowed (too many), conflict.
    """
    kind = model.check_kind(request.kind)
    target = check_target(kind, request.target, app.hooks.schemes)
    secret = f"whsec_{base64.b64encode(secrets.token_bytes(32)).decode()}" if kind == "webhook" else ""
    made: list[str] = []

    def make(uow: UnitOfWork, asked: c.MakeChannel) -> c.NewChannel:
        account_id, channel_id, now = account_of(uow.context), uow.new_id(), to_text(uow.now)
        uow.lock(f"channels-{account_id}")
        model.check_room(len(store.channels_of(uow.connection, account_id)), "channels")
        values = {
            "channel_id": channel_id,
            "account_id": account_id,
            "kind": kind,
            "name": model.check_name(asked.name),
            "shown_target": model.shown_target(kind, target),
            "target_sealed": app.sealer.seal(target, channel_id),
            "secret_sealed": app.sealer.seal(secret, channel_id) if secret else "",
            "enabled": True,
            "digest": model.check_digest(asked.digest),
            "alerts": model.check_about(asked.alerts or list(model.ABOUT)),
            "created_at": now,
            "digest_at": now,
            "last_result": "",
            "last_detail": "",
        }
        store.add_channel(uow.connection, values)
        fact = ChannelMade(channel_id=channel_id, account_id=account_id, kind=kind)
        uow.append_anywhere(model.channel_stream(channel_id), fact)
        made.append(channel_id)
        return c.NewChannel(channel=store.channel_view(_own(uow, channel_id)))

    reply = app.room.execute(make, request, context)
    if reply.channel.channel_id not in made:
        said = "This channel was made by the same request before, and its secret was shown then."
        raise ServiceError(Code.CONFLICT, said, extra={"channel_id": reply.channel.channel_id})
    return msgspec.structs.replace(reply, secret=secret)


def change_channel(app: ChannelApp, request: c.ChangeChannel, context: Context) -> c.ChannelView:
    """Errors: not_found, invalid."""
    return app.room.execute(partial(_change, app=app), request, context)


def _change(uow: UnitOfWork, request: c.ChangeChannel, *, app: ChannelApp) -> c.ChannelView:
    row = _own(uow, request.channel_id)
    values: dict[str, Any] = {}
    if request.name is not None:
        values["name"] = model.check_name(request.name)
    if request.target is not None:
        target = check_target(row.kind, request.target, app.hooks.schemes)
        values["shown_target"] = model.shown_target(row.kind, target)
        values["target_sealed"] = app.sealer.seal(target, row.channel_id)
    if request.enabled is not None:
        values["enabled"] = request.enabled
    if request.digest is not None:
        values["digest"] = model.check_digest(request.digest)
    if request.alerts is not None:
        values["alerts"] = model.check_about(request.alerts)
    if request.enabled or (values.get("digest") == "daily" and row.digest != "daily"):
        values["digest_at"] = to_text(uow.now)  # what happened before is not told afterwards
    if values:
        store.keep_channel(uow.connection, row.channel_id, **values)
        fact = ChannelChanged(channel_id=row.channel_id, account_id=row.account_id)
        uow.append_anywhere(model.channel_stream(row.channel_id), fact)
    return store.channel_view(_own(uow, row.channel_id))


def remove_channel(uow: UnitOfWork, request: c.RemoveChannel) -> Done:
    """Errors: not_found."""
    row = _own(uow, request.channel_id)
    store.remove_channel(uow.connection, row.channel_id)
    fact = ChannelRemoved(channel_id=row.channel_id, account_id=row.account_id)
    uow.append_anywhere(model.channel_stream(row.channel_id), fact)
    return Done(id=row.channel_id)


def test_channel(app: ChannelApp, request: c.TestChannel, context: Context) -> c.ChannelTest:
    """Sends now and outside of any transaction; the same command sent twice sends one message twice.

    Errors: not_found.
    """
    with app.room.query() as connection:
        row = store.find_channel(connection, request.channel_id)
    if row is None or row.account_id != account_of(context):
        raise not_found("channel")
    now = app.room.clock.now()
    key = f"test-{context.command_id or app.room.ids.new()}"
    outcome = push(app, row, key, model.test_body(to_text(now)), test_letter(app.settings.public_url))
    quiet = msgspec.structs.replace(context, command_id=None)
    app.room.execute(partial(take_down, outcome=outcome), row.channel_id, quiet)
    return c.ChannelTest(delivered=outcome.delivered, detail=outcome.detail)


def _own(uow: UnitOfWork, channel_id: str) -> Any:
    row = store.find_channel(uow.connection, channel_id)
    if row is None or row.account_id != account_of(uow.context):
        raise not_found("channel")
    return row


def check_target(kind: str, target: str, schemes: Collection[str]) -> str:
    """The address or URL as it is kept. Raises ServiceError `invalid`."""
    target = target.strip()
    try:
        if kind == "email":
            check_address(target)
            return target
        return read_url(target, schemes=schemes, ports=None).url
    except MailRefusedError as error:
        raise invalid(str(error), "/target") from None
    except TargetRefusedError as error:
        raise invalid(error.detail, "/target") from None
