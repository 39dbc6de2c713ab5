# SPDX-License-Identifier: Apache-2.0
"""Puts the room together from settings; tests put in their own clock, ids, database and a fast hasher."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from services.accounts.adapters.mailboxes import TIMEOUT_S, AnyMailboxes, DNSMailboxes
from services.accounts.adapters.openid import OpenIDProvider
from services.accounts.adapters.passkeys import WebAuthn
from services.accounts.adapters.secrets import Argon2Passwords, SystemChance
from services.accounts.handlers import first_run
from services.accounts.handlers.app import App
from services.accounts.ports import Chance, Mailboxes, Passwords, Provider
from services.accounts.projections import projections
from services.accounts.settings import AccountsSettings
from shared.clock import Clock, Ids, RandomIds, SystemClock
from shared.egress.guard import open_egress
from shared.egress.resolver import DNSResolver
from shared.egress.settings import EgressSettings
from shared.eventstore.database import Database
from shared.eventstore.room import Room
from shared.sealing import FileSealer
from shared.settings import Settings


class RunningApp(App):
    """The room as a running service has it."""

    def start(self) -> None:
        """Called by the runner once the tables are there: announces the first run while there is no operator."""
        first_run.announce(self)


def build(
    settings: Settings,
    *,
    own: AccountsSettings | None = None,
    clock: Clock | None = None,
    ids: Ids | None = None,
    database: Database | None = None,
    passwords: Passwords | None = None,
    chance: Chance | None = None,
    mailboxes: Mailboxes | None = None,
    provider: Provider | None = None,
    run: Callable[..., Any] | None = None,
) -> RunningApp:
    """Opens the database and returns the room.

    `run(function, *arguments)` is where hashing is done; the service gives a thread pool, so that it serves meanwhile.
    """
    own = own or AccountsSettings()
    database = database or Database.open("accounts", settings)
    room = Room("accounts", database, projections, clock=clock or SystemClock(), ids=ids or RandomIds())
    hashing: dict[str, Any] = {"memory_kib": own.argon2_memory_kib, "passes": own.argon2_passes}
    if run is not None:
        hashing["run"] = run
    sealer = FileSealer(own.secret_key_file or settings.data_dir / "accounts.key")
    _ = sealer.cipher  # a wrong key is told at the start, not at somebody's sign-in
    return RunningApp(
        room=room,
        settings=own,
        passwords=passwords or Argon2Passwords(**hashing),
        sealer=sealer,
        chance=chance or SystemChance(),
        authenticators=WebAuthn(),
        mailboxes=mailboxes or _mailboxes(own),
        provider=provider or _provider(own, room.clock),
        public_url=settings.public_url,
        first_run_file=settings.data_dir / "first-run-link",
    )


def _mailboxes(own: AccountsSettings) -> Mailboxes:
    egress = EgressSettings()
    if own.mail_lookup == "off" or (own.mail_lookup == "auto" and not egress.nameservers):
        return AnyMailboxes()
    return DNSMailboxes(DNSResolver(egress.nameservers, timeout_s=min(TIMEOUT_S, egress.dns_timeout_s)))


def _provider(own: AccountsSettings, clock: Clock) -> Provider | None:
    if not own.oidc_issuer:
        return None
    egress = EgressSettings()
    return OpenIDProvider(open_egress(egress), own, clock, plain=bool(egress.allow_networks))
