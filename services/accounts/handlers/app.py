# SPDX-License-Identifier: Apache-2.0
"""What handlers are given. Most commands hash before their transaction begins and therefore take the whole of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from services.accounts.ports import Authenticators, Chance, Mailboxes, Passwords, Provider
from services.accounts.settings import AccountsSettings
from shared.eventstore.room import Room
from shared.sealing import Sealer


@dataclass(frozen=True)
class App:
    """The wired room."""

    room: Room
    settings: AccountsSettings
    passwords: Passwords
    sealer: Sealer
    chance: Chance
    authenticators: Authenticators
    mailboxes: Mailboxes
    provider: Provider | None  # None: nobody signs in by one
    public_url: str
    first_run_file: Path
