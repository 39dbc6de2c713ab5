# SPDX-License-Identifier: Apache-2.0
"""Before credentials change, their owner gives the password again."""

from __future__ import annotations

from services.accounts.handlers import guessing
from services.accounts.handlers.access import own_user, secretly
from services.accounts.handlers.app import App
from services.accounts.model import throttle
from services.accounts.tables import people
from shared.context import Context
from shared.errors import invalid


def with_password(app: App, password: str, context: Context) -> people.User:
    """The user, after the password was given again. Wrong ones count like failed sign-ins."""
    with app.room.query() as connection:
        user = own_user(connection, context)
        keys = throttle.keys_of("sign-in", user.login, "", app.settings.failures_per_address)
        guessing.refuse_if_blocked(connection, keys, app.room.clock.now())
    if not app.passwords.verify(user.password_hash, password):
        app.room.execute(guessing.record, keys, secretly(context))
        raise invalid("The present password is wrong.", "/current_password")
    return user
