# SPDX-License-Identifier: Apache-2.0
"""OCSP: good, revoked, unknown; never good for what was not signed; every sort of nonsense gets an answer."""

import base64
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.ca.jobs import answer_ocsp
from shared.contracts.ca import AnswerOCSP
from tests.support.ca_room import ca_room

GOOD, REVOKED, UNKNOWN = ocsp.OCSPCertStatus.GOOD, ocsp.OCSPCertStatus.REVOKED, ocsp.OCSPCertStatus.UNKNOWN


@pytest.fixture
def ca(tmp_path):
    with ca_room(tmp_path) as room:
        yield room


def leaf(facts):
    return x509.load_pem_x509_certificate(facts[-1].certificate_pem.encode())


def issuing(ca):
    return x509.load_pem_x509_certificate(ca.app.issuer.chain().issuers_pem[0].encode())


def question(certificate, issuer, *, algorithm=None, nonce=None):
    builder = ocsp.OCSPRequestBuilder().add_certificate(certificate, issuer, algorithm or hashes.SHA1())
    if nonce is not None:
        builder = builder.add_extension(x509.OCSPNonce(nonce), critical=False)
    return builder.build().public_bytes(Encoding.DER)


def asked(ca, request):
    found = answer_ocsp(ca.app, AnswerOCSP(ocsp_request=base64.b64encode(request).decode()))
    return ocsp.load_der_ocsp_response(base64.b64decode(found.der_base64)), found


def signed_by(answer, issuer):
    issuer.public_key().verify(answer.signature, answer.tbs_response_bytes, ec.ECDSA(answer.signature_hash_algorithm))
    return answer.responder_key_hash == x509.SubjectKeyIdentifier.from_public_key(issuer.public_key()).digest


@pytest.mark.parametrize("algorithm", [hashes.SHA1(), hashes.SHA256(), hashes.SHA384(), hashes.SHA512()])
def test_a_certificate_is_good_until_it_is_revoked(ca, algorithm):
    certificate, issuer = leaf(ca.issue()), issuing(ca)
    request = question(certificate, issuer, algorithm=algorithm)
    answer, file = asked(ca, request)
    assert (answer.certificate_status, answer.serial_number) == (GOOD, certificate.serial_number)
    assert signed_by(answer, issuer)
    assert answer.next_update_utc - answer.this_update_utc == timedelta(hours=24)
    assert file.max_age == 12 * 3600
    ca.revoke([f"{certificate.serial_number:X}"], reason="keyCompromise")
    ca.work()
    answer, _ = asked(ca, request)
    assert (answer.certificate_status, answer.revocation_reason) == (REVOKED, x509.ReasonFlags.key_compromise)
    assert answer.revocation_time_utc == ca.clock.now()


def test_what_was_accepted_and_not_signed_yet_is_not_good(ca):
    ca.asked(ca.request())
    serial = int(ca.facts()[-1].serial, 16)
    certificate, issuer = leaf(ca.issue(number=2)), issuing(ca)
    known = ocsp.load_der_ocsp_request(question(certificate, issuer))
    for number in (serial, 1, 2**150):
        builder = ocsp.OCSPRequestBuilder().add_certificate_by_hash(
            known.issuer_name_hash, known.issuer_key_hash, number, hashes.SHA1()
        )
        answer, file = asked(ca, builder.build().public_bytes(Encoding.DER))
        assert answer.certificate_status == UNKNOWN or number == serial
        assert file.max_age == 0 or answer.certificate_status == GOOD
    ca.work()


@pytest.mark.parametrize(("nonce", "echoed"), [(b"n" * 16, True), (b"n" * 32, True), (b"n" * 33, False)])
def test_a_nonce_comes_back_and_keeps_the_answer_out_of_caches(ca, nonce, echoed):
    answer, file = asked(ca, question(leaf(ca.issue()), issuing(ca), nonce=nonce))
    found = [each.value.nonce for each in answer.extensions if isinstance(each.value, x509.OCSPNonce)]
    assert found == ([nonce] if echoed else [])
    assert (file.max_age == 0) is echoed


def test_another_cas_certificate_is_not_ours_to_answer_for(ca, tmp_path):
    with ca_room(tmp_path / "other") as other:
        certificate, issuer = leaf(other.issue()), issuing(other)
        answer, file = asked(ca, question(certificate, issuer))
    assert answer.response_status == ocsp.OCSPResponseStatus.UNAUTHORIZED
    assert file.max_age == 0


def test_a_serial_below_zero_is_malformed(ca):
    request = bytearray(question(leaf(ca.issue()), issuing(ca)))
    serial = request.rindex(bytes((0x02, 17, 0x5C)))
    request[serial + 2] = 0xDC
    assert asked(ca, bytes(request))[0].response_status == ocsp.OCSPResponseStatus.MALFORMED_REQUEST


@pytest.mark.parametrize("request_bytes", [b"", b"\x30\x00", b"nonsense", b"\x30" * 4000, bytes(5000)])
def test_nonsense_is_malformed(ca, request_bytes):
    assert asked(ca, request_bytes)[0].response_status == ocsp.OCSPResponseStatus.MALFORMED_REQUEST


def test_what_is_no_base64_is_malformed_too(ca):
    found = answer_ocsp(ca.app, AnswerOCSP(ocsp_request="%%%"))
    answer = ocsp.load_der_ocsp_response(base64.b64decode(found.der_base64))
    assert answer.response_status == ocsp.OCSPResponseStatus.MALFORMED_REQUEST


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)
@given(at=st.integers(0, 200), byte=st.integers(0, 255))
def test_no_mutation_of_a_request_upsets_the_responder_or_makes_another_serial_good(ca, at, byte):
    if not ca.facts():
        ca.issue()
    certificate = leaf(ca.facts())
    request = bytearray(question(certificate, issuing(ca)))
    request[at % len(request)] = byte
    answer, _ = asked(ca, bytes(request))
    if answer.response_status == ocsp.OCSPResponseStatus.SUCCESSFUL and answer.certificate_status == GOOD:
        assert answer.serial_number == certificate.serial_number
