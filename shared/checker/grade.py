# SPDX-License-Identifier: Apache-2.0
"""A letter for the configuration of a server, and the rule that set it.

The arithmetic is that of the SSL Server Rating Guide of SSL Labs, version 2009q: three scores, weighed 30, 30 and 40,
and rules that cap the letter whatever the scores say.
"""

from __future__ import annotations

from collections.abc import Iterator

from shared.checker.verdict import Grade
from shared.probe.suites import Suite, named
from shared.probe.survey import Survey

_PROTOCOL_SCORES = {"SSLv2": 0, "SSLv3": 80, "TLSv1.0": 90, "TLSv1.1": 95, "TLSv1.2": 100, "TLSv1.3": 100}
_LETTERS = ((80, "A"), (65, "B"), (50, "C"), (35, "D"), (20, "E"), (0, "F"))
_ORDER = ("A+", "A", "B", "C", "D", "E", "F", "M", "T")
_NEEDED = ("TLSv1.0", "TLSv1.1", "TLSv1.2", "TLSv1.3")
HALF_A_YEAR_S = 180 * 24 * 3600


def grade(
    survey: Survey,
    *,
    key_bits: int,
    trusted: bool | None,
    right_name: bool,
    chain_complete: bool,
    revoked: bool = False,
) -> Grade:
    """The grade of an advanced survey. `key_bits` is the strength of the leaf's key as an RSA size."""
    if survey.failure:
        return Grade("", "unreachable", f"Not graded: {survey.failure_detail or survey.failure}.")
    if survey.depth != "advanced":
        return Grade("", "basic", "Not graded: a basic check does not look at protocols and cipher suites.")
    unknown = [name for name in _NEEDED if name not in survey.protocols or survey.protocols[name].offered is None]
    if unknown:
        return Grade("", "incomplete", f"Not graded: {', '.join(unknown)} could not be looked at.")
    offered = [name for name, offer in survey.protocols.items() if offer.offered]
    suites = offered_suites(survey)
    if not offered or not suites:
        return Grade("", "nothing", "Not graded: no protocol version was offered.")
    protocol = (max(map(_PROTOCOL_SCORES.__getitem__, offered)) + min(map(_PROTOCOL_SCORES.__getitem__, offered))) // 2
    exchange = _key_exchange(survey, suites, key_bits)
    cipher = (max(map(_cipher, suites)) + min(map(_cipher, suites))) // 2
    score = round(0.3 * protocol + 0.3 * exchange + 0.4 * cipher)
    letter = next(letter for least, letter in _LETTERS if score >= least)
    found = list(_caps(survey, offered, suites, chain_complete=chain_complete))
    if 0 in (protocol, exchange):
        found.append(("F", "zero_score", "One of the three scores is zero."))
    found.append((letter, "score", f"The scores make {score} of 100."))
    if revoked:
        found.append(("T", "revoked", "The certificate was revoked."))
    if trusted is False:
        found.append(("T", "not_trusted", "The certificate is not trusted."))
    if not right_name:
        found.append(("M", "wrong_name", "The certificate is for other names."))
    letter, rule, words = max(found, key=lambda each: _ORDER.index(each[0]))
    if letter == "A" and len(found) == 1 and _long_hsts(survey):
        letter, rule, words = "A+", "strict_transport", "Nothing caps the grade, and HSTS lasts half a year or longer."
    return Grade(letter, rule, words, score, protocol, exchange, cipher)


def offered_suites(survey: Survey) -> list[Suite]:
    """Every suite that any version offers, once each."""
    names = dict.fromkeys(name for offer in survey.protocols.values() for name in offer.suites)
    return [one for one in map(named, names) if one is not None]


def _caps(
    survey: Survey, offered: list[str], suites: list[Suite], *, chain_complete: bool
) -> Iterator[tuple[str, str, str]]:
    vulnerable = [name for name, fact in survey.holes.items() if fact.value]
    old, new = {"TLSv1.0", "TLSv1.1"} & set(offered), {"TLSv1.2", "TLSv1.3"} & set(offered)
    primes = [one.bits for one in survey.finite_fields]
    for holds, letter, rule, words in (
        (vulnerable, "F", "known_hole", f"The server has a known hole: {', '.join(vulnerable)}."),
        ("SSLv2" in offered, "F", "ssl2", "SSL 2.0 is offered."),
        (any(one.anonymous for one in suites), "F", "anonymous", "Suites without authentication are offered."),
        (any(one.bits == 0 for one in suites), "F", "null", "Suites without encryption are offered."),
        (any(one.export for one in suites), "F", "export", "Export suites are offered."),
        (any(bits < 1024 for bits in primes), "F", "small_dh", "DH groups below 1024 bits are used."),
        ("SSLv3" in offered, "C", "ssl3", "SSL 3.0 is offered (POODLE)."),
        (any(one.cipher == "RC4" for one in suites), "C", "rc4", "RC4 is offered."),
        (
            any(one.cipher in ("3DES", "DES", "IDEA", "RC2") for one in suites),
            "C",
            "small_blocks",
            "Ciphers with blocks of 64 bits are offered (SWEET32).",
        ),
        (_is(survey, "compression"), "C", "compression", "TLS compression is on (CRIME)."),
        (not new, "C", "no_tls12", "Neither TLS 1.2 nor TLS 1.3 is offered."),
        (old, "B", "old_tls", "TLS 1.0 or TLS 1.1 is offered (RFC 8996)."),
        (
            not any(one.forward_secret for one in suites),
            "B",
            "no_forward_secrecy",
            "No suite keeps recorded traffic safe when the key leaks.",
        ),
        (any(1024 <= bits < 2048 for bits in primes), "B", "weak_dh", "DH groups below 2048 bits are used."),
        (not chain_complete, "B", "incomplete_chain", "The chain is not complete."),
    ):
        if holds:
            yield letter, rule, words


def _key_exchange(survey: Survey, suites: list[Suite], key_bits: int) -> int:
    if any(one.anonymous for one in suites):
        return 0
    if any(one.export for one in suites):
        return 40
    bits = min([key_bits, *(one.bits for one in survey.finite_fields)])
    return next(score for least, score in ((4096, 100), (2048, 90), (1024, 80), (512, 40), (0, 20)) if bits >= least)


def _cipher(one: Suite) -> int:
    return next(score for least, score in ((256, 100), (128, 80), (1, 20), (0, 0)) if one.bits >= least)


def _is(survey: Survey, feature: str) -> bool:
    fact = survey.features.get(feature)
    return fact is not None and fact.value is True


def _long_hsts(survey: Survey) -> bool:
    return survey.web is not None and strict_transport_s(survey.web.headers) >= HALF_A_YEAR_S


def strict_transport_s(headers: dict[str, str]) -> int:
    """The max-age of Strict-Transport-Security in seconds (RFC 6797 §6.1.1); -1 when there is none."""
    for part in headers.get("strict-transport-security", "").split(";"):
        key, _, value = part.strip().partition("=")
        if key.lower() == "max-age" and value.strip('"').isdigit():
            return int(value.strip('"'))
    return -1
