# SPDX-License-Identifier: Apache-2.0
"""Which protocols a server speaks, which cipher suites it takes in each, and who of both decides."""

from __future__ import annotations

from collections.abc import Sequence

from shared.probe.conversation import Outcome
from shared.probe.groups import CURVES, FIELDS
from shared.probe.hello import SSL3, TLS10, TLS11, TLS12, TLS13, VERSION_NAMES, ServerHello
from shared.probe.outcome import Failed, Failure
from shared.probe.suites import SSL2_KINDS, SUITES, TLS13_SUITES, suite
from shared.probe.survey import Offer
from shared.probe.surveying.elimination import (
    SERVER,
    Choose,
    Found,
    eliminate,
    eliminate_each,
    rank,
    refused,
)
from shared.probe.surveying.hellos import UNUSUAL, USUAL, hear, hello_of, only, suites_of, usual_order
from shared.probe.surveying.inquiry import Inquiry, ask, together
from shared.probe.surveying.ssl2 import ServerHello2, say_hello2

_PROTOCOL_VERSION = 70
_BY_ECDSA = suites_of(("ECDHE",), ("ECDSA",))
_BY_OTHER_KEYS = suites_of(("ECDHE", "DHE", "RSA"), ("RSA", "DSA")) + suites_of(("DH", "ECDH"), ("anon",))
_UNSURE = frozenset((Failure.TIMEOUT, Failure.STOPPED, Failure.REFUSED, Failure.UNREACHABLE, Failure.TOO_LONG))


def survey_ssl2() -> Inquiry[tuple[Offer, bytes]]:
    """What is offered in SSL 2.0, and the certificate (DER) that is shown there, or nothing."""
    hello: Outcome[ServerHello2] = yield from ask("SSLv2", say_hello2)
    if isinstance(hello, Failed):
        return _absent(hello), b""
    # CVE-2015-3197: a list without kinds is no refusal, servers took suites that they had not named.
    names = tuple(SSL2_KINDS[kind].name for kind in hello.kinds if kind in SSL2_KINDS)
    reason = "" if names else "the server answers in SSL 2.0 and names no cipher"
    return Offer(bool(names), reason, names, "client"), hello.certificate


def survey_protocol(version: int, server_name: str | None) -> Inquiry[Offer]:
    """What is offered in one of SSL 3.0 to TLS 1.3."""
    name = VERSION_NAMES[version]

    def choosing(groups: tuple[int, ...]) -> Choose[int]:
        def choose(offer: tuple[int, ...]) -> Inquiry[Outcome[int]]:
            hello = hello_of(version, offer, server_name, **({"groups": groups} if groups else {}))
            answer: Outcome[ServerHello] = yield from hear(f"{name} suites", hello)
            answer = only(answer, version)
            return answer if isinstance(answer, Failed) else answer.suite

        return choose

    choose, by_fields = choosing(()), choosing((*CURVES, *FIELDS))
    usual, unusual = _candidates(version)
    first = yield from choose(usual)
    if isinstance(first, Failed):
        if first.alert == _PROTOCOL_VERSION or not refused(first) or version == TLS13 or not _about_suites(first):
            return _absent(first)
        chunks = _dealt(unusual, 5)  # none of the usual ones
    elif first not in usual:
        return Offer(True, complete=False, reason="the server chose what was not offered")
    else:
        rest = tuple(code for code in usual if code != first)
        chunks = [rest] if version == TLS13 else _dealt(rest, 8 if version == TLS12 else 3) + _dealt(unusual, 5)
    found = yield from eliminate_each(choose, chunks)
    spoken = not isinstance(first, Failed) or any(one.accepted for one in found)
    if (version == TLS12 or (spoken and version in (TLS10, TLS11))) and not any(one.lacking for one in found):
        taken = {code for one in found for code in one.accepted}
        again = yield from _once_more(choose, by_fields, {*usual, *unusual} - taken - {first})
        found += again
        if any(SUITES[code].key_exchange in ("DHE", "DH") for code in again[0].accepted):
            choose = by_fields  # these are taken in no other hello
    return (yield from _offer(choose, first, found))


def _once_more(choose: Choose[int], by_fields: Choose[int], left: set[int]) -> Inquiry[list[Found[int]]]:
    """Asks for what was refused in mixed company once more, by kind of key: a server with two certificates may choose
    one by a suite that it then does not take, and refuse all others (Tomcat on Java's TLS).

    RFC 7919 §4: who names finite fields gets no other primes, but some servers do DHE for nobody else. So the fields
    are named only now, when it is known that no prime of the server's own would do.
    """
    chunks = [tuple(code for code in kind if code in left) for kind in (_BY_OTHER_KEYS, _BY_ECDSA)]
    others, ecdsa = yield from together(eliminate(by_fields, chunks[0]), eliminate(choose, chunks[1]))
    return [one if isinstance(one, Found) else Found((), str(one.detail)) for one in (others, ecdsa)]


def _offer(choose: Choose[int], first: Outcome[int], found: list[Found[int]]) -> Inquiry[Offer]:
    lists = [list(one.accepted) for one in found]
    if not isinstance(first, Failed):
        lists.append([first])
    lacking = next((one.lacking for one in found if one.lacking), "")
    if not any(lists):
        return Offer(None, lacking) if lacking else Offer(False, "no suite that we know is taken")
    preference, codes = yield from rank(choose, lists, usual_order())
    if preference != SERVER:
        codes = tuple(sorted(codes))
    return Offer(True, lacking, tuple(suite(code).name for code in codes), preference, complete=not lacking)


def _absent(failed: Failed) -> Offer:
    if failed.failure in _UNSURE:
        return Offer(None, f"{failed.failure.value}: {failed.detail}", complete=False)
    return Offer(False, failed.detail)


def _about_suites(failed: Failed) -> bool:
    """Whether the refusal may be meant for the suites: a version that was chosen instead is one for the version."""
    return not failed.detail.startswith("the server chose version")


def _candidates(version: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    if version == TLS13:
        return TLS13_SUITES, ()
    if version == SSL3:
        # RFC 8422 needs extensions for curves; without them servers take the usual ones.
        return tuple(code for code in USUAL if not _young(code)), UNUSUAL
    if version <= TLS11:
        return tuple(code for code in USUAL if not _young(code)), UNUSUAL + tuple(filter(_young, USUAL))
    return USUAL, UNUSUAL


def _young(code: int) -> bool:
    """Suites that RFC 5246 §1.2 and its followers allow from TLS 1.2 on."""
    return SUITES[code].aead or SUITES[code].mac in ("SHA256", "SHA384")


def _dealt(codes: Sequence[int], hands: int) -> list[tuple[int, ...]]:
    """The codes in so many chunks; neighbours, of which a server takes all or none, come into different ones."""
    return [tuple(codes[hand::hands]) for hand in range(hands)]
