# SPDX-License-Identifier: Apache-2.0
"""Finds what there is to say about an endpoint: rules that yield codes of the table and the values of its sentences."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from cryptography.hazmat.primitives.asymmetric import rsa

from shared.checker.evidence import Evidence
from shared.checker.finding_table import FINDINGS
from shared.checker.grade import HALF_A_YEAR_S, offered_suites, strict_transport_s
from shared.checker.leaf_facts import ReadChain, alternative_names
from shared.checker.revocation import responders
from shared.checker.trust import Trust, is_for
from shared.checker.trust_findings import Found, of_evidence
from shared.checker.verdict import SEVERITIES, Finding
from shared.checker.weak_keys import has_close_primes, has_roca_mark
from shared.probe.groups import GROUPS
from shared.probe.suites import Suite
from shared.probe.survey import Survey

SOON_DAYS = 30
_SHOWN = 6
_WEAK_HASHES = ("md5", "sha1", "md2", "md4")


def findings(
    survey: Survey, chain: ReadChain | None, trusts: Sequence[Trust], evidence: Evidence | None, at: datetime
) -> list[Finding]:
    """Everything that is found, the severest first."""
    found: list[Found] = []
    if chain is not None:
        found += _of_certificate(chain, survey.server_name or survey.address, at)
        found += _of_trust(chain, trusts)
    if evidence is not None:
        found += of_evidence(evidence, survey, trusted=any(one.trusted for one in trusts))
    if survey.depth == "advanced" and not survey.failure:
        found += _of_protocols(survey)
        found += _of_suites(survey)
        found += _of_holes(survey, has_responder=chain is None or bool(responders(chain.certificates[0])))
        found += _of_web(survey)
        found += _of_post_quantum(survey)
    made = [_made(code, values) for code, values in found]
    return sorted(made, key=lambda one: (SEVERITIES.index(one.severity), one.code))


def _made(code: str, values: dict[str, object]) -> Finding:
    known = FINDINGS[code]
    plain = {name: str(value) for name, value in values.items()}
    cures = {"nginx": known.nginx, "Apache": known.apache, "Tomcat": known.tomcat, "DNS": known.dns}
    filled = {server: _filled(line, plain) for server, line in cures.items() if line}
    return Finding(code, known.severity, known.text.format(**plain), plain, filled)


def _filled(line: str, plain: dict[str, str]) -> str:
    """Lines of configuration have braces of their own: only those around a value's name are filled."""
    for name, value in plain.items():
        line = line.replace(f"{{{name}}}", value)
    return line


def _of_certificate(chain: ReadChain, host: str, at: datetime) -> Iterator[Found]:
    leaf = chain.leaf
    until, since = f"{leaf.not_after:%Y-%m-%d %H:%M} UTC", f"{leaf.not_before:%Y-%m-%d %H:%M} UTC"
    if leaf.not_after <= at:
        yield "expired", {"until": until}
    elif leaf.not_before > at:
        yield "not_yet_valid", {"since": since}
    elif (leaf.not_after - at).days < SOON_DAYS:
        yield "expires_soon", {"days": (leaf.not_after - at).days, "until": until}
    if not alternative_names(chain.certificates[0]):
        yield "no_names", {}
    elif not is_for(host, leaf.names):
        yield "wrong_name", {"host": host, "names": _some(leaf.names)}
    if leaf.is_ca:
        yield "ca_as_leaf", {}
    for one in chain.facts:
        # The signature of a root is not what makes it trusted.
        if one.issuer != one.subject and one.signature_hash.lower().replace("-", "") in _WEAK_HASHES:
            yield "weak_signature", {"name": one.subject, "hash": one.signature_hash.upper()}
    key = chain.certificates[0].public_key()
    if isinstance(key, rsa.RSAPublicKey):
        yield from _of_rsa(key.public_numbers(), key.key_size)
    yield ("key_proved" if chain.proved else "key_not_proved"), {}


def _of_rsa(numbers: rsa.RSAPublicNumbers, bits: int) -> Iterator[Found]:
    if bits < 2048:
        yield "small_key", {"bits": bits}
    if numbers.e % 2 == 0 or numbers.e < 65537:  # BR 6.1.6
        yield "even_exponent", {"exponent": numbers.e}
    if has_close_primes(numbers.n):
        yield "fermat_key", {}
    if has_roca_mark(numbers.n):
        yield "roca_key", {}


def _of_trust(chain: ReadChain, trusts: Sequence[Trust]) -> Iterator[Found]:
    trusted = any(one.trusted for one in trusts)
    if chain.self_signed and not trusted:
        yield "self_signed", {}
    elif not trusted:
        for one in trusts:
            yield "not_trusted", {"store": one.store, "reason": one.reason.rstrip(".")}
    if len(chain.facts) == 1 and not chain.self_signed:
        yield "chain_incomplete", {"issuer": chain.leaf.issuer}
    if not chain.in_order:
        yield "chain_order", {}
    if chain.root_sent:
        yield "root_sent", {}


