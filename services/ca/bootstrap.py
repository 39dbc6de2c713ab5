# SPDX-License-Identifier: Apache-2.0
"""Puts the CA together: settings, database, keys."""

from __future__ import annotations

import base64
import logging
import sys
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

from services.ca.adapters.acme_account import Enrolment, account_key
from services.ca.adapters.acme_upstream import ACMEUpstream
from services.ca.adapters.authorities import Given, OnDisk
from services.ca.adapters.caa_records import open_caa_gate
from services.ca.adapters.challenge_delivery import ChallengeDelivery, UpdateServer
from services.ca.adapters.founding import OFFLINE, ROOT_KEY, Plan
from services.ca.adapters.key_files import read_secret
from services.ca.adapters.key_store import RootKey, open_key_store
from services.ca.jobs import jobs
from services.ca.model.policy import Policy
from services.ca.ports import Authorities, Authority, CAAGate, Upstream
from services.ca.projections import projections
from services.ca.settings import CASettings
from shared.clock import Clock, Ids, RandomIds, SystemClock
from shared.egress.guard import open_egress
from shared.egress.resolver import DNSResolver
from shared.egress.settings import EgressSettings
from shared.eventstore.database import Database
from shared.eventstore.room import Room
from shared.pki.keys import NOTHING_BLOCKED, Blocklist
from shared.settings import Settings

_log = logging.getLogger(__name__)


@dataclass
class App:
    """The CA's parts."""

    room: Room
    settings: Settings
    authorities: Authorities
    upstream: Upstream | None
    rules: Policy
    crl_lifetime: timedelta
    ocsp_lifetime: timedelta
    caa: CAAGate
    recorded: object = ()
    """The generation of the authorities that the log is known to tell of."""

    @property
    def issuer(self) -> Authority:
        """The issuing CA that signs."""
        return self.authorities.active

    @property
    def policy(self) -> Policy:
        """What is issued, by the issuing CA of this moment."""
        issuer = self.issuer
        return replace(self.rules, issuer=issuer.name, ca_expires=issuer.expires_at)


def build(
    settings: Settings,
    *,
    ca: CASettings | None = None,
    clock: Clock | None = None,
    ids: Ids | None = None,
    issuer: Authority | None = None,
    upstream: Upstream | None = None,
    caa: CAAGate | None = None,
) -> App:
    """Composes the CA; arguments replace the parts that tests own. Makes the keys at the first start.

    Raises KeyStoreError on a damaged or open key folder, ValueError on a bad block list or address.
    """
    own = ca or CASettings()
    clock = clock or SystemClock()
    folder = own.folder or settings.data_dir / "ca"
    authorities = Given(issuer) if issuer is not None else _on_disk(own, settings, folder, clock)
    if upstream is None and own.upstream_directory:
        upstream = _upstream(own, folder)
    blocked = NOTHING_BLOCKED
    if own.blocked_keys is not None:
        blocked = Blocklist.parse(own.blocked_keys.read_text("ascii").splitlines())
    policy = Policy(
        issuer=authorities.active.name,
        ca_expires=authorities.active.expires_at,
        max_names=own.max_names,
        suffixes=tuple(own.suffixes),
        backdate=timedelta(seconds=own.backdate_s),
        blocked=blocked,
        upstream=upstream.name if upstream else "",
        upstream_levels=frozenset(own.upstream_levels),
    )
    database = Database.open("ca", settings)
    room = Room("ca", database, projections, clock=clock, ids=ids or RandomIds(), jobs=jobs)
    crl, ocsp = timedelta(hours=own.crl_hours), timedelta(hours=own.ocsp_hours)
    gate = caa or open_caa_gate(EgressSettings(), settings.caa_identities, clock)
    return App(room, settings, authorities, upstream, policy, crl, ocsp, gate)


def _on_disk(own: CASettings, settings: Settings, folder: Path, clock: Clock) -> OnDisk:
    address = own.published_at(settings.public_url)
    plan = Plan(
        own.name, country=own.country, root_algorithm=own.algorithm, issuing_algorithm=own.algorithm, base=address
    )
    first = not folder.exists()
    # A log is kept and shipped; only a person at a terminal is shown the passphrase.
    tell = (lambda secret: _show(secret, folder)) if sys.stderr.isatty() else None
    store = open_key_store(folder, own.passphrase_file, plan=plan, now=clock.now(), tell=tell)
    if store.root_key is RootKey.BESIDE:
        _log.warning("The root's key lies beside the issuing key in %s: run `certwright ca take-root-offline`.", folder)
    elif first and store.root_key is RootKey.WITH_PASSPHRASE:
        _log.warning(
            "The CA was made. The root's key and its passphrase are in %s: move them away, to two places "
            "(docs/built-in-ca.md).",
            folder / OFFLINE,
        )
    return OnDisk(folder, own.passphrase_file, store, public_url=address, linted=own.lint)


def _show(secret: str, folder: Path) -> None:
    sys.stderr.write(
        f"""
This is the first start: a root and an issuing CA are being made.
The root's key goes to {folder / OFFLINE / ROOT_KEY}, encrypted. Its passphrase, shown this once and stored nowhere:

    {secret}

You need neither to go on. Before others trust this CA, write the passphrase down and move the folder
{folder / OFFLINE} away from this machine (docs/built-in-ca.md).

"""
    )
    sys.stderr.flush()


def _upstream(own: CASettings, folder: Path) -> ACMEUpstream:
    """Nothing is asked of the other CA before the first order for it."""
    enrolment = Enrolment(
        directory=own.upstream_directory,
        contacts=tuple(own.upstream_contacts),
        eab_key_id=own.upstream_eab_key_id,
        eab_key=read_secret(own.upstream_eab_key_file) if own.upstream_eab_key_file else "",
        trust=str(own.upstream_trust or ""),
    )
    egress = EgressSettings()
    resolver = DNSResolver(egress.nameservers, timeout_s=egress.dns_timeout_s)
    delivery = ChallengeDelivery(
        open_egress(egress), resolver, http_port=own.upstream_http_port, update=_update_server(own)
    )
    key = account_key(folder, own.passphrase_file)
    return ACMEUpstream(own.upstream_name, key, enrolment, delivery, prefer=own.upstream_challenge, linted=own.lint)


def _update_server(own: CASettings) -> UpdateServer | None:
    if not own.update_server:
        return None
    if own.update_key_file is None or not own.update_key_name:
        raise ValueError("CERTWRIGHT_CA_UPDATE_SERVER needs CERTWRIGHT_CA_UPDATE_KEY_NAME and _KEY_FILE as well")
    address, _, port = own.update_server.partition(":")
    secret = base64.b64decode(read_secret(own.update_key_file), validate=True)
    return UpdateServer(address, int(port or 53), own.update_key_name, secret, own.update_key_algorithm)
