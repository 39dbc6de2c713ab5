# SPDX-License-Identifier: Apache-2.0
"""The certificate chains that a server shows, by kind of key, with and without a name; and whether it proves them."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field, replace

from shared.probe.chain import Flight, Flight13, Proof
from shared.probe.conversation import Outcome
from shared.probe.hello import SCT, SESSION_TICKET, SSL3, TLS10, TLS11, TLS12, VERSION_NAMES
from shared.probe.openssl import Hands, context_of, shake_hands, usual_context
from shared.probe.outcome import Failed, Failure
from shared.probe.suites import named, suite
from shared.probe.survey import Offer, ServedChain
from shared.probe.surveying.elimination import refused
from shared.probe.surveying.hellos import USUAL, hear_flight, hello_of, suites_of
from shared.probe.surveying.inquiry import Inquiry, ask, together
from shared.probe.surveying.young import OCSP_WANTED, look_for_proof, look_young

RSA_SUITES = suites_of(("ECDHE", "DHE", "RSA"), ("RSA",))
ECDSA_SUITES = suites_of(("ECDHE",), ("ECDSA",))
_MOST_SUITES = 120
_HOPELESS = (Failure.REFUSED, Failure.UNREACHABLE, Failure.TIMEOUT, Failure.NO_STARTTLS, Failure.NOT_TLS)
_UNASKED = Failed(Failure.STOPPED, "not asked")


@dataclass(frozen=True)
class Attached:
    """A leaf, the CertificateStatus (RFC 6066 §8) and the stamps (RFC 6962 §3.3.1) that came with it, or nothing."""

    leaf: bytes
    stapled: bytes
    stamps: bytes


@dataclass(frozen=True)
class Seen:
    """What the handshakes brought: outcomes by the way that was asked, those without a server name apart. `young` are
    those of TLS 1.3 by the kind of key that was asked for (RSA, ECDSA, any)."""

    usual: Outcome[Hands | Proof]
    flight: Outcome[Flight]
    rsa: Outcome[Hands]
    ecdsa: Outcome[Hands]
    nameless: Outcome[Flight]
    nameless_usual: Outcome[Hands]
    young: dict[str, Outcome[Flight13]] = field(default_factory=dict)

    @property
    def young_flights(self) -> dict[str, Flight13]:
        """What TLS 1.3 showed."""
        return {kind: one for kind, one in self.young.items() if isinstance(one, Flight13)}

    @property
    def attached(self) -> list[Attached]:
        """What came with leaves, that of the usual handshake's leaf first."""
        found = [Attached(one.certificates[0], one.stapled, one.stamps) for one in self.young_flights.values()]
        if isinstance(self.flight, Flight) and self.flight.certificates:
            stamps = self.flight.hello.extensions.get(SCT, b"")
            found.insert(0, Attached(self.flight.certificates[0], self.flight.stapled, stamps))
        if isinstance(self.usual, Proof):
            found.insert(0, Attached(self.usual.certificates[0], self.usual.stapled, self.usual.stamps))
        shown = () if isinstance(self.usual, Failed) else self.usual.certificates[:1]
        return sorted(found, key=lambda one: one.leaf not in shown)

    @property
    def flights(self) -> list[Flight]:
        """Those that came to their end."""
        return [one for one in (self.flight, self.nameless) if isinstance(one, Flight)]


def look_basic(server_name: str | None) -> Inquiry[Seen]:
    """A proof of the key, and the flight of TLS 1.2, in which a server may show another certificate."""
    usual, flight = yield from together(_proof(server_name), _flight(server_name))
    seen = Seen(usual, flight, _UNASKED, _UNASKED, _UNASKED, _UNASKED)
    if isinstance(flight, Failed) and refused(flight) and not isinstance(usual, Proof):
        young: Outcome[Flight13] = yield from look_young("any", server_name)
        return replace(seen, young={"any": young})
    return seen


def look_closely(server_name: str | None) -> Inquiry[Seen]:
    """The same, each kind of key by a handshake of its own, and all again without a name."""
    usual, flight, rsa, ecdsa, nameless, nameless_usual, young_rsa, young_ecdsa = yield from together(
        _usual(server_name),
        _flight(server_name),
        _kind("RSA", server_name),
        _kind("ECDSA", server_name),
        _flight(None) if server_name else _unasked(),
        _usual(None) if server_name else _unasked(),
        look_young("RSA", server_name),
        look_young("ECDSA", server_name),
    )
    young = {"RSA": young_rsa, "ECDSA": young_ecdsa}
    return Seen(usual, flight, rsa, ecdsa, nameless, nameless_usual, young)


