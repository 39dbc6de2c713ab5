# SPDX-License-Identifier: Apache-2.0
"""Which CAs the DNS allows to issue for a name: CAA records, climbed to as RFC 8659 §3 says."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import dns.exception
import dns.rdata

from shared.egress.resolver import Resolver

ISSUE, ISSUE_WILD, IODEF = "issue", "issuewild", "iodef"
# RFC 8659 §4, and what restricts other certificates or none: RFC 9495, BR A.1, the VMC requirements.
KNOWN_TAGS = frozenset({ISSUE, ISSUE_WILD, IODEF, "issuemail", "issuevmc", "contactemail", "contactphone"})
_CRITICAL = 0x80
_MOST_LABELS = 12
# RFC 6761, RFC 6762, RFC 7686, and `internal`, which ICANN keeps free: the public DNS knows none of them.
_PRIVATE = frozenset({"test", "example", "invalid", "localhost", "local", "onion", "internal"})
_FAILURES = {
    "servfail": "the name servers fail at {}",
    "timeout": "the name servers do not answer for {}",
    "malformed": "the name servers' answer for {} cannot be read",
}
# What the CAs themselves say in their CPS, section 4.2; brands as `shared.pki.issuance` names them. What is not here is
# not known, and then nothing is said of whether the issuer is among the records.
IDENTIFIERS: dict[str, tuple[str, ...]] = {
    "Let's Encrypt": ("letsencrypt.org",),
    "DigiCert": ("digicert.com", "www.digicert.com", "digicert.ne.jp", "geotrust.com", "rapidssl.com", "thawte.com",
                 "symantec.com"),
    "Sectigo": ("sectigo.com", "comodo.com", "comodoca.com", "usertrust.com", "trust-provider.com"),
    "ZeroSSL": ("sectigo.com", "zerossl.com"),
    "Google Trust Services": ("pki.goog", "google.com"),
    "Amazon": ("amazon.com", "amazontrust.com", "awstrust.com", "amazonaws.com"),
    "GlobalSign": ("globalsign.com",),
    "GoDaddy": ("godaddy.com", "starfieldtech.com"),
    "SSL.com": ("ssl.com",),
    "Actalis": ("actalis.it",),
    "SwissSign": ("swisssign.com",),
    "Certum": ("certum.pl", "certum.eu"),
    "Buypass": ("buypass.com",),
    "HARICA": ("harica.gr",),
    "IdenTrust": ("identrust.com",),
    "T-Systems": ("telesec.de",),
}  # fmt: skip
_ISSUER = re.compile(r"\s*(?P<name>[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?)?\s*(?:;(?P<rest>.*))?", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True)
class Record:
    """One record. `issuer` is the name of the CA in issue and issuewild, empty for nobody; `parameters` as they stand,
    such as accounturi and validationmethods (RFC 8657)."""

    flags: int
    tag: str
    value: str
    issuer: str = ""
    parameters: tuple[tuple[str, str], ...] = ()

    @property
    def critical(self) -> bool:
        """Whether a CA that does not know the tag must not issue (RFC 8659 §4.1)."""
        return bool(self.flags & _CRITICAL)

    def __str__(self) -> str:
        return f'{self.flags} {self.tag} "{self.value}"'


@dataclass(frozen=True)
class CAA:
    """What holds for a name. `at` is the name at which the records stand, empty where there are none up to the top.

    `reason` says why nothing is known; then the rest says nothing.
    """

    name: str = ""
    wildcard: bool = False
    at: str = ""
    records: tuple[Record, ...] = ()
    reason: str = ""
    authenticated: bool = False

    @property
    def checked(self) -> bool:
        """Whether the DNS has answered."""
        return not self.reason

    @property
    def restricting(self) -> tuple[Record, ...]:
        """The records that say who may issue for the name (RFC 8659 §4.2, §4.3)."""
        wild = tuple(one for one in self.records if one.tag == ISSUE_WILD)
        return wild if self.wildcard and wild else tuple(one for one in self.records if one.tag == ISSUE)

    def allows(self, brand: str) -> bool | None:
        """Whether a CA of this brand may issue for the name now; None where it is not known by which names it goes."""
        if not self.restricting:
            return True
        if brand not in IDENTIFIERS:
            return None
        return any(one.issuer in IDENTIFIERS[brand] for one in self.restricting)

    @property
    def strange(self) -> tuple[str, ...]:
        """Critical tags that nobody knows: they keep every CA from issuing."""
        return tuple(sorted({one.tag for one in self.records if one.critical and one.tag not in KNOWN_TAGS}))


def look_up(resolver: Resolver, name: str) -> CAA:
    """Climbs from `name`, an FQDN or a wildcard one in A-labels, to the first records. Never raises for what the DNS
    does. RFC 8659 §3: an answer that fails is no answer, and nothing is climbed over it."""
    bare = name.lower().removesuffix(".")
    wildcard, bare = bare.startswith("*."), bare.removeprefix("*.")
    labels = bare.split(".")
    if labels[-1] in _PRIVATE:
        return CAA(bare, wildcard, reason=f"the public DNS has no names below .{labels[-1]}")
    if len(labels) > _MOST_LABELS:
        return CAA(bare, wildcard, reason="the name has too many labels")
    for start in range(len(labels)):
        at = ".".join(labels[start:])
        answer = resolver.ask(at, "CAA")
        if answer.status in _FAILURES:
            return CAA(bare, wildcard, reason=_FAILURES[answer.status].format(at))
        if answer.records:
            records = tuple(read_record(text) for text in answer.records)
            return CAA(bare, wildcard, at, records, authenticated=answer.authenticated)
    return CAA(bare, wildcard)


def read_record(text: str) -> Record:
    """A record in presentation form. One that is out of shape keeps its text, with an empty tag."""
    try:
        read: Any = dns.rdata.from_text("IN", "CAA", text)
        flags, tag = int(read.flags), read.tag.decode("ascii", "replace").lower()
        value = read.value.decode("utf-8", "replace")
    except (dns.exception.DNSException, ValueError, UnicodeError):
        return Record(0, "", text[:200])
    issuer, parameters = _issuer(value) if tag in (ISSUE, ISSUE_WILD) else ("", ())
    shown = "".join(character for character in value if character.isprintable())[:200]
    return Record(flags, tag, shown, issuer, parameters)


def _issuer(value: str) -> tuple[str, tuple[tuple[str, str], ...]]:
    """RFC 8659 §4.2: the CA's name, then parameters; out of that shape it is a CA that does not exist."""
    match = _ISSUER.fullmatch(value)
    if match is None:
        return "", ()
    parameters = []
    for part in (match["rest"] or "").split(";"):
        key, equals, said = part.strip().partition("=")
        if equals:
            parameters.append((key.strip().lower()[:40], said.strip()[:200]))
    return (match["name"] or "").lower(), tuple(parameters)
