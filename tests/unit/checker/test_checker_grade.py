# SPDX-License-Identifier: Apache-2.0
"""The golden table: what a server offers, the grade, and the rule that set it."""

from dataclasses import replace

import pytest

from shared.checker.grade import grade, strict_transport_s
from shared.probe.survey import Fact, FiniteField, Offer, Web
from tests.unit.checker.conftest import GOOD, sound, with_protocols

BASE = sound()


def offer(*suites):
    return Offer(offered=True, suites=suites or GOOD)


def tls12(*suites):
    return with_protocols(BASE, TLSv1_2=offer(*suites))


def prime(bits):
    return replace(
        BASE,
        finite_fields=(FiniteField(bits, "ff", "", "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256"),),
    )


def hole(name):
    return replace(BASE, holes={**BASE.holes, name: Fact(True)})


ONLY_OLD = with_protocols(
    BASE, TLSv1_0=offer("TLS_RSA_WITH_AES_128_CBC_SHA"), TLSv1_2=Offer(False), TLSv1_3=Offer(False)
)
NO_HSTS = replace(BASE, web=Web(status=200))
CASES = [
    (BASE, {}, "A+", "strict_transport"),
    (NO_HSTS, {}, "A", "score"),
    (replace(BASE, web=None), {}, "A", "score"),
    (replace(BASE, web=Web(headers={"strict-transport-security": "max-age=86400"})), {}, "A", "score"),
    (with_protocols(BASE, TLSv1_3=Offer(False)), {}, "A+", "strict_transport"),
    (with_protocols(BASE, TLSv1_1=offer()), {}, "B", "old_tls"),
    (with_protocols(BASE, TLSv1_0=offer()), {}, "B", "old_tls"),
    (with_protocols(BASE, TLSv1_0=offer(), TLSv1_1=offer()), {}, "B", "old_tls"),
    (with_protocols(BASE, SSLv3=offer()), {}, "C", "ssl3"),
    (with_protocols(BASE, SSLv3=offer(), TLSv1_0=offer()), {}, "C", "ssl3"),
    (with_protocols(BASE, SSLv2=offer("SSL_CK_RC4_128_WITH_MD5")), {}, "F", "ssl2"),
    (with_protocols(BASE, SSLv2=offer("SSL_CK_DES_192_EDE3_CBC_WITH_MD5")), {}, "F", "ssl2"),
    (ONLY_OLD, {}, "C", "no_tls12"),
    (tls12(*GOOD, "TLS_RSA_WITH_RC4_128_SHA"), {}, "C", "rc4"),
    (tls12(*GOOD, "TLS_ECDHE_RSA_WITH_RC4_128_SHA"), {}, "C", "rc4"),
    (tls12(*GOOD, "TLS_RSA_WITH_3DES_EDE_CBC_SHA"), {}, "C", "small_blocks"),
    (tls12(*GOOD, "TLS_RSA_WITH_DES_CBC_SHA"), {}, "C", "small_blocks"),
    (tls12(*GOOD, "TLS_RSA_WITH_IDEA_CBC_SHA"), {}, "C", "small_blocks"),
    (tls12(*GOOD, "TLS_RSA_WITH_AES_128_GCM_SHA256"), {}, "A+", "strict_transport"),
    (
        with_protocols(BASE, TLSv1_2=offer("TLS_RSA_WITH_AES_128_GCM_SHA256"), TLSv1_3=Offer(False)),
        {},
        "B",
        "no_forward_secrecy",
    ),
    (tls12(*GOOD, "TLS_DH_anon_WITH_AES_128_CBC_SHA"), {}, "F", "anonymous"),
    (tls12(*GOOD, "TLS_ECDH_anon_WITH_AES_128_CBC_SHA"), {}, "F", "anonymous"),
    (tls12(*GOOD, "TLS_RSA_WITH_NULL_SHA256"), {}, "F", "null"),
    (tls12(*GOOD, "TLS_ECDHE_ECDSA_WITH_NULL_SHA"), {}, "F", "null"),
    (tls12(*GOOD, "TLS_RSA_EXPORT_WITH_RC4_40_MD5"), {}, "F", "export"),
    (tls12(*GOOD, "TLS_RSA_EXPORT1024_WITH_DES_CBC_SHA"), {}, "F", "export"),
    (prime(512), {}, "F", "small_dh"),
    (prime(768), {}, "F", "small_dh"),
    (prime(1024), {}, "B", "weak_dh"),
    (prime(1536), {}, "B", "weak_dh"),
    (prime(2048), {}, "A+", "strict_transport"),
    (hole("heartbleed"), {}, "F", "known_hole"),
    (hole("ccs_injection"), {}, "F", "known_hole"),
    (hole("ticketbleed"), {}, "F", "known_hole"),
    (hole("robot"), {}, "F", "known_hole"),
    (replace(BASE, features={**BASE.features, "compression": Fact(True)}), {}, "C", "compression"),
    (BASE, {"chain_complete": False}, "B", "incomplete_chain"),
    (BASE, {"trusted": False}, "T", "not_trusted"),
    (BASE, {"right_name": False}, "M", "wrong_name"),
    (BASE, {"right_name": False, "trusted": False}, "T", "not_trusted"),
    (hole("robot"), {"trusted": False}, "T", "not_trusted"),
    (BASE, {"revoked": True}, "T", "revoked"),
    (BASE, {"revoked": True, "trusted": False}, "T", "revoked"),
    (BASE, {"revoked": True, "right_name": False}, "T", "revoked"),
    (hole("robot"), {"revoked": True}, "T", "revoked"),
    (BASE, {"key_bits": 1024}, "A+", "strict_transport"),
    (BASE, {"key_bits": 512}, "B", "score"),
    (replace(BASE, depth="basic"), {}, "", "basic"),
    (replace(BASE, failure="refused"), {}, "", "unreachable"),
    (with_protocols(BASE, TLSv1_2=Offer(None, "cut short")), {}, "", "incomplete"),
    (with_protocols(BASE, TLSv1_2=Offer(False), TLSv1_3=Offer(False)), {}, "", "nothing"),
]


@pytest.mark.parametrize(("survey", "changes", "letter", "rule"), CASES)
def test_the_grade_names_the_rule_that_set_it(survey, changes, letter, rule):
    asked = {"key_bits": 3072, "trusted": True, "right_name": True, "chain_complete": True, **changes}
    found = grade(survey, **asked)
    assert (found.letter, found.rule) == (letter, rule)
    assert found.words.endswith(".")


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("max-age=31536000; includeSubDomains; preload", 31536000),
        ('Max-Age="10"', 10),
        ("includeSubDomains", -1),
        ("max-age=ten", -1),
        ("", -1),
    ],
)
def test_the_age_of_hsts_is_read_as_its_rule_says(header, seconds):
    assert strict_transport_s({"strict-transport-security": header}) == seconds