def _of_protocols(survey: Survey) -> Iterator[Found]:
    offered = {name for name, offer in survey.protocols.items() if offer.offered}
    known = {name for name, offer in survey.protocols.items() if offer.offered is not None}
    if "SSLv2" in offered:
        yield "ssl2", {}
    if "SSLv3" in offered:
        yield "ssl3", {}
    if old := [name for name in ("TLSv1.0", "TLSv1.1") if name in offered]:
        yield "old_tls", {"versions": " and ".join(old)}
    if "TLSv1.0" in offered and any(s.mode == "CBC" for s in offered_suites(survey)):
        yield "beast", {}
    if {"TLSv1.2", "TLSv1.3"} <= known and not {"TLSv1.2", "TLSv1.3"} & offered:
        yield "no_tls12", {}
    elif "TLSv1.3" in known:
        yield ("tls13" if "TLSv1.3" in offered else "no_tls13"), {}
    if offered - {"TLSv1.2", "TLSv1.3"} and _is(survey, "fallback_scsv") is False:
        yield "no_fallback_scsv", {}


def _of_suites(survey: Survey) -> Iterator[Found]:
    suites = offered_suites(survey)
    for code, weak in (
        ("anonymous", [one for one in suites if one.anonymous]),
        ("null", [one for one in suites if one.bits == 0]),
        ("export", [one for one in suites if one.export]),
        ("rc4", [one for one in suites if one.cipher == "RC4" and not one.export]),
        ("small_blocks", [one for one in suites if one.cipher in ("3DES", "DES", "IDEA", "RC2") and not one.export]),
    ):
        if weak:
            yield code, {"suites": _names(weak)}
    open_ = [one for one in suites if not one.forward_secret]
    if suites and len(open_) == len(suites):
        yield "no_forward_secrecy", {}
    elif open_:
        yield "some_without_secrecy", {"suites": _names(open_)}
    if blocks := [one for one in suites if one.mode == "CBC"]:
        yield "cbc", {"count": len(blocks)}
    if any(offer.preference == "client" and len(offer.suites) > 1 for offer in survey.protocols.values()):
        yield "client_order", {}
    small = [one.bits for one in survey.finite_fields if one.bits < 2048]
    if small:
        yield "small_dh", {"bits": min(small)}


def _of_holes(survey: Survey, *, has_responder: bool) -> Iterator[Found]:
    for code in ("heartbleed", "ccs_injection", "ticketbleed", "robot", "winshock"):
        fact = survey.holes.get(code)
        if fact is not None and fact.value:
            yield code, {}
    for feature, bad, code in (
        ("compression", True, "compression"),
        ("secure_renegotiation", False, "insecure_renegotiation"),
        ("client_renegotiation", True, "client_renegotiation"),
        ("early_data", True, "early_data"),
        ("server_side_random_reuse", True, "random_reuse"),
    ):
        if _is(survey, feature) is bad:
            yield code, {}
    if has_responder and _is(survey, "stapling") is False:  # without a responder there is nothing to staple
        yield "no_stapling", {}


def _of_web(survey: Survey) -> Iterator[Found]:
    web = survey.web
    if web is None or web.reason:
        return
    if web.plain_status and not web.plain_location.lower().startswith("https://"):
        yield "no_redirect", {"host": survey.server_name}
    seconds = strict_transport_s(web.headers)
    days: dict[str, object] = {"days": seconds // 86400}
    if seconds < 0:
        yield "no_hsts", {}
    else:
        yield ("hsts" if seconds >= HALF_A_YEAR_S else "short_hsts"), days
    server = web.headers.get("server", "")
    if any(character.isdigit() for character in server):
        yield "banner", {"server": server[:80]}
    if web.compresses:
        yield "breach", {}
    for cookie in web.cookies:
        parts = [part.strip().lower() for part in cookie.split(";")]
        if "secure" not in parts[1:]:
            yield "open_cookie", {"cookie": cookie.partition(";")[0][:60]}


def _of_post_quantum(survey: Survey) -> Iterator[Found]:
    if not survey.groups_checked:
        return
    quantum_safe = {one.name for one in GROUPS.values() if one.post_quantum}
    groups = [name for name in survey.groups if name in quantum_safe]
    yield ("post_quantum", {"groups": _some(groups)}) if groups else ("no_post_quantum", {})


def _is(survey: Survey, feature: str) -> bool | None:
    fact = survey.features.get(feature)
    return None if fact is None else fact.value


def _names(suites: Iterable[Suite]) -> str:
    return _some([one.name for one in suites])


def _some(names: Sequence[str]) -> str:
    more = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
