# SPDX-License-Identifier: Apache-2.0
"""Each finding fires where it should, and a sound server has none that is worse than information."""

import datetime as dt
import json
import re
import string
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from shared.checker.finding_table import FINDINGS
from shared.checker.judge import judge
from shared.checker.trust import Store, is_for
from shared.checker.verdict import SEVERITIES
from shared.probe.survey import Fact, FiniteField, Offer, ServedChain, Survey, Web
from tests.unit.checker.conftest import GOOD, NOW, certificate, responder_at, sound, with_protocols


@pytest.fixture(scope="session")
def own(root):
    from cryptography.x509.verification import Store as Roots

    return Store("Own", Roots([root[0]]))


@pytest.fixture(scope="session")
def base(leaf, middle):
    return sound(leaf, middle[0])


def codes(survey, *stores, at=NOW):
    return {one.code for one in judge(survey, at=at, stores=stores).findings}


def test_a_sound_server_has_good_news_only_beside_what_public_logs_would_say(base, own):
    verdict = judge(base, at=NOW, stores=[own])
    assert verdict.grade.letter == "A+"
    assert {one.code for one in verdict.findings} == {"hsts", "key_proved", "no_scts", "post_quantum", "tls13"}
    rows = {row.code: row for row in verdict.rows}
    assert rows["trusted"].value == "yes"
    assert rows["trusted_mozilla"].value == "no"
    assert not rows["trusted_microsoft"].checked
    assert rows["valid_to"].value == "2027-02-24 12:00:00 UTC"
    assert json.loads(json.dumps(verdict.to_json()))["worst"] == "low"


def test_moments_decide_what_is_valid(base, own):
    assert "expired" in codes(base, own, at=NOW + dt.timedelta(days=90))
    assert "expires_soon" in codes(base, own, at=NOW + dt.timedelta(days=61))
    assert not {"expired", "expires_soon"} & codes(base, own, at=NOW + dt.timedelta(days=60))
    assert "not_yet_valid" in codes(base, own, at=NOW - dt.timedelta(days=11))


def test_chains_that_are_not_as_they_should_be(base, leaf, middle, root, own):
    assert "chain_incomplete" in codes(sound(leaf), own)
    assert "chain_order" in codes(sound(leaf, root[0], middle[0]), own)
    assert "root_sent" in codes(sound(leaf, middle[0], root[0]), own)
    assert "not_trusted" in codes(base)
    assert "not_trusted" not in codes(base, own)
    alone = sound(certificate()[0])
    assert "self_signed" in codes(alone)
    assert judge(alone, at=NOW).grade.letter == "T"
    assert "ca_as_leaf" in codes(sound(certificate(ca=True)[0]))
    assert "no_names" in codes(sound(certificate(())[0]))


def test_the_name_that_was_asked_for_decides(base, own):
    assert "wrong_name" in codes(replace(base, server_name="shop.example.test"), own)
    assert judge(replace(base, server_name="shop.example.test"), at=NOW, stores=[own]).grade.letter == "M"


@pytest.mark.parametrize(
    ("host", "names", "fits"),
    [
        ("a.example.test", ["*.example.test"], True),
        ("A.Example.Test.", ["a.example.test"], True),
        ("a.b.example.test", ["*.example.test"], False),
        ("example.test", ["*.example.test"], False),
        ("xa.example.test", ["x*.example.test"], False),
        ("192.0.2.1", ["192.0.2.1"], True),
        ("test", ["*.test"], False),
    ],
)
def test_names_match_by_whole_labels(host, names, fits):
    assert is_for(host, names) is fits


def test_weak_keys_are_told_by_their_public_half(middle, own):
    small = certificate(key=rsa.generate_private_key(65537, 1024), issuer=middle[0], signer=middle[1])[0]
    assert "small_key" in codes(sound(small, middle[0]), own)


def test_what_cannot_be_read_is_no_certificate_and_no_error(own):
    broken = replace(sound(), chains=(ServedChain((b"garbage",), "RSA", "TLSv1.2", proved=False),))
    assert judge(broken, at=NOW, stores=[own]).rows == ()


def feature(name, value):
    return lambda base: replace(base, features={**base.features, name: Fact(value)})


def suites(*names):
    return lambda base: with_protocols(base, TLSv1_2=Offer(True, suites=(*GOOD, *names)))


def web(**changes):
    return lambda base: replace(base, web=Web(**{"status": 200, "headers": dict(base.web.headers), **changes}))


