# SPDX-License-Identifier: Apache-2.0
"""What an OCSP answer or a CRL is worth: only what the issuer said of this certificate, and only while it holds."""

import datetime as dt
from dataclasses import replace

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.checker.crl import crl_urls, read_crl
from shared.checker.judge import judge
from shared.checker.ocsp_answer import question, read_answer
from shared.checker.others import nobody
from shared.checker.revocation import responders, wants_staple
from shared.probe.survey import Fact
from tests.unit.checker.conftest import NOW, certificate, lists_at, responder_at, sound

HOUR = dt.timedelta(hours=1)
LIST = "http://crl.example.test/1.crl"
URI = x509.UniformResourceIdentifier


@pytest.fixture(scope="module")
def leaf(middle):
    return certificate(
        issuer=middle[0], signer=middle[1], extensions=[responder_at("http://ocsp.example.test/"), lists_at(LIST)]
    )[0]


@pytest.fixture(scope="module")
def delegate(middle):
    return certificate(
        (), issuer=middle[0], signer=middle[1], subject="Responder", purpose=ExtendedKeyUsageOID.OCSP_SIGNING
    )


def answer(about, issuer, signer, key, *, status="GOOD", since=-HOUR, until=HOUR, shown=None, by_name=True, **more):
    revoked = status == "REVOKED"
    builder = ocsp.OCSPResponseBuilder().add_response(
        about,
        issuer,
        more.get("algorithm", hashes.SHA1()),
        ocsp.OCSPCertStatus[status],
        NOW + since,
        NOW + until if until else None,
        NOW - 2 * HOUR if revoked else None,
        x509.ReasonFlags.key_compromise if revoked else None,
    )
    encoding = ocsp.OCSPResponderEncoding.NAME if by_name else ocsp.OCSPResponderEncoding.HASH
    builder = builder.responder_id(encoding, signer)
    if shown:
        builder = builder.certificates(shown)
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)


@pytest.mark.parametrize("by_name", [True, False])
@pytest.mark.parametrize("algorithm", [hashes.SHA1(), hashes.SHA256()])
def test_the_issuer_s_own_answer_counts(leaf, middle, by_name, algorithm):
    good = read_answer(answer(leaf, *middle[:1], *middle, by_name=by_name, algorithm=algorithm), leaf, middle[0], NOW)
    assert (good.status, good.reason) == ("good", "until 2026-11-26 13:00 UTC")
    bad = read_answer(answer(leaf, middle[0], *middle, status="REVOKED"), leaf, middle[0], NOW)
    assert (bad.status, bad.cause, bad.revoked_at) == ("revoked", "key compromise", NOW - 2 * HOUR)
    unknown = read_answer(answer(leaf, middle[0], *middle, status="UNKNOWN"), leaf, middle[0], NOW)
    assert unknown.status == "unknown"


@pytest.mark.parametrize(
    ("at", "options", "reason"),
    [
        (NOW + 2 * HOUR, {}, "ended on 2026-11-26 13:00"),
        (NOW + dt.timedelta(minutes=64), {}, ""),  # clocks may be a little apart
        (NOW - 3 * HOUR, {}, "holds from 2026-11-26 11:00"),
        (NOW, {"until": None}, ""),
        (NOW, {"until": None, "since": -dt.timedelta(days=11)}, "ended on"),
    ],
)
def test_an_answer_counts_while_it_holds(leaf, middle, at, options, reason):
    found = read_answer(answer(leaf, middle[0], *middle, **options), leaf, middle[0], at)
    assert found.status == ("" if reason else "good")
    assert reason in found.reason


def test_a_responder_that_the_issuer_appointed_counts(leaf, middle, delegate, root):
    signed = {"shown": [delegate[0]]}
    assert read_answer(answer(leaf, middle[0], *delegate, **signed), leaf, middle[0], NOW).status == "good"
    late = NOW + dt.timedelta(days=80)
    kept = answer(leaf, middle[0], *delegate, until=dt.timedelta(days=200), **signed)
    assert read_answer(kept, leaf, middle[0], late).status == "good"
    assert "not valid now" in read_answer(kept, leaf, middle[0], NOW + dt.timedelta(days=100)).reason
    assert "does not show" in read_answer(answer(leaf, middle[0], *delegate), leaf, middle[0], NOW).reason


def test_nobody_else_may_answer(leaf, middle, root):
    server = certificate((), issuer=middle[0], signer=middle[1], subject="Web server")
    by_server = answer(leaf, middle[0], *server, shown=[server[0]])
    assert "may not sign" in read_answer(by_server, leaf, middle[0], NOW).reason
    purpose = ExtendedKeyUsageOID.OCSP_SIGNING
    strange = certificate((), issuer=root[0], signer=root[1], subject="Elsewhere", purpose=purpose)
    by_stranger = answer(leaf, middle[0], *strange, shown=[strange[0]])
    assert "did not appoint" in read_answer(by_stranger, leaf, middle[0], NOW).reason
    forged = answer(leaf, middle[0], *certificate((), ca=True, subject="Example Issuing"))
    assert "signature is wrong" in read_answer(forged, leaf, middle[0], NOW).reason


