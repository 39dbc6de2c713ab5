# SPDX-License-Identifier: Apache-2.0
"""Puts the CA together: settings, database, keys."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from services.ca.adapters.built_in import BuiltInIssuer
from services.ca.adapters.key_store import open_key_store
from services.ca.jobs import jobs
from services.ca.model.policy import Policy
from services.ca.ports import Issuer
from services.ca.projections import projections
from services.ca.settings import CASettings
from shared.clock import Clock, Ids, RandomIds, SystemClock
from shared.eventstore.database import Database
from shared.eventstore.room import Room
from shared.pki.keys import NOTHING_BLOCKED, Blocklist
from shared.settings import Settings


@dataclass
class App:
    """The CA's parts."""

    room: Room
    settings: Settings
    issuer: Issuer
    policy: Policy
    crl_lifetime: timedelta
    ocsp_lifetime: timedelta


def build(
    settings: Settings,
    *,
    ca: CASettings | None = None,
    clock: Clock | None = None,
    ids: Ids | None = None,
    issuer: Issuer | None = None,
) -> App:
    """Composes the CA; arguments replace the parts that tests own. Makes the keys at the first start.

    Raises KeyStoreError on a damaged or open key folder, ValueError on a bad block list.
    """
    own = ca or CASettings()
    clock = clock or SystemClock()
    if issuer is None:
        material = open_key_store(
            own.folder or settings.data_dir / "ca",
            own.passphrase_file,
            name=own.name,
            algorithm=own.algorithm,
            now=clock.now(),
        )
        issuer = BuiltInIssuer(material, public_url=own.public_url or f"{settings.public_url.rstrip('/')}/pki")
    blocked = NOTHING_BLOCKED
    if own.blocked_keys is not None:
        blocked = Blocklist.parse(own.blocked_keys.read_text("ascii").splitlines())
    policy = Policy(
        issuer=issuer.name,
        ca_expires=issuer.expires_at,
        max_names=own.max_names,
        suffixes=tuple(own.suffixes),
        backdate=timedelta(seconds=own.backdate_s),
        blocked=blocked,
    )
    database = Database.open("ca", settings)
    room = Room("ca", database, projections, clock=clock, ids=ids or RandomIds(), jobs=jobs)
    crl, ocsp = timedelta(hours=own.crl_hours), timedelta(hours=own.ocsp_hours)
    return App(room, settings, issuer, policy, crl, ocsp)
