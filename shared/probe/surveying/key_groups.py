# SPDX-License-Identifier: Apache-2.0
"""The groups of the key exchange: those of TLS 1.3, the curves of TLS 1.2, and the primes of DHE."""

from __future__ import annotations

from dataclasses import dataclass, replace

from shared.probe.chain import Flight
from shared.probe.conversation import Outcome
from shared.probe.groups import CURVES, FIELDS, GROUPS, TLS13_GROUPS, group_name
from shared.probe.hello import TLS12, TLS13, ServerHello
from shared.probe.outcome import Failed, Failure
from shared.probe.suites import LEGACY_SUITES, SUITES, TLS13_SUITES, suite
from shared.probe.survey import FiniteField
from shared.probe.surveying.elimination import SERVER, Found, eliminate_each, rank, refused
from shared.probe.surveying.hellos import hear, hear_flight, hello_of, only, suites_of
from shared.probe.surveying.inquiry import Inquiry, together
from shared.probe.surveying.primes import known_prime

_ECDHE_RSA = suites_of(("ECDHE",), ("RSA",))
_ECDHE_ECDSA = suites_of(("ECDHE",), ("ECDSA",))
_DHE = suites_of(("DHE",), ("RSA", "DSA"))
_DHE_ANONYMOUS = suites_of(("DH",), ("anon",))
_DHE_EXPORT = tuple(
    code for code in LEGACY_SUITES if SUITES[code].export and SUITES[code].key_exchange in ("DHE", "DH")
)
# DER of the curves' object identifiers, in certificates of ECDSA keys (RFC 5480 §2.1.1.1).
_CURVE_OIDS = {
    bytes.fromhex("06082a8648ce3d030107"): 23,
    bytes.fromhex("06052b81040022"): 24,
    bytes.fromhex("06052b81040023"): 25,
}


@dataclass(frozen=True)
class Groups:
    """Codes, preferred first where the server has an order; `checked` False where the search was cut short."""

    codes: tuple[int, ...]
    checked: bool


def survey_groups(server_name: str | None) -> Inquiry[Groups]:
    """The groups of TLS 1.3 and the curves of TLS 1.2 and below, those of TLS 1.3 first."""
    young, rsa, ecdsa = yield from together(
        _groups13(server_name), _curves(_ECDHE_RSA, server_name), _curves(_ECDHE_ECDSA, server_name)
    )
    parts = [one for one in (young, rsa, ecdsa) if isinstance(one, Groups)]
    codes = list(dict.fromkeys(code for part in parts for code in part.codes))
    return Groups(tuple(codes), len(parts) == 3 and all(part.checked for part in parts))


def _groups13(server_name: str | None) -> Inquiry[Groups]:
    def choose(offer: tuple[int, ...]) -> Inquiry[Outcome[int]]:
        hello = hello_of(TLS13, TLS13_SUITES, server_name, groups=offer)
        answer: Outcome[ServerHello] = yield from hear("TLSv1.3 groups", hello)
        answer = only(answer, TLS13)
        return answer if isinstance(answer, Failed) else answer.group

    chunks = [
        tuple(code for code in TLS13_GROUPS if GROUPS[code].post_quantum),
        tuple(code for code in TLS13_GROUPS if not GROUPS[code].post_quantum and not GROUPS[code].finite_field),
        tuple(code for code in TLS13_GROUPS if GROUPS[code].finite_field),
    ]
    first = yield from choose(TLS13_GROUPS)
    if isinstance(first, Failed):
        return Groups((), refused(first))
    found = yield from eliminate_each(choose, chunks)
    _, codes = yield from rank(choose, [one.accepted for one in found], TLS13_GROUPS.index)
    return Groups(codes, not any(one.lacking for one in found))


def _curves(suites: tuple[int, ...], server_name: str | None) -> Inquiry[Groups]:
    anchor: list[int] = []

    def choose(offer: tuple[int, ...]) -> Inquiry[Outcome[int]]:
        # RFC 8422 §5.1: the curve of an ECDSA certificate has to be among them too.
        kept = tuple(code for code in anchor if code not in offer)
        answer: Outcome[Flight] = yield from hear_flight(
            "curves", hello_of(TLS12, suites, server_name, groups=offer + kept)
        )
        if isinstance(answer, Failed):
            return answer
        if answer.key_exchange is None or answer.key_exchange.group in kept:
            return Failed(Failure.ALERT, "no curve of the offer", connected=True)
        return answer.key_exchange.group

    first: Outcome[Flight] = yield from hear_flight("curves", hello_of(TLS12, suites, server_name))
    if isinstance(first, Failed):
        return Groups((), refused(first))
    if first.certificates and suites == _ECDHE_ECDSA:
        anchor += [code for oid, code in _CURVE_OIDS.items() if oid in first.certificates[0]]
    offered = tuple(code for code in (29, 23, 30, 24, 25) if code in CURVES)
    rest = tuple(code for code in CURVES if code not in offered)
    found: list[Found[int]] = yield from eliminate_each(choose, [offered, rest])
    preference, codes = yield from rank(choose, [one.accepted for one in found], CURVES.index)
    checked = not any(one.lacking for one in found)
    return Groups(codes if preference == SERVER else tuple(sorted(codes, key=CURVES.index)), checked)


def survey_fields(server_name: str | None) -> Inquiry[tuple[FiniteField, ...]]:
    """The primes that a server takes for DHE: its own, one of RFC 7919 that it agrees to, and that of export suites."""

    def hear_prime(suites: tuple[int, ...], groups: tuple[int, ...]) -> Inquiry[Outcome[Flight]]:
        hello = hello_of(TLS12, suites, server_name)
        return hear_flight("DHE prime", replace(hello, groups=groups))

    # RFC 7919 §4: a client that names no finite field gets whatever prime the server likes.
    heard = yield from together(
        hear_prime(_DHE, ()),
        hear_prime(_DHE, FIELDS),
        hear_prime(_DHE_ANONYMOUS, ()),
        hear_prime(_DHE_EXPORT, ()),
    )
    found: dict[int, FiniteField] = {}
    for flight in heard:
        if isinstance(flight, Flight) and flight.key_exchange is not None and flight.key_exchange.prime:
            prime = flight.key_exchange.prime
            named = suite(flight.hello.suite).name
            found.setdefault(prime, FiniteField(prime.bit_length(), f"{prime:x}", known_prime(prime), named))
    return tuple(sorted(found.values(), key=lambda field: field.bits))


def names_of(groups: Groups) -> tuple[str, ...]:
    """The registered names."""
    return tuple(map(group_name, groups.codes))