def test_an_answer_about_another_certificate_says_nothing(leaf, middle, root):
    other = certificate(issuer=middle[0], signer=middle[1])[0]
    assert "another certificate" in read_answer(answer(other, middle[0], *middle), leaf, middle[0], NOW).reason
    namesake = certificate((), ca=True, subject="Example Issuing")
    same_serial = answer(leaf, namesake[0], *middle)
    assert "another certificate" in read_answer(same_serial, leaf, middle[0], NOW).reason
    busy = ocsp.OCSPResponseBuilder.build_unsuccessful(ocsp.OCSPResponseStatus.TRY_LATER).public_bytes(Encoding.DER)
    assert read_answer(busy, leaf, middle[0], NOW).reason == "the OCSP responder answers: try later"


def test_a_question_names_the_certificate(leaf, middle):
    asked = ocsp.load_der_ocsp_request(question(leaf, middle[0]))
    assert asked.serial_number == leaf.serial_number
    assert responders(leaf) == ("http://ocsp.example.test/",)
    assert responders(middle[0]) == ()


def crl(issuer, key, *revoked, since=-HOUR, until=HOUR, extensions=()):
    builder = x509.CertificateRevocationListBuilder().issuer_name(issuer.subject)
    builder = builder.last_update(NOW + since).next_update(NOW + until)
    for serial, reason in revoked:
        entry = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(NOW - HOUR)
        if reason:
            entry = entry.add_extension(x509.CRLReason(reason), critical=False)
        builder = builder.add_revoked_certificate(entry.build())
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical)
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)


def scope(**changes):
    usual = {
        "full_name": None,
        "relative_name": None,
        "only_contains_user_certs": False,
        "only_contains_ca_certs": False,
        "only_some_reasons": None,
        "indirect_crl": False,
        "only_contains_attribute_certs": False,
    }
    return [(x509.IssuingDistributionPoint(**{**usual, **changes}), True)]


def test_a_crl_of_the_issuer_tells_who_is_revoked(leaf, middle):
    assert crl_urls(leaf) == (LIST,)
    assert read_crl(crl(*middle, (5, None)), leaf, middle[0], NOW).status == "good"
    reason = x509.ReasonFlags.superseded
    found = read_crl(crl(*middle, (5, None), (leaf.serial_number, reason)), leaf, middle[0], NOW)
    assert (found.status, found.reason) == ("revoked", "revoked on 2026-11-26 11:00 UTC, superseded")
    plain = read_crl(crl(*middle, (leaf.serial_number, None)), leaf, middle[0], NOW)
    assert (plain.status, plain.cause) == ("revoked", "")


def test_a_list_in_pem_is_read_too(leaf, middle):
    pem = x509.load_der_x509_crl(crl(*middle)).public_bytes(Encoding.PEM)
    assert read_crl(pem, leaf, middle[0], NOW).status == "good"


def test_a_list_of_a_version_that_does_not_exist_cannot_be_read(leaf, middle):
    der = crl(*middle).replace(b"\x02\x01\x01", b"\x02\x01\x05", 1)
    found = read_crl(der, leaf, middle[0], NOW)
    assert (found.status, found.reason) == ("", "the CRL cannot be read")


