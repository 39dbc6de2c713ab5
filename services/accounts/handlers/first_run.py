# SPDX-License-Identifier: Apache-2.0
"""The first operator: a one-time link in the log and in a file; nothing to be guessed, no default password."""

from __future__ import annotations

import hmac
import logging
import os
from datetime import datetime, timedelta
from typing import Any

from services.accounts.handlers.access import hash_of
from services.accounts.handlers.app import App
from services.accounts.tables import guessing, people
from shared.clock import from_text, to_text
from shared.context import system
from shared.errors import Code, ServiceError
from shared.eventstore.unit_of_work import UnitOfWork

_log = logging.getLogger(__name__)


def announce(app: App) -> str | None:
    """While nobody operates this installation: a new link, logged once and written to a file; None otherwise.

    The link's secret stands behind `#`, so that no browser sends it in a request line and no proxy logs it.
    """
    token = app.chance.token()
    if not app.room.execute(_renew, (hash_of(token), app.settings.first_run_hours), system("accounts")):
        app.first_run_file.unlink(missing_ok=True)
        return None
    link = f"{app.public_url.rstrip('/')}/first-run#token={token}"
    app.first_run_file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    app.first_run_file.unlink(missing_ok=True)
    handle = os.open(app.first_run_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(link + "\n")
    _log.warning(
        "Nobody operates this installation yet. Open this link within %g hours to become its operator: %s",
        app.settings.first_run_hours,
        link,
    )
    return link


def expired(app: App) -> bool:
    """Whether an unclaimed link has run out, so that a new one is due."""
    with app.room.query() as connection:
        known = guessing.first_run_of(connection)
        claimed = people.operator_exists(connection)
    return not claimed and (known is None or from_text(known[1]) <= app.room.clock.now())


def check(connection: Any, token_hash: str, now: datetime) -> None:
    """Raises unauthenticated when the link is wrong, used, or too old. 256 random bits need no waiting times."""
    known = guessing.first_run_of(connection)
    right = known is not None and hmac.compare_digest(known[0], token_hash) and from_text(known[1]) > now
    if not right or people.operator_exists(connection):
        raise ServiceError(
            Code.UNAUTHENTICATED,
            "This link is wrong, too old, or was used. Restart Certwright for a new one, if there is no operator yet.",
        )


def _renew(uow: UnitOfWork, link: tuple[str, float]) -> bool:
    token_hash, hours = link
    if people.operator_exists(uow.connection):
        return False
    guessing.set_first_run(uow.connection, token_hash, to_text(uow.now + timedelta(hours=hours)))
    return True
