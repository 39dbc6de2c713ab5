# SPDX-License-Identifier: Apache-2.0
"""Which CAs the DNS allows to issue for a name: CAA records, climbed to as RFC 8659 §3 says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import dns.exception
import dns.rdata

from shared.egress.resolver import BOGUS, Answer, Resolver, worst_standing
from shared.pki.issue_value import read_issue_value

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


@dataclass(frozen=True)
class Record:
    """One record. `issuer` is the name of the CA in issue and issuewild, empty for nobody; `parameters` as they stand,
    such as accounturi and validationmethods (RFC 8657). A value that is `malformed` stands for nobody (RFC 8659 §4.2).
    """

    flags: int
    tag: str
    value: str
    issuer: str = ""
    parameters: tuple[tuple[str, str], ...] = ()
    malformed: bool = False

    @property
    def critical(self) -> bool:
        """Whether a CA that does not know the tag must not issue (RFC 8659 §4.1)."""
        return bool(self.flags & _CRITICAL)

    def __str__(self) -> str:
        return f'{self.flags} {self.tag} "{self.value}"'


@dataclass(frozen=True)
class CAA:
    """What holds for a name. `at` is the name at which the records stand, empty where there are none up to the top.

    `reason` says why nothing is known; then the rest says nothing. `answers` is all that was asked on the way up.
    """

    name: str = ""
    wildcard: bool = False
    at: str = ""
    records: tuple[Record, ...] = ()
    reason: str = ""
    authenticated: bool = False
    answers: tuple[Answer, ...] = ()

    @property
    def dnssec(self) -> str:
        """The standing of all that was asked, see `shared.egress.resolver.Answer`."""
        if self.reason and any(each.dnssec == BOGUS for each in self.answers):
            return BOGUS
        return worst_standing([each for each in self.answers if not each.failed])

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


def look_up(
    resolver: Resolver, name: str, *, public_only: bool = True, most_labels: int = _MOST_LABELS, retries: int = 0
) -> CAA:
    """Climbs from `name`, an FQDN or a wildcard one in A-labels, to the first records. Never raises for what the DNS
    does. RFC 8659 §3: an answer that fails is no answer, and nothing is climbed over it.

    `public_only` asks nothing of names that no public zone can have; `retries` is how often a failure is asked again.
    """
    bare = name.lower().removesuffix(".")
    wildcard, bare = bare.startswith("*."), bare.removeprefix("*.")
    labels = bare.split(".")
    if public_only and labels[-1] in _PRIVATE:
        return CAA(bare, wildcard, reason=f"the public DNS has no names below .{labels[-1]}")
    if len(labels) > most_labels:
        return CAA(bare, wildcard, reason="the name has too many labels")
    asked: list[Answer] = []
    for start in range(len(labels)):
        at = ".".join(labels[start:])
        for _ in range(retries + 1):
            answer = resolver.ask(at, "CAA")
            asked.append(answer)
            if answer.status not in _FAILURES:
                break
        if answer.status in _FAILURES:
            words = "the zone's signatures (DNSSEC) are wrong at {}" if answer.dnssec == BOGUS else ""
            reason = (words or _FAILURES[answer.status]).format(at)
            return CAA(bare, wildcard, reason=reason, answers=tuple(asked))
        if answer.records:
            records = tuple(read_record(text) for text in answer.records)
            return CAA(bare, wildcard, at, records, authenticated=answer.authenticated, answers=tuple(asked))
    return CAA(bare, wildcard, answers=tuple(asked))


def read_record(text: str) -> Record:
    """A record in presentation form. One that is out of shape keeps its text, with an empty tag."""
    try:
        read: Any = dns.rdata.from_text("IN", "CAA", text)
        flags, tag = int(read.flags), read.tag.decode("ascii", "replace").lower()
        value = read.value.decode("utf-8", "replace")
    except (dns.exception.DNSException, ValueError, UnicodeError):
        return Record(0, "", text[:200])
    shown = "".join(character for character in value if character.isprintable())[:200]
    if tag not in (ISSUE, ISSUE_WILD):
        return Record(flags, tag, shown)
    read_value = read_issue_value(value)
    if read_value is None:
        return Record(flags, tag, shown, malformed=True)
    return Record(flags, tag, shown, *read_value)
