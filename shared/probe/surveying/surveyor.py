# SPDX-License-Identifier: Apache-2.0
"""One survey: holds every inquiry with one endpoint at once and puts together what they brought."""

from __future__ import annotations

import functools
import ipaddress
import time
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from typing import Callable

from shared.probe.chain import Flight, Proof
from shared.probe.hello import SSL3, TLS10, TLS11, TLS12, TLS13, VERSION_NAMES
from shared.probe.loop import Limits
from shared.probe.openssl import Hands
from shared.probe.outcome import Failed, Failure
from shared.probe.starttls import STARTTLS, after_starttls
from shared.probe.suites import suite
from shared.probe.survey import FEATURES, HOLES, PROTOCOLS, Fact, Offer, ServedChain, Survey
from shared.probe.surveying.after_handshake import Young, early_data_fact, survey_renegotiation, survey_young
from shared.probe.surveying.features import (
    from_handshakes,
    survey_alpn,
    survey_extensions,
    survey_fallback,
    survey_versions,
)
from shared.probe.surveying.implementation_holes import survey_ccs, survey_heartbleed
from shared.probe.surveying.inquiry import Inquirer, Inquiry, together
from shared.probe.surveying.key_groups import names_of, survey_fields, survey_groups
from shared.probe.surveying.offers import survey_protocol, survey_ssl2
from shared.probe.surveying.resumption import survey_session_ids, survey_ticketbleed
from shared.probe.surveying.robot import survey_robot
from shared.probe.surveying.served import Seen, chains_of, look_basic, look_by_suites, look_closely, protocol_name
from shared.probe.surveying.web import ask_plainly, survey_web

BASIC, ADVANCED = "basic", "advanced"
Progress = Callable[[int, int, str], None]
_VERSIONS = (SSL3, TLS10, TLS11, TLS12, TLS13)


@dataclass(frozen=True)
class SurveyLimits:
    """Bounds of one survey, in seconds, connections at once, and bytes for each connection."""

    at_once: int = 16
    connect_s: float = 3.0
    talk_s: float = 5.0
    basic_s: float = 8.0
    advanced_s: float = 30.0
    received: int = 256 * 1024


def survey(
    address: str,
    port: int,
    *,
    server_name: str,
    starttls: str = "",
    depth: str = BASIC,
    limits: SurveyLimits = SurveyLimits(),
    web: bool = True,
    plain_port: int = 0,
    progress: Progress | None = None,
    stopped: Callable[[], bool] = lambda: False,
) -> Survey:
    """Looks at `address:port`, an IP literal that the caller may dial, asking for `server_name` (A-labels; "" for no
    name). An advanced survey asks for the page `/` where `web` is True and there is no STARTTLS, and once more by plain
    HTTP on `plain_port` of the same address, unless that is 0. `progress` gets done, planned so far, and what was last.
    `stopped` is asked all the time, and True ends the survey with what it has.

    Never raises for what the network or the peer does: `Survey.failure` says why nothing was seen, and every part that
    is missing has its reason. Raises ValueError for a depth or a STARTTLS protocol that does not exist, or for a name
    that is not ASCII.
    """
    if not server_name.isascii():
        raise ValueError(f"{server_name!r} is no name of A-labels")
    if depth not in (BASIC, ADVANCED) or starttls not in ("", *STARTTLS):
        raise ValueError(f"no survey of depth {depth!r} by STARTTLS {starttls!r}")
    blank = Survey(address, port, server_name, starttls, depth, _now(), 0.0, 0)
    try:
        ipaddress.ip_address(address)
    except ValueError:
        return replace(blank, failure=Failure.BAD_ADDRESS.value, failure_detail=f"{address!r} is not an IP address")
    if not 0 < port < 65536:
        return replace(blank, failure=Failure.BAD_ADDRESS.value, failure_detail=f"{port} is not a port")
    started = time.monotonic()
    inquirer = Inquirer(
        address,
        port,
        Limits(in_flight=64, connect_s=limits.connect_s, talk_s=limits.talk_s, received=limits.received),
        at_once=limits.at_once,
        deadline_s=limits.basic_s if depth == BASIC else limits.advanced_s,
        opening=functools.partial(after_starttls, starttls) if starttls else None,
        progress=progress,
        stopped=stopped,
    )
    asked = _asked(server_name)
    filled = inquirer.hold(
        _basic(blank, asked) if depth == BASIC else _advanced(blank, asked, wants_web=web, plain_port=plain_port)
    )
    failed = inquirer.hopeless
    if failed is not None and not filled.failure:
        filled = replace(filled, failure=failed.failure.value, failure_detail=failed.detail)
    return replace(filled, took_s=round(time.monotonic() - started, 3), connections=inquirer.connections)


def _asked(server_name: str) -> str | None:
    """What stands in the hello: RFC 6066 §3 allows no addresses there."""
    try:
        ipaddress.ip_address(server_name.strip("[]"))
    except ValueError:
        return server_name or None
    return None


def _basic(blank: Survey, server_name: str | None) -> Inquiry[Survey]:
    seen = yield from look_basic(server_name)
    return _with_handshakes(blank, seen)


