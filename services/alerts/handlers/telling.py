# SPDX-License-Identifier: Apache-2.0
"""Alerts on their way over channels: at once, or collected once a day; tried again until given up."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from typing import Any, Protocol

from services.alerts.model import channels as model
from services.alerts.model import installation_failing, proof_missing, site_drift
from services.alerts.model.expiry import stream
from services.alerts.model.letter import (
    Letter,
    digest_letter,
    expiry_letter,
    installation_failing_letter,
    low_balance_letter,
    proof_missing_letter,
    site_drift_letter,
)
from services.alerts.model.low_balance import KIND
from services.alerts.ports import Hooks, Outcome
from services.alerts.projections import channels as store
from services.alerts.projections import watching
from shared.clock import from_text, to_text
from shared.context import system
from shared.contracts.alerts import AlertView, NotificationSent
from shared.eventstore.room import Room
from shared.eventstore.unit_of_work import UnitOfWork
from shared.mail.message import Mail, Mailer, MailError
from shared.sealing import Sealer
from shared.settings import Settings

DAY = timedelta(days=1)
JOB = "deliver"


class TellingApp(Protocol):
    """What deliveries need of the service."""

    room: Room
    settings: Settings
    hooks: Hooks
    sealer: Sealer
    mailer: Mailer


def letter_of(row: Any, at: str, url: str) -> Letter:
    """The mail about one alert."""
    if row.kind == KIND:
        return low_balance_letter(row.text, url=url)
    if row.kind == proof_missing.KIND:
        return proof_missing_letter(row.text, row.order_id, url=url)
    if row.kind == installation_failing.KIND:
        return installation_failing_letter(row.text, row.order_id, url=url)
    if row.kind == site_drift.KIND:
        return site_drift_letter(row.text, row.order_id or "", url=url)
    return expiry_letter(row.names, row.serial, row.not_after, own=row.own, now=from_text(at), url=url)


def tell(uow: UnitOfWork, alert: Any, number: int) -> None:
    """Leaves a delivery for each channel that wants to know at once."""
    for channel in store.channels_of(uow.connection, alert.account_id):
        if channel.enabled and channel.digest == "single" and alert.kind in channel.alerts:
            key = f"{channel.channel_id}-{alert.alert_id}-{number}"
            said = {"channel_id": channel.channel_id, "alert_id": alert.alert_id, "number": number}
            uow.schedule(JOB, key, {**said, "key": key, "at": to_text(uow.now), "attempt": 1})


def days_over(room: Room) -> Sequence[str]:
    """Channels whose daily message is due."""
    with room.query() as connection:
        return store.digests_before(connection, to_text(room.clock.now() - DAY))


def collect(uow: UnitOfWork, channel_id: str) -> None:
    """Begins a new day of a channel and leaves the message about the one before."""
    channel = store.find_channel(uow.connection, channel_id)
    if channel is None or from_text(channel.digest_at) + DAY > uow.now:
        return
    now = to_text(uow.now)
    store.keep_channel(uow.connection, channel_id, digest_at=now)
    key = f"{channel_id}-digest-{now}"
    uow.schedule(JOB, key, {"channel_id": channel_id, "since": channel.digest_at, "key": key, "at": now, "attempt": 1})


def deliver(app: TellingApp, payload: dict[str, Any]) -> None:
    """One try. A receiver's failure is no failure of the job: it is taken down, and the next try is a new job."""
    with app.room.query() as connection:
        channel = store.find_channel(connection, payload["channel_id"])
        if channel is None or not channel.enabled:
            return
        message = (
            _digest(app, connection, channel, payload) if "since" in payload else _single(app, connection, payload)
        )
    if message is None:
        return
    outcome = push(app, channel, payload["key"], *message)
    handler = partial(take_down, outcome=outcome, payload=payload)
    app.room.execute(handler, channel.channel_id, system("alerts", account_id=channel.account_id))


def push(app: TellingApp, channel: Any, key: str, body: bytes, letter: Letter) -> Outcome:
    """Sends a message over a channel; its key makes the receiver know it when it comes twice."""
    target = app.sealer.open(channel.target_sealed, channel.channel_id)
    now = app.room.clock.now()
    if channel.kind == "webhook":
        secret = app.sealer.open(channel.secret_sealed, channel.channel_id)
        return app.hooks.send(target, secret, f"msg_{key}", body, int(now.timestamp()))
    try:
        app.mailer.send(Mail(to=target, subject=letter.headline, text=letter.text, key=f"channel-{key}"), now)
    except (MailError, OSError) as error:
        return Outcome(delivered=False, detail=f"The mail server did not take it: {error}"[:300])
    return Outcome(delivered=True, detail="The mail server took it.")


def take_down(uow: UnitOfWork, channel_id: str, *, outcome: Outcome, payload: dict[str, Any] | None = None) -> None:
    """The result of a try, and when the next one is. Tests have no payload: they are not repeated."""
    channel = store.find_channel(uow.connection, channel_id)
    if channel is None:
        return
    detail = outcome.detail
    if payload is not None and not outcome.delivered:
        attempt = payload["attempt"]
        if attempt <= len(model.BACKOFF_S):
            at = uow.now + timedelta(seconds=model.BACKOFF_S[attempt - 1])
            uow.schedule(JOB, payload["key"], {**payload, "attempt": attempt + 1}, at=at)
            detail = f"{detail} Try {attempt}; the next one is at {to_text(at)[:16].replace('T', ' ')} UTC."
        else:
            detail = f"{detail} Given up after {attempt} tries."
    result = "delivered" if outcome.delivered else "failed"
    store.keep_channel(uow.connection, channel_id, last_at=to_text(uow.now), last_result=result, last_detail=detail)
    if payload is not None and outcome.delivered and "alert_id" in payload:
        alert_id = payload["alert_id"]
        fact = NotificationSent(alert_id=alert_id, account_id=channel.account_id, channel=channel.kind)
        uow.append_anywhere(stream(alert_id), fact)


def _single(app: TellingApp, connection: Any, payload: dict[str, Any]) -> tuple[bytes, Letter] | None:
    row = watching.find_alert(connection, payload["alert_id"])
    if row is None or row.state == "resolved" or row.muted:
        return None
    view = watching.alert_view(row, app.room.clock.now())
    return model.alert_body(view, payload["at"], payload["number"]), letter_of(
        row, payload["at"], app.settings.public_url
    )


def _digest(app: TellingApp, connection: Any, channel: Any, payload: dict[str, Any]) -> tuple[bytes, Letter] | None:
    rows, _ = watching.list_alerts(connection, channel.account_id, state="open", limit=model.MOST_ALERTS, after=None)
    open_ = [row for row in rows if not row.muted and row.kind in channel.alerts]
    since, until = payload["since"], payload["at"]
    new = {row.alert_id for row in open_ if since <= max(row.raised_at, row.last_notified_at or "") < until}
    if not new:
        return None
    views: list[AlertView] = [watching.alert_view(row, app.room.clock.now()) for row in open_]
    letter = digest_letter(views, new, url=app.settings.public_url)
    return model.digest_body(views, new, payload["at"]), letter
