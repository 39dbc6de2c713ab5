# SPDX-License-Identifier: Apache-2.0
"""An accounts room with a fast hasher, and the people who sign up in it."""

from __future__ import annotations

import hashlib

import sqlalchemy as sa

from services.accounts import bootstrap
from services.accounts.handlers import sign_in, sign_up
from services.accounts.settings import AccountsSettings
from shared.context import Context
from shared.contracts import accounts as c
from shared.eventstore.database import Database
from shared.settings import Settings
from tests.support.rooms import CountingIds, StandingClock, with_tables

PASSWORD = "correct-Horse-7"
ADDRESS = "192.0.2.7"


class QuickPasswords:
    """A hash without the cost, that counts how often it was asked."""

    def __init__(self):
        self.verified = 0

    def hash(self, password):
        return "quick$" + hashlib.sha256(password.encode()).hexdigest()

    def verify(self, hashed, password):
        self.verified += 1
        return hashed == self.hash(password)

    def outdated(self, hashed):
        return not hashed.startswith("quick$")


class CountingChance:
    """Tokens that are different each time and known in tests by their canary."""

    CANARY = "canary"

    def __init__(self):
        self.count = 0

    def token(self):
        self.count += 1
        return f"{self.count:08}-{self.CANARY}-token-0123456789"

    def base32(self, characters):
        self.count += 1
        letters = f"{self.count:06}".translate(str.maketrans("0123456789", "ABCDEFGHIJ"))
        return (letters * 6)[:characters]


class House:
    """One accounts room."""

    def __init__(self, folder, database=None, provider=None, **settings):
        self.clock = StandingClock()
        self.database = database or Database.memory("accounts")
        self.passwords = QuickPasswords()
        self.chance = CountingChance()
        self.app = with_tables(
            bootstrap.build(
                Settings(data_dir=folder, public_url="https://certwright.example/"),
                own=AccountsSettings(**settings),
                clock=self.clock,
                ids=CountingIds(),
                database=self.database,
                passwords=self.passwords,
                chance=self.chance,
                provider=provider(self.clock) if provider else None,
            )
        )
        self.room = self.app.room

    def sign_up(self, login="nora", *, command_id=None, **changes):
        return sign_up.sign_up(self.app, sign_up_request(login, **changes), Context(command_id=command_id))

    def sign_in(self, login="nora", password=PASSWORD, **more):
        more.setdefault("remote_address", ADDRESS)
        return sign_in.sign_in(self.app, c.SignIn(login=login, password=password, **more), Context())

    def identity(self, *, session="", token=""):
        return sign_in.authenticate(self.app, c.Authenticate(session_token=session, api_token=token))

    def context(self, session, *, command_id=None):
        """The context that the gateway makes of a session token."""
        return self.context_of(self.identity(session=session), command_id=command_id)

    def context_of(self, found, *, command_id=None):
        return Context(
            actor=found.actor,
            account_id=found.account_id,
            permissions=frozenset(found.permissions),
            command_id=command_id,
        )

    def member(self, login="nora"):
        """Signs up and in; (what the sign-up said, the session token, the context)."""
        done = self.sign_up(login)
        session = self.sign_in(login, order_number=str(done.order_number)).session_token
        return done, session, self.context(session)

    def do(self, handler, request, context):
        return self.room.execute(handler, request, context)

    def everything_stored(self):
        """All rows of all tables as one text."""
        with self.database.read() as connection:
            names = sa.inspect(connection).get_table_names()
            assert {"users", "events", "commands", "sessions"} <= set(names)
            return "\n".join(str(row) for name in names for row in connection.exec_driver_sql(f"SELECT * FROM {name}"))


def company(**changes):
    fields = {
        "name": "Blumen Winter GmbH",
        "address1": "Gartenstrasse 7",
        "postcode": "10115",
        "country": "DE",
        "state": "Berlin",
        "city": "Berlin",
    }
    return c.Company(**{**fields, **changes})


def contact(**changes):
    fields = {
        "title": "Ms",
        "first_name": "Nora",
        "last_name": "Winter",
        "email": "nora@blumen-winter.example",
        "telephone": "+49301234567",
    }
    return c.Contact(**{**fields, **changes})


def sign_up_request(login="nora", **changes):
    fields = {
        "company": company(),
        "contact": contact(),
        "login": login,
        "password": PASSWORD,
        "accepted_agreements": ["eula", "subscriber"],
        "remote_address": ADDRESS,
    }
    return c.SignUp(**{**fields, **changes})