def _advanced(blank: Survey, server_name: str | None, *, wants_web: bool, plain_port: int) -> Inquiry[Survey]:
    asks_web = wants_web and not blank.starttls
    (
        seen,
        offers,
        groups,
        fields,
        extensions,
        intolerance,
        alpn,
        ids,
        heartbleed,
        ccs,
        bleeds,
        robot,
        anew,
        young,
        plain,
    ) = yield from together(
        look_closely(server_name),
        _survey_offers(server_name),
        survey_groups(server_name),
        survey_fields(server_name),
        survey_extensions(server_name),
        survey_versions(server_name),
        survey_alpn(server_name),
        survey_session_ids(server_name),
        survey_heartbleed(server_name),
        survey_ccs(server_name),
        survey_ticketbleed(server_name),
        survey_robot(server_name),
        survey_renegotiation(server_name),
        survey_young(server_name),
        ask_plainly(blank.server_name, plain_port) if asks_web else _nothing(),
    )
    protocols, fallback, ssl2_leaf = offers
    features = {
        **from_handshakes(seen, server_name),
        **extensions,
        "version_intolerance": intolerance,
        "fallback_scsv": fallback,
        "session_ids": ids,
        "client_renegotiation": anew,
        "early_data": early_data_fact(young),
    }
    if features["client_certificate"].value is None and isinstance(young, Young):
        features["client_certificate"] = Fact(young.client_certificate)
    holes = {
        "heartbleed": heartbleed,
        "ccs_injection": ccs,
        "ticketbleed": bleeds,
        "robot": robot,
        "winshock": Fact(None, "nothing that a server answers tells of it, but a harmful request"),
    }
    if protocols["TLSv1.3"].offered and all(protocols[name].offered is False for name in PROTOCOLS[:-1]):
        # RFC 8446 §1.2, §4.1.2: it knows neither compression nor renegotiation nor any of what these holes were in.
        alone = Fact(False, detail="the server speaks TLS 1.3 alone")
        features.update(compression=alone, client_renegotiation=alone)
        holes.update(heartbleed=alone, ccs_injection=alone, ticketbleed=alone)
    filled = replace(
        _with_handshakes(blank, seen),
        protocols=protocols,
        groups=names_of(groups),
        groups_checked=groups.checked,
        finite_fields=fields,
        alpn=alpn.accepted,
        alpn_checked=not alpn.lacking,
        features={name: _as_fact(features.get(name)) for name in FEATURES},
        holes={name: _as_fact(holes[name]) for name in HOLES},
    )
    if filled.failure and any(offer.offered for offer in protocols.values()):
        filled = replace(filled, failure="", failure_detail="")
    if not filled.chains:
        filled = replace(filled, chains=(yield from look_by_suites(protocols, server_name)))
    if ssl2_leaf and all(chain.certificates[0] != ssl2_leaf for chain in filled.chains):
        old = ServedChain((ssl2_leaf,), "RSA", "SSLv2", proved=False, with_server_name=False)
        filled = replace(filled, chains=(*filled.chains, old))
    if asks_web:
        # At last: a server of one connection at a time that never answers HTTP would keep all others waiting.
        filled = replace(filled, web=(yield from survey_web(blank.server_name, plain)))
    return filled


def _survey_offers(server_name: str | None) -> Inquiry[tuple[dict[str, Offer], Fact, bytes]]:
    """The protocols, what can be asked only by who knows them, and the certificate of SSL 2.0."""
    ssl2, *offers = yield from together(
        survey_ssl2(), *(survey_protocol(version, server_name) for version in _VERSIONS)
    )
    protocols: dict[str, Offer] = {"SSLv2": ssl2[0]}
    protocols.update(zip((VERSION_NAMES[version] for version in _VERSIONS), offers))
    offered = {version: offer.offered for version, offer in zip(_VERSIONS, offers)}
    fallback = yield from survey_fallback(offered, server_name)
    return protocols, fallback, ssl2[1]


def _nothing() -> Inquiry[None]:
    yield from together()


def _as_fact(found: object) -> Fact:
    return found if isinstance(found, Fact) else Fact(None, "this look does not tell")


def _with_handshakes(blank: Survey, seen: Seen) -> Survey:
    attached = seen.attached
    protocol, name, failed = _negotiated(seen)
    return replace(
        blank,
        chains=chains_of(seen),
        stapled_ocsp=next((found for one in attached if (found := _stapled(one.stapled))), b""),
        tls_scts=next((one.stamps for one in attached if one.stamps), b""),
        server_clock_s=_clock(seen.flight.hello.random) if isinstance(seen.flight, Flight) else None,
        negotiated_protocol=protocol,
        negotiated_suite=name,
        failure=failed.failure.value if failed else "",
        failure_detail=failed.detail if failed else "",
    )


def _negotiated(seen: Seen) -> tuple[str, str, Failed | None]:
    """The protocol and the suite that came of it, or why none did."""
    usual, flight = seen.usual, seen.flight
    if isinstance(usual, Hands):
        return protocol_name(usual.protocol), suite(usual.suite).name, None
    if isinstance(usual, Proof):
        return VERSION_NAMES[usual.version], suite(usual.suite).name, None
    for young in seen.young_flights.values():  # a suite that `ssl` does not have
        return VERSION_NAMES[young.version], suite(young.suite).name, None
    if isinstance(flight, Flight):
        return VERSION_NAMES.get(flight.hello.version, ""), suite(flight.hello.suite).name, None
    return "", "", usual if flight.failure is Failure.ALERT and usual.alert < 0 else flight


def _stapled(status: bytes) -> bytes:
    """The OCSP response (DER) in a CertificateStatus (RFC 6066 §8)."""
    if len(status) < 4 or status[0] != 1:
        return b""
    return status[4 : 4 + int.from_bytes(status[1:4], "big")]


def _clock(random: bytes) -> int | None:
    """RFC 5246 §7.4.1.2: seconds since 1970, where a server still tells them: within a day of ours."""
    told = int.from_bytes(random[:4], "big")
    return told if abs(told - time.time()) < 86400 else None


def _now() -> str:
    return datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
