# SPDX-License-Identifier: Apache-2.0
"""Whether a certificate may be issued, and exactly which one.

The answer is `IssuanceAccepted`: everything that will be signed, so that nothing is left to decide when the key is
used.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from shared.clock import from_text, to_text
from shared.contracts.ca import IssuanceAccepted
from shared.contracts.orders import IssuanceRequested, Organization
from shared.pki.csr import CSR, CSRRefusedError, match_order, parse_csr
from shared.pki.fqdn import FQDN, NameRefusedError
from shared.pki.keys import NOTHING_BLOCKED, Blocklist
from shared.pki.rules import Rules

PROFILES = {"DV": "dv", "OV": "ov", "EV": "ev"}
# RFC 5280 Appendix A, upper bounds of X.520 attributes.
LIMITS = {"name": 64, "state": 128, "locality": 128, "registration_number": 64}
_COUNTRY = re.compile("[A-Za-z]{2}")
SERIAL_PREFIX = "5C"  # keeps the DER integer positive, of one length and without a leading zero
SHORTEST = timedelta(hours=1)


class Fault(StrEnum):
    """Why a certificate was refused, beside the faults of requests, names and keys. Closed list."""

    PROFILE = "ca_no_profile"
    NAMES = "ca_no_names"
    TOO_MANY_NAMES = "ca_too_many_names"
    COMMON_NAME = "ca_common_name"
    OTHER_SUFFIX = "ca_name_not_issued"
    WILDCARD_EV = "ca_wildcard_ev"
    ORGANIZATION = "ca_organization"
    TERM_OVER = "ca_term_over"
    ISSUER_ENDS = "ca_issuer_ends"
    NOT_SIGNED = "ca_not_signed"
    ISSUED_ALREADY = "ca_issued_already"
    CSR_NAMES = "ca_csr_names"
    CAA = "ca_caa_forbids"


class RefusedError(Exception):
    """The request breaks a rule; `reason` is for people, `code` is one of `Fault` or of the request's own faults."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = str(code)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Policy:
    """What this CA issues. `suffixes` limits the names (empty: any public name); `backdate` forgives slow clocks of
    clients.

    `ca_expires` is the end of the issuing certificate, which no leaf outlives. `upstream` is the name of the other CA
    that signs for the levels in `upstream_levels`, if there is one.
    """

    issuer: str
    ca_expires: datetime
    max_names: int = 250
    suffixes: tuple[str, ...] = ()
    backdate: timedelta = timedelta(0)
    blocked: Blocklist = NOTHING_BLOCKED
    upstream: str = ""
    upstream_levels: frozenset[str] = frozenset()


def accept(request: IssuanceRequested, policy: Policy, *, now: datetime, randomness: str) -> IssuanceAccepted:
    """All that will be signed for `request`. Raises RefusedError.

    `randomness` is hexadecimal from a cryptographic source, at least 64 bits (BR 7.1: serial numbers).
    """
    csr = _read_csr(request, policy)
    names = _names(request, csr, policy)
    profile = PROFILES.get(request.validation_level)
    if profile is None:
        raise RefusedError(Fault.PROFILE, f"There is no profile for {request.validation_level or 'no'} validation.")
    organization = None if profile == "dv" else _organization(request.organization, profile)
    if profile == "ev" and any(name.wildcard for name in names):
        raise RefusedError(Fault.WILDCARD_EV, "Extended validation allows no wildcard names (EV Guidelines 3.2.2.2).")
    rules = Rules.at(now)
    upstream = bool(policy.upstream) and request.validation_level in policy.upstream_levels
    if upstream and not csr.has_san and len(names) > 1:
        # RFC 8555 §7.4: the CSR must ask for the very names of the order.
        raise RefusedError(
            Fault.CSR_NAMES, f"{policy.upstream} takes the names from the request (CSR); put all of them into it."
        )
    not_before, not_after = _period(request, policy, rules, now, built_in=not upstream)
    return IssuanceAccepted(
        issuance_id=request.issuance_id,
        order_id=request.order_id,
        account_id=request.account_id,
        csr_version=request.csr_version,
        issuer=policy.upstream if upstream else policy.issuer,
        serial="" if upstream else serial_from(randomness),
        profile=profile,
        common_name=request.common_name if len(request.common_name) <= 64 else "",
        names=[name.text for name in names],
        csr_pem=csr.pem,
        not_before=to_text(not_before),
        not_after=to_text(not_after),
        rules_version=rules.version,
        organization=organization,
        validation_methods=request.validation_methods,
    )