def look_by_suites(protocols: dict[str, Offer], server_name: str | None) -> Inquiry[tuple[ServedChain, ...]]:
    """The chain of a server that takes nothing usual, by the suites that the search found."""
    for version in (TLS12, TLS11, TLS10, SSL3):
        kinds = [kind for kind in map(named, protocols[VERSION_NAMES[version]].suites) if kind is not None]
        codes = tuple(kind.code for kind in kinds if not kind.anonymous)[:_MOST_SUITES]
        if codes:
            flight: Outcome[Flight] = yield from hear_flight("chain", hello_of(version, codes, server_name))
            return (_from_flight(flight),) if isinstance(flight, Flight) and flight.certificates else ()
    return ()


def chains_of(seen: Seen) -> tuple[ServedChain, ...]:
    """Every chain that was shown, each leaf once for each way of asking (with a name or without)."""
    found: list[ServedChain] = []
    named = [_from_proof(seen.usual)] if isinstance(seen.usual, Proof) else []
    named += [_from_hands(one) for one in (seen.usual, seen.rsa, seen.ecdsa) if isinstance(one, Hands)]
    if isinstance(seen.flight, Flight):
        named.append(_from_flight(seen.flight))
    for kind, young in seen.young_flights.items():
        named.append(ServedChain(young.certificates, kind, VERSION_NAMES[young.version], proved=False))
    nameless = [_from_hands(one) for one in (seen.nameless_usual,) if isinstance(one, Hands)]
    if isinstance(seen.nameless, Flight):
        nameless.append(_from_flight(seen.nameless))
    for chains, with_name in ((named, True), (nameless, False)):
        best: dict[bytes, ServedChain] = {}
        for chain in chains:
            if not chain.certificates:
                continue
            leaf = chain.certificates[0]
            known = best.get(leaf)
            if known is None:
                best[leaf] = chain
                continue
            longer = known if len(known.certificates) >= len(chain.certificates) else chain
            # A suite of TLS 1.3 names no kind of key; one that does says more.
            telling = chain if known.authentication == "any" else known
            best[leaf] = replace(
                known,
                certificates=longer.certificates,
                proved=known.proved or chain.proved,
                authentication=telling.authentication,
            )
        found.extend(replace(chain, with_server_name=with_name) for chain in best.values())
    return tuple(found)


def _proof(server_name: str | None) -> Inquiry[Outcome[Hands | Proof]]:
    """By our own hello; where that came to nothing but the server talks, by a handshake of OpenSSL's."""
    proof: Outcome[Proof] = yield from look_for_proof(server_name)
    if isinstance(proof, Proof) or proof.failure in _HOPELESS:
        return proof
    hands: Outcome[Hands] = yield from _usual(server_name)
    return hands


def _usual(server_name: str | None) -> Inquiry[Outcome[Hands]]:
    return ask("handshake", lambda: shake_hands(usual_context(), server_name))


def _kind(authentication: str, server_name: str | None) -> Inquiry[Outcome[Hands]]:
    context = context_of(f"a{authentication}:!eNULL:@SECLEVEL=0", highest=ssl.TLSVersion.TLSv1_2)
    return ask(f"{authentication} certificate", lambda: shake_hands(context, server_name))


def _flight(server_name: str | None) -> Inquiry[Outcome[Flight]]:
    hello = hello_of(TLS12, USUAL, server_name, extensions=(OCSP_WANTED, (SCT, b""), (SESSION_TICKET, b"")))
    return hear_flight("chain", hello)


def _unasked() -> Inquiry[Failed]:
    yield from together()
    return _UNASKED


def _from_hands(hands: Hands) -> ServedChain:
    return ServedChain(
        hands.certificates, suite(hands.suite).authentication, protocol_name(hands.protocol), proved=True
    )


def _from_proof(proof: Proof) -> ServedChain:
    protocol = VERSION_NAMES.get(proof.version, "")
    return ServedChain(proof.certificates, suite(proof.suite).authentication, protocol, proved=True)


def _from_flight(flight: Flight) -> ServedChain:
    protocol = VERSION_NAMES.get(flight.hello.version, "")
    return ServedChain(flight.certificates, suite(flight.hello.suite).authentication, protocol, proved=False)


def protocol_name(name: str) -> str:
    """OpenSSL's name of it as ours."""
    return "TLSv1.0" if name == "TLSv1" else name
