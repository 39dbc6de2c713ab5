# SPDX-License-Identifier: Apache-2.0
"""Everything that was seen of one endpoint: facts only, no judgement. What was not looked at says so, and why.

Judgement (trust, names, grade, findings) is made from this by `shared.checker`; it travels as JSON.
"""

from __future__ import annotations

import base64
import dataclasses
from dataclasses import dataclass, field
from typing import Any

PROTOCOLS = ("SSLv2", "SSLv3", "TLSv1.0", "TLSv1.1", "TLSv1.2", "TLSv1.3")

# Keys of Survey.features; each is True or False for "the server does this".
FEATURES = (
    "sni_required",  # without a server name there is no handshake
    "sni_matters",  # without a server name another certificate is shown
    "extended_master_secret",  # RFC 7627
    "encrypt_then_mac",  # RFC 7366
    "secure_renegotiation",  # RFC 5746
    "client_renegotiation",  # a client may start one (TLS 1.2 and below)
    "fallback_scsv",  # RFC 7507
    "compression",  # CRIME
    "session_tickets",  # RFC 5077
    "session_ids",  # resumption by session id
    "early_data",  # RFC 8446 §2.3; 0-RTT
    "stapling",  # RFC 6066 §8
    "client_certificate",  # the server asks for one
    "version_intolerance",  # a hello of a version that does not exist is refused instead of answered
    "server_side_random_reuse",  # two hellos got the same random or the same DHE or ECDHE key
)
# Keys of Survey.holes; each is True for vulnerable.
HOLES = ("heartbleed", "ccs_injection", "ticketbleed", "robot", "winshock")


@dataclass(frozen=True)
class Fact:
    """One answer: `value` None means not checked, and then `reason` says why. `detail` is for people."""

    value: bool | None
    reason: str = ""
    detail: str = ""


@dataclass(frozen=True)
class Offer:
    """One protocol version. `offered` None means not checked (`reason`). `suites` are IANA names: in the server's order
    where `preference` is "server", else in the registry's; `preference` is server, client or unknown."""

    offered: bool | None
    reason: str = ""
    suites: tuple[str, ...] = ()
    preference: str = "unknown"
    complete: bool = True  # False: the search was cut short, further suites may be offered


@dataclass(frozen=True)
class ServedChain:
    """A chain as it was sent, leaf first, DER. `authentication` is that of the suite (RSA, ECDSA, any …); `proved`
    whether the server proved that it has the leaf's key."""

    certificates: tuple[bytes, ...]
    authentication: str
    protocol: str
    proved: bool
    with_server_name: bool = True


@dataclass(frozen=True)
class FiniteField:
    """A DHE group that was used. `bits` of the prime; `known` the name of a well-known prime, or empty."""

    bits: int
    prime: str  # hexadecimal
    known: str
    suite: str


@dataclass(frozen=True)
class Web:
    """What one HTTPS request, and one HTTP request to port 80, got. Headers in lower case; cookies without values."""

    status: int = 0
    location: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    cookies: tuple[str, ...] = ()  # "name; Secure; HttpOnly; SameSite=Lax"
    compresses: bool | None = None  # BREACH needs it
    plain_status: int = 0  # of http://name/, 0 when nothing answered
    plain_location: str = ""
    reason: str = ""  # why there is nothing


@dataclass(frozen=True)
class Survey:
    """One endpoint at one moment. `started_at` in UTC, RFC 3339; `failure` from `outcome.Failure`, empty when TLS was
    spoken. `depth` is basic or advanced: a basic survey fills chains and the negotiated protocol only."""

    address: str
    port: int
    server_name: str
    starttls: str
    depth: str
    started_at: str
    took_s: float
    connections: int
    failure: str = ""
    failure_detail: str = ""
    negotiated_protocol: str = ""
    negotiated_suite: str = ""
    protocols: dict[str, Offer] = field(default_factory=dict)
    chains: tuple[ServedChain, ...] = ()
    groups: tuple[str, ...] = ()  # names, preferred first where the server has an order
    groups_checked: bool = False
    finite_fields: tuple[FiniteField, ...] = ()
    alpn: tuple[str, ...] = ()
    alpn_checked: bool = False
    features: dict[str, Fact] = field(default_factory=dict)
    holes: dict[str, Fact] = field(default_factory=dict)
    stapled_ocsp: bytes = b""
    tls_scts: bytes = b""  # the SignedCertificateTimestampList of the TLS extension (RFC 6962 §3.3)
    server_clock_s: int | None = None  # the first four bytes of a TLS 1.2 random, where it is a plausible clock
    web: Web | None = None

    def to_json(self) -> dict[str, Any]:
        """Plain values; bytes as base64."""
        return {name: _plain(value) for name, value in dataclasses.asdict(self).items()}

    @staticmethod
    def from_json(plain: dict[str, Any]) -> Survey:
        """The survey again. Raises KeyError, TypeError or ValueError for what `to_json` did not make."""
        known = dict(plain)
        known["protocols"] = {
            name: Offer(**{**offer, "suites": tuple(offer["suites"])}) for name, offer in plain["protocols"].items()
        }
        known["chains"] = tuple(
            ServedChain(**{**chain, "certificates": tuple(map(base64.b64decode, chain["certificates"]))})
            for chain in plain["chains"]
        )
        known["finite_fields"] = tuple(FiniteField(**one) for one in plain["finite_fields"])
        known["features"] = {name: Fact(**fact) for name, fact in plain["features"].items()}
        known["holes"] = {name: Fact(**fact) for name, fact in plain["holes"].items()}
        for name in ("stapled_ocsp", "tls_scts"):
            known[name] = base64.b64decode(plain[name])
        for name in ("groups", "alpn"):
            known[name] = tuple(plain[name])
        if plain["web"] is not None:
            known["web"] = Web(**{**plain["web"], "cookies": tuple(plain["web"]["cookies"])})
        return Survey(**known)


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    return value
