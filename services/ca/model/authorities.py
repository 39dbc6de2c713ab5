# SPDX-License-Identifier: Apache-2.0
"""Which issuing CAs the log tells of, and what has to be told because an operator changed something on disk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from shared.contracts.ca import (
    IssuingAuthorityEnded,
    IssuingAuthorityInstalled,
    IssuingAuthorityRotated,
    RootTakenOffline,
)
from shared.eventsourcing.event import Event
from shared.eventsourcing.fold import Fold

AUTHORITIES_STREAM = "authorities"


@dataclass(frozen=True, slots=True)
class Installed:
    """An issuing CA of this installation. Fingerprints are lower-case hexadecimal, `not_after` is RFC 3339, `by` is who
    installed it, where that is known.
    """

    name: str
    number: int
    fingerprint_sha256: str
    root_fingerprint_sha256: str
    not_after: str
    certificate_pem: str
    by: str = ""


@dataclass(frozen=True, slots=True)
class Told:
    """`active` is the name of the issuing CA that signs by the log, `numbers` all of them, `offline` the fingerprints
    of roots that were taken offline.
    """

    active: str = ""
    numbers: frozenset[int] = frozenset()
    ended: frozenset[int] = frozenset()
    offline: frozenset[str] = frozenset()


AUTHORITIES: Fold[Told] = Fold(Told)


@AUTHORITIES.on(IssuingAuthorityInstalled)
def _installed(state: Told, event: IssuingAuthorityInstalled) -> Told:
    return replace(state, active=event.issuer, numbers=state.numbers | {event.number})


@AUTHORITIES.on(IssuingAuthorityRotated)
def _rotated(state: Told, event: IssuingAuthorityRotated) -> Told:
    return replace(state, active=event.issuer, numbers=state.numbers | {event.number})


@AUTHORITIES.on(RootTakenOffline)
def _offline(state: Told, event: RootTakenOffline) -> Told:
    return replace(state, offline=state.offline | {event.root_fingerprint_sha256})


@AUTHORITIES.on(IssuingAuthorityEnded)
def _ended(state: Told, event: IssuingAuthorityEnded) -> Told:
    return replace(state, ended=state.ended | {event.number})


def untold(told: Told, installed: Sequence[Installed], *, root_is_offline: bool) -> list[Event]:
    """What the log does not tell yet of the issuing CAs that are there, in the order of their numbers."""
    events: list[Event] = []
    active = told.active
    for each in sorted(installed, key=lambda one: one.number):
        if each.number in told.numbers:
            continue
        if not active:
            events.append(
                IssuingAuthorityInstalled(
                    issuer=each.name,
                    number=each.number,
                    fingerprint_sha256=each.fingerprint_sha256,
                    root_fingerprint_sha256=each.root_fingerprint_sha256,
                    not_after=each.not_after,
                    certificate_pem=each.certificate_pem,
                )
            )
        else:
            events.append(
                IssuingAuthorityRotated(
                    issuer=each.name,
                    number=each.number,
                    previous=active,
                    fingerprint_sha256=each.fingerprint_sha256,
                    root_fingerprint_sha256=each.root_fingerprint_sha256,
                    not_after=each.not_after,
                    certificate_pem=each.certificate_pem,
                    by=each.by,
                )
            )
        active = each.name
    roots = dict.fromkeys(each.root_fingerprint_sha256 for each in installed)
    if root_is_offline:
        events += [RootTakenOffline(root_fingerprint_sha256=each) for each in roots if each not in told.offline]
    return events