OLD = Offer(True, suites=("TLS_RSA_WITH_AES_128_CBC_SHA",))
FIRES = {
    "ssl2": lambda base: with_protocols(base, SSLv2=Offer(True, suites=("SSL_CK_RC4_128_WITH_MD5",))),
    "ssl3": lambda base: with_protocols(base, SSLv3=OLD),
    "old_tls": lambda base: with_protocols(base, TLSv1_1=OLD),
    "beast": lambda base: with_protocols(base, TLSv1_0=OLD),
    "no_tls12": lambda base: with_protocols(base, TLSv1_0=OLD, TLSv1_2=Offer(False), TLSv1_3=Offer(False)),
    "no_tls13": lambda base: with_protocols(base, TLSv1_3=Offer(False)),
    "anonymous": suites("TLS_DH_anon_WITH_AES_128_CBC_SHA"),
    "null": suites("TLS_RSA_WITH_NULL_SHA"),
    "export": suites("TLS_RSA_EXPORT_WITH_DES40_CBC_SHA"),
    "rc4": suites("TLS_RSA_WITH_RC4_128_MD5"),
    "small_blocks": suites("TLS_RSA_WITH_3DES_EDE_CBC_SHA"),
    "some_without_secrecy": suites("TLS_RSA_WITH_AES_128_GCM_SHA256"),
    "cbc": suites("TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA"),
    "no_forward_secrecy": lambda base: with_protocols(base, TLSv1_2=OLD, TLSv1_3=Offer(False)),
    "client_order": lambda base: with_protocols(base, TLSv1_2=Offer(True, suites=GOOD, preference="client")),
    "small_dh": lambda base: replace(base, finite_fields=(FiniteField(1024, "ff", "", "x"),)),
    "compression": feature("compression", True),
    "insecure_renegotiation": feature("secure_renegotiation", False),
    "client_renegotiation": feature("client_renegotiation", True),
    "early_data": feature("early_data", True),
    "random_reuse": feature("server_side_random_reuse", True),
    "no_fallback_scsv": lambda base: with_protocols(feature("fallback_scsv", False)(base), TLSv1_1=OLD),
    "no_redirect": web(plain_status=200),
    "no_hsts": web(headers={}),
    "short_hsts": web(headers={"strict-transport-security": "max-age=86400"}),
    "banner": web(headers={"server": "nginx/1.22.1"}),
    "breach": web(compresses=True),
    "open_cookie": web(cookies=("sid; HttpOnly",)),
    "no_post_quantum": lambda base: replace(base, groups=("x25519",)),
    "key_not_proved": lambda base: replace(base, chains=(replace(base.chains[0], proved=False),)),
}


@pytest.mark.parametrize("code", ["heartbleed", "ccs_injection", "ticketbleed", "robot", "winshock"])
def test_a_known_hole_is_a_finding(code, base, own):
    assert code in codes(replace(base, holes={code: Fact(True)}), own)
    assert code not in codes(replace(base, holes={code: Fact(False)}), own)


@pytest.mark.parametrize("code", FIRES)
def test_a_finding_fires_where_it_should_and_nowhere_else(code, base, own):
    assert code in codes(FIRES[code](base), own)
    assert code not in codes(base, own)


def test_a_staple_is_missed_only_where_there_is_something_to_staple(base, middle, own):
    named = certificate(issuer=middle[0], signer=middle[1], extensions=[responder_at("http://ocsp.example.test")])[0]
    unstapled = feature("stapling", False)
    assert "no_stapling" in codes(unstapled(sound(named, middle[0])), own)
    assert "no_stapling" not in codes(unstapled(base), own)


def test_a_basic_survey_judges_the_certificate_and_says_what_was_not_looked_at(base, own):
    verdict = judge(replace(base, depth="basic", protocols={}, groups_checked=False), at=NOW, stores=[own])
    assert verdict.grade.letter == ""
    assert {one.code for one in verdict.findings} == {"key_proved", "no_scts"}
    assert "advanced" in {row.code for row in verdict.not_checked}


def test_what_a_survey_could_not_look_at_is_listed_with_its_reason(base, own):
    cut = replace(base, features={"stapling": Fact(None, "the server hung up")})
    reasons = {row.code: row.reason for row in judge(cut, at=NOW, stores=[own]).not_checked}
    assert reasons["stapling"] == "the server hung up"
    assert reasons["early_data"] == "it was not looked at"


def test_an_endpoint_that_was_not_reached_has_neither_grade_nor_findings():
    dead = Survey("192.0.2.1", 443, "x.test", "", "advanced", "", 0.1, 1, failure="refused", failure_detail="refused")
    verdict = judge(dead, at=NOW)
    assert (verdict.grade.letter, verdict.rows, verdict.findings) == ("", (), ())


def test_the_table_is_whole():
    for code, known in FINDINGS.items():
        assert known.severity in SEVERITIES, code
        assert re.fullmatch(r"[a-z0-9_]+", code)
        assert all(name.isidentifier() for _, name, _, _ in string.Formatter().parse(known.text) if name), code