def serial_from(randomness: str) -> str:
    """A serial number in upper-case hexadecimal. Raises ValueError on less than 64 bits."""
    digits = randomness.replace("-", "").upper()
    if len(digits) < 16 or len(digits) > 36 or len(digits) % 2:
        raise ValueError("a serial needs 64 to 144 random bits")
    int(digits, 16)
    return SERIAL_PREFIX + digits


def _read_csr(request: IssuanceRequested, policy: Policy) -> CSR:
    try:
        csr = parse_csr(request.csr_pem, max_names=policy.max_names, blocked=policy.blocked)
        match_order(csr, request.names)
    except CSRRefusedError as error:
        raise RefusedError(error.code, error.detail) from None
    return csr


def _names(request: IssuanceRequested, csr: CSR, policy: Policy) -> list[FQDN]:
    if not request.names:
        raise RefusedError(Fault.NAMES, "The order names nothing.")
    if len(request.names) > policy.max_names:
        raise RefusedError(
            Fault.TOO_MANY_NAMES, f"There are {len(request.names)} names; at most {policy.max_names} are possible."
        )
    if csr.has_san:
        names = list(csr.names)  # they are the order's names: match_order compared them
    else:
        try:
            names = sorted({FQDN.parse(name) for name in request.names})
        except NameRefusedError as error:
            raise RefusedError(error.fault, error.detail) from None
    if all(request.common_name != name.text for name in names):
        raise RefusedError(Fault.COMMON_NAME, "The common name is not among the names.")
    for name in names if policy.suffixes else ():
        if not any(_under(name.base.text, suffix) for suffix in policy.suffixes):
            raise RefusedError(Fault.OTHER_SUFFIX, f"This CA issues nothing for {name}.")
    return names


def _under(name: str, suffix: str) -> bool:
    return name == suffix or name.endswith("." + suffix)


def _organization(given: Organization | None, profile: str) -> Organization:
    """The subject of OV and EV certificates (BR 7.1.2.7.4, EV Guidelines 7.1.4.2). No organizational unit: BR
    7.1.4.2.2."""
    if given is None:
        raise RefusedError(Fault.ORGANIZATION, "The order has no validated organization.")
    if not given.name.strip() or len(given.country) != 2 or not given.country.isalpha():
        raise RefusedError(Fault.ORGANIZATION, "The organization needs a name and a two-letter country.")
    if given.jurisdiction_country.strip() and not _COUNTRY.fullmatch(given.jurisdiction_country.strip()):
        raise RefusedError(Fault.ORGANIZATION, "The country of registration has two letters.")
    if not given.state.strip() and not given.locality.strip():
        raise RefusedError(Fault.ORGANIZATION, "The organization needs a locality or a state or province.")
    if profile == "ev" and not given.registration_number.strip():
        raise RefusedError(Fault.ORGANIZATION, "Extended validation needs the organization's registration number.")
    for field, limit in LIMITS.items():
        value: str = getattr(given, field)
        if len(value.strip()) > limit:
            raise RefusedError(
                Fault.ORGANIZATION, f"The organization's {field.replace('_', ' ')} is longer than {limit} characters."
            )
        if not value.isprintable():
            raise RefusedError(
                Fault.ORGANIZATION,
                f"The organization's {field.replace('_', ' ')} holds characters that cannot be shown.",
            )
    return Organization(
        name=given.name.strip(),
        country=given.country.upper(),
        state=given.state.strip(),
        locality=given.locality.strip(),
        registration_number=given.registration_number.strip(),
        jurisdiction_country=given.jurisdiction_country.strip().upper(),
    )


def _period(
    request: IssuanceRequested, policy: Policy, rules: Rules, now: datetime, *, built_in: bool
) -> tuple[datetime, datetime]:
    """One day less than the rules allow, within the term that was paid for. Both ends belong to the period."""
    not_before = (now - policy.backdate).replace(microsecond=0)
    not_after = not_before + rules.issue_for - timedelta(seconds=1)
    if request.not_after_limit:
        not_after = min(not_after, from_text(request.not_after_limit).replace(microsecond=0))
    if not_after - now < SHORTEST:
        raise RefusedError(Fault.TERM_OVER, "The term that was paid for is over.")
    if built_in and not_after > policy.ca_expires:
        raise RefusedError(
            Fault.ISSUER_ENDS, "The issuing certificate would end before this one; the operator has to renew it."
        )
    return not_before, not_after