UNKNOWN_EXTENSION = (x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00"), True)


@pytest.mark.parametrize(
    ("extensions", "reason"),
    [
        (scope(only_contains_user_certs=True), ""),
        (scope(full_name=[URI("http://mirror.example.test/"), URI(LIST)]), ""),
        (scope(full_name=[URI("http://crl.example.test/2.crl")]), "another distribution point"),
        (scope(only_contains_ca_certs=True), "other kinds"),
        (scope(only_contains_attribute_certs=True), "other kinds"),
        (scope(full_name=[URI(LIST)], indirect_crl=True), "another issuer's"),
        (scope(only_some_reasons=frozenset({x509.ReasonFlags.key_compromise})), "some reasons"),
        ([(x509.DeltaCRLIndicator(1), True)], "changes only"),
        ([UNKNOWN_EXTENSION], "do not understand"),
        ([(UNKNOWN_EXTENSION[0], False)], ""),
    ],
)
def test_a_list_that_does_not_cover_the_certificate_says_nothing(leaf, middle, extensions, reason):
    found = read_crl(crl(*middle, extensions=extensions), leaf, middle[0], NOW)
    assert found.status == ("" if reason else "good")
    assert reason in found.reason


def test_a_list_counts_only_from_its_issuer_and_while_it_holds(leaf, middle, root):
    assert "another issuer" in read_crl(crl(*root), leaf, middle[0], NOW).reason
    forged = crl(middle[0], ec.generate_private_key(ec.SECP256R1()))
    assert "signature" in read_crl(forged, leaf, middle[0], NOW).reason
    assert "ended on" in read_crl(crl(*middle), leaf, middle[0], NOW + 2 * HOUR).reason
    assert "holds from" in read_crl(crl(*middle), leaf, middle[0], NOW - 2 * HOUR).reason


def test_only_lists_of_the_issuer_for_all_reasons_are_asked_for(middle):
    other = [x509.DirectoryName(middle[0].subject)]
    some = frozenset({x509.ReasonFlags.key_compromise})
    for extension in (lists_at(LIST, issuer=other), lists_at(LIST, reasons=some), lists_at("ldap://x.example.test/")):
        assert crl_urls(certificate(extensions=[extension])[0]) == ()


@settings(max_examples=100)
@given(place=st.integers(0, 2**16), put=st.binary(max_size=3), cut=st.integers(0, 3), junk=st.binary(max_size=80))
def test_bytes_that_somebody_changed_are_never_an_error(*, place, put, cut, junk, packed, middle, leaf):
    for whole in packed:
        at = place % len(whole)
        changed = whole[:at] + put + whole[at + cut :]
        for read in (read_answer, read_crl):
            found = read(changed, leaf, middle[0], NOW)
            # Whatever still counts is what was signed.
            assert found.status in ("", "good", "revoked")
            assert found.checked or found.reason
            assert read(junk, leaf, middle[0], NOW).status == ""


@pytest.fixture(scope="module")
def packed(leaf, middle):
    return [answer(leaf, middle[0], *middle), crl(*middle, (leaf.serial_number, None))]


class Says:
    """Others that say what a test puts down; each argument replaces a part."""

    def __init__(self, **parts):
        self.said = replace(nobody("not asked in this test"), **parts)
        self.asked = []

    def ask(self, leaf, issuer, host, at):
        self.asked.append((leaf, issuer, host, at))
        return self.said


def test_a_revoked_certificate_is_a_finding_and_the_worst_grade(leaf, middle):
    bad = read_crl(crl(*middle, (leaf.serial_number, x509.ReasonFlags.key_compromise)), leaf, middle[0], NOW)
    others = Says(crl=bad)
    verdict = judge(sound(leaf, middle[0]), at=NOW, others=others)
    assert (verdict.grade.letter, verdict.grade.rule) == ("T", "revoked")
    finding = next(one for one in verdict.findings if one.code == "revoked")
    assert finding.values == {"at": "2026-11-26 11:00 UTC", "cause": "key compromise", "source": "CRL"}
    assert others.asked == [(leaf, middle[0], "www.example.test", NOW)]
    rows = {row.code: row for row in verdict.rows}
    assert (rows["crl"].value, rows["ocsp"].checked) == ("revoked", False)
    assert {row.code: row.reason for row in verdict.not_checked}["ocsp"] == "not asked in this test"


def test_a_staple_is_judged_like_any_answer(leaf, middle):
    def codes(stapled, certificate_=leaf, value=True):
        base = sound(certificate_, middle[0])
        survey = replace(base, stapled_ocsp=stapled, features={**base.features, "stapling": Fact(value)})
        verdict = judge(survey, at=NOW)
        row = next(row for row in verdict.rows if row.code == "stapled")
        return {one.code for one in verdict.findings}, row

    assert codes(answer(leaf, middle[0], *middle))[1].value == "good"
    assert "revoked" in codes(answer(leaf, middle[0], *middle, status="REVOKED"))[0]
    found, row = codes(answer(leaf, middle[0], *middle, until=-HOUR / 2))
    assert "staple_invalid" in found
    assert not row.checked
    demanding = certificate(
        issuer=middle[0], signer=middle[1], extensions=[x509.TLSFeature([x509.TLSFeatureType.status_request])]
    )[0]
    assert wants_staple(demanding)
    assert "staple_missing" in codes(b"", demanding, value=False)[0]
    assert "staple_missing" not in codes(answer(demanding, middle[0], *middle), demanding)[0]
    assert "staple_missing" not in codes(b"", leaf, value=False)[0]


def test_without_the_issuer_s_certificate_nothing_counts(leaf):
    rows = {row.code: row for row in judge(replace(sound(leaf), stapled_ocsp=b"\x30\x03"), at=NOW).rows}
    assert rows["stapled"].reason == "the issuer's certificate is not at hand"
