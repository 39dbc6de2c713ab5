# SPDX-License-Identifier: Apache-2.0
"""Another issuing CA under the same root: the new one signs, the old one speaks for what it signed until that ends."""

import base64
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from services.ca import jobs
from services.ca.adapters import lint
from services.ca.adapters.certify import certify_issuing, common_name, published_at
from services.ca.adapters.key_files import KeyStoreError
from services.ca.adapters.offline_root import open_root_key
from services.ca.adapters.rotation import install, pending, request, sign_request
from services.ca.model.authorities import AUTHORITIES, Installed, untold
from services.ca.ports import IssuerRefusedError
from shared.clock import from_text
from shared.contracts.ca import (
    AnswerOCSP,
    CertificateSigned,
    IssuanceAccepted,
    IssuingAuthorityEnded,
    IssuingAuthorityInstalled,
    IssuingAuthorityRotated,
    RootTakenOffline,
)
from shared.errors import ServiceError
from shared.pki.certificate import chain_problems, parse_certificate, parse_chain
from tests.support import ca_keys
from tests.support.ca_room import ca_room

BASE = "http://certwright.test/pki"


class Operator:
    """Who has the root's key."""

    def __init__(self, ca, tmp_path):
        self.ca = ca
        self.folder = tmp_path / "ca"
        self.key_file, self.secret = ca_keys.take_away(self.folder, tmp_path / "safe")
        self.root = x509.load_pem_x509_certificate((self.folder / "root.pem").read_bytes())

    @property
    def key(self):
        return open_root_key(self.key_file, self.secret.encode(), self.root)

    def request(self, **options):
        return request(self.folder, None, base=BASE, **options)

    def rotate(self, **options):
        now = self.ca.clock.now()
        issuing = sign_request(self.request(**options).csr, self.root, self.key, days=3650, now=now)
        install(self.folder, None, issuing, by="Anna", now=now)
        return issuing


@pytest.fixture
def ca(tmp_path):
    with ca_room(tmp_path) as room:
        yield room


@pytest.fixture
def operator(ca, tmp_path):
    return Operator(ca, tmp_path)


def leaf(facts):
    return x509.load_pem_x509_certificate(facts[-1].certificate_pem.encode())


def listed(ca, number):
    return x509.load_der_x509_crl(base64.b64decode(jobs.current_crl(ca.app, number).der_base64))


def status(ca, certificate, issuer):
    known = ocsp.load_der_ocsp_request(
        ocsp.OCSPRequestBuilder().add_certificate(issuer, issuer, hashes.SHA256()).build().public_bytes(Encoding.DER)
    )
    name = hashes.Hash(hashes.SHA256())
    name.update(issuer.subject.public_bytes())
    builder = ocsp.OCSPRequestBuilder().add_certificate_by_hash(
        name.finalize(), known.issuer_key_hash, certificate.serial_number, hashes.SHA256()
    )
    encoded = base64.b64encode(builder.build().public_bytes(Encoding.DER)).decode()
    said = jobs.answer_ocsp(ca.app, AnswerOCSP(ocsp_request=encoded))
    answer = ocsp.load_der_ocsp_response(base64.b64decode(said.der_base64))
    issuer.public_key().verify(answer.signature, answer.tbs_response_bytes, ec.ECDSA(answer.signature_hash_algorithm))
    return answer.certificate_status


def urls(certificate):
    points = certificate.extensions.get_extension_for_class(x509.CRLDistributionPoints).value
    access = certificate.extensions.get_extension_for_class(x509.AuthorityInformationAccess).value
    return {points[0].full_name[0].value, *(each.access_location.value for each in access)}


def test_the_new_issuer_signs_without_a_restart_and_the_old_one_answers(ca, operator):
    old_issuing = x509.load_pem_x509_certificate(ca.app.issuer.chain().issuers_pem[0].encode())
    before = [leaf(ca.issue(number=number)) for number in (1, 2)]
    new_issuing = operator.rotate()
    after = [leaf(ca.issue(number=number)) for number in (3, 4)]
    assert {each.issuer for each in before} == {old_issuing.subject}
    assert {each.issuer for each in after} == {new_issuing.subject}
    assert common_name(new_issuing) == "Certwright Issuing CA 2"
    assert urls(before[0]) == {f"{BASE}/issuing.crl", f"{BASE}/issuing.cer", f"{BASE}/ocsp"}
    assert urls(after[0]) == {f"{BASE}/2/issuing.crl", f"{BASE}/2/issuing.cer", f"{BASE}/ocsp"}
    root = parse_certificate(ca.app.issuer.chain().root_pem)
    for number in (1, 3):
        signed = ca.facts(f"issuance-{number}")[-1]
        chain = [*parse_chain(signed.chain_pem), root]
        assert chain_problems(parse_certificate(signed.certificate_pem), chain) == []
    for number, certificate in ((1, before[0]), (3, after[0])):
        ca.revoke([f"{certificate.serial_number:X}"], order_id=f"order-{number}")
    ca.work()
    for number, issuing, revoked in ((1, old_issuing, before[0]), (2, new_issuing, after[0])):
        crl = listed(ca, number)
        assert crl.is_signature_valid(issuing.public_key())
        assert crl.issuer == issuing.subject
        assert [each.serial_number for each in crl] == [revoked.serial_number]
    good, revoked, unknown = ocsp.OCSPCertStatus.GOOD, ocsp.OCSPCertStatus.REVOKED, ocsp.OCSPCertStatus.UNKNOWN
    assert [status(ca, each, old_issuing) for each in before] == [revoked, good]
    assert [status(ca, each, new_issuing) for each in after] == [revoked, good]
    # A serial is good at the issuer that signed it alone.
    assert status(ca, before[1], new_issuing) is unknown
    assert status(ca, after[1], old_issuing) is unknown


def test_what_was_accepted_before_is_finished_by_the_issuer_that_it_names(ca, operator):
    ca.asked(ca.request())
    operator.rotate()
    ca.work()
    accepted, signed = ca.facts()
    assert [type(accepted), type(signed)] == [IssuanceAccepted, CertificateSigned]
    assert signed.issuer == accepted.issuer == "Certwright Issuing CA 1"
    assert ca.issue(number=2)[-1].issuer == "Certwright Issuing CA 2"


def test_the_old_issuer_signs_nothing_for_the_new_one(ca, operator):
    operator.rotate()
    ca.asked(ca.request())
    [former] = ca.app.authorities.former
    with pytest.raises(IssuerRefusedError, match="This CA is"):
        former.sign(ca.facts()[0])


def test_the_log_tells_who_changed_what_once(ca, operator):
    jobs.notice_authorities(ca.app)
    operator.rotate()
    for _ in range(3):
        jobs.notice_authorities(ca.app)
    installed, offline, rotated = [each.data for each in ca.app.room.events("authorities")]
    assert (type(installed), type(offline), type(rotated)) == (
        IssuingAuthorityInstalled, RootTakenOffline, IssuingAuthorityRotated,
    )  # fmt: skip
    assert (rotated.previous, rotated.issuer, rotated.by) == (
        "Certwright Issuing CA 1", "Certwright Issuing CA 2", "Anna",
    )  # fmt: skip
    assert rotated.root_fingerprint_sha256 == offline.root_fingerprint_sha256


def test_another_process_and_the_next_start_see_the_same(ca, operator, tmp_path):
    operator.rotate()
    operator.rotate(algorithm="rsa-2048")
    with ca_room(tmp_path / "elsewhere", folder=operator.folder) as other:
        assert other.app.issuer.name == ca.app.issuer.name == "Certwright Issuing CA 3"
        assert [each.number for each in other.app.authorities.former] == [2, 1]
        assert isinstance(leaf(other.issue()), x509.Certificate)


def test_former_lists_are_renewed_until_the_last_certificate_has_ended(ca, operator):
    last = leaf(ca.issue())
    jobs.renew_crl(ca.app)
    operator.rotate()
    numbers = []
    while ca.clock.now() < last.not_valid_after_utc + timedelta(days=30):
        jobs.renew_crl(ca.app)
        ca.work()
        numbers.append((ca.clock.now(), jobs.current_crl(ca.app, 1)))
        ca.clock.forward(days=1)
    for moment, crl in numbers:
        if moment <= last.not_valid_after_utc:
            assert from_text(crl.next_update) > moment
    assert numbers[-1][1] == numbers[-5][1]
    assert from_text(jobs.current_crl(ca.app, 2).next_update) > ca.clock.now() - timedelta(days=1)
    ended = [each.data for each in ca.app.room.events("authorities") if isinstance(each.data, IssuingAuthorityEnded)]
    assert [(each.number, each.issuer) for each in ended] == [(1, "Certwright Issuing CA 1")]


def test_a_number_that_no_issuer_has_is_not_found(ca):
    for call in (jobs.authority_of, jobs.current_crl):
        with pytest.raises(ServiceError):
            call(ca.app, 2)


# --- the exchange ----------------------------------------------------------------------------------------------------


def test_a_request_waits_and_is_the_same_when_asked_again(operator):
    first = operator.request()
    assert operator.request().pem == first.pem
    assert first.csr.is_signature_valid
    with pytest.raises(KeyStoreError, match="waits in"):
        operator.request(algorithm="rsa-2048")


@pytest.mark.parametrize("algorithm", ["ec-p256", "ec-p384", "rsa-2048"])
def test_what_the_root_signs_is_linted_and_lies_below_it(operator, algorithm):
    issuing = operator.rotate(algorithm=algorithm)
    assert lint.ca_problems(issuing.public_bytes(Encoding.DER), "issuing") == []
    issuing.verify_directly_issued_by(operator.root)
    assert issuing.extensions.get_extension_for_class(x509.BasicConstraints).value.path_length == 0
    assert pending(operator.folder) is None


def test_of_a_requests_wishes_only_name_key_and_addresses_are_granted(operator):
    now = operator.ca.clock.now()
    key = ec.generate_private_key(ec.SECP256R1())
    builder = (
        x509.CertificateSigningRequestBuilder()
        .subject_name(operator.request().csr.subject)
        .add_extension(x509.BasicConstraints(ca=True, path_length=5), critical=True)
        .add_extension(x509.ExtendedKeyUsage([x509.oid.ExtendedKeyUsageOID.CODE_SIGNING]), critical=False)
    )
    for each in operator.request().csr.extensions:
        if isinstance(each.value, x509.AuthorityInformationAccess | x509.CRLDistributionPoints):
            builder = builder.add_extension(each.value, critical=False)
    issuing = sign_request(builder.sign(key, hashes.SHA256()), operator.root, operator.key, days=365, now=now)
    assert issuing.extensions.get_extension_for_class(x509.BasicConstraints).value.path_length == 0
    assert list(issuing.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value) == [
        x509.oid.ExtendedKeyUsageOID.SERVER_AUTH
    ]


@pytest.mark.parametrize(
    ("key", "wrong"),
    [
        (lambda: rsa.generate_private_key(65537, 1024), "1024 bits"),
        (lambda: ec.generate_private_key(ec.SECP521R1()), "secp521r1"),
    ],
)
def test_a_weak_or_odd_key_is_not_certified(operator, key, wrong):
    csr = (
        x509.CertificateSigningRequestBuilder()
        .subject_name(operator.request().csr.subject)
        .sign(key(), hashes.SHA256())
    )
    with pytest.raises(KeyStoreError, match=wrong):
        sign_request(csr, operator.root, operator.key, days=365, now=operator.ca.clock.now())


def test_only_the_certificate_of_the_waiting_request_is_installed(ca, operator, tmp_path):
    now = ca.clock.now()
    with pytest.raises(KeyStoreError, match="No request waits"):
        install(operator.folder, None, operator.root, by="", now=now)
    csr = operator.request().csr
    good = sign_request(csr, operator.root, operator.key, days=3650, now=now)
    with ca_room(tmp_path / "other") as stranger:
        other = Operator(stranger, tmp_path / "other")
        foreign = sign_request(csr, other.root, other.key, days=3650, now=now)
    fresh = ec.generate_private_key(ec.SECP256R1()).public_key()
    addresses = published_at(BASE)
    another_key = certify_issuing(
        csr.subject, fresh, operator.root, operator.key, now=now, days=99, distribution=addresses
    )
    over = sign_request(csr, operator.root, operator.key, days=90, now=now)
    for certificate, wrong, moment in (
        (foreign, "the root signed the issuing certificate", now),
        (another_key, "the issuing key belongs to it", now),
        (over, "it is valid now", now + timedelta(days=100)),
        (operator.root, "the issuing key belongs to it", now),
    ):
        with pytest.raises(KeyStoreError, match=wrong):
            install(operator.folder, None, certificate, by="", now=moment)
    assert ca.app.issuer.number == 1
    assert install(operator.folder, None, good, by="", now=now) == 2
    assert install(operator.folder, None, good, by="", now=now) == 2
    assert ca.app.issuer.number == 2


def test_another_root_key_or_a_wrong_passphrase_signs_nothing(operator, tmp_path):
    with pytest.raises(KeyStoreError, match="wrong passphrase"):
        open_root_key(operator.key_file, b"another passphrase altogether", operator.root)
    with ca_room(tmp_path / "other") as stranger:
        other = Operator(stranger, tmp_path / "other")
        with pytest.raises(KeyStoreError, match="not that of"):
            open_root_key(other.key_file, other.secret.encode(), operator.root)


# --- the model -------------------------------------------------------------------------------------------------------


def installed(number):
    return Installed(f"CA {number}", number, f"{number:064x}", "f" * 64, "2036-01-01T00:00:00.000000Z", "", "Anna")


def test_the_model_tells_what_is_new_and_nothing_twice():
    told = AUTHORITIES.initial()
    events = untold(told, [installed(2), installed(1)], root_is_offline=True)
    assert [type(each) for each in events] == [IssuingAuthorityInstalled, IssuingAuthorityRotated, RootTakenOffline]
    assert events[1].previous == "CA 1"
    for event in events:
        told = AUTHORITIES.step(told, event)
    assert untold(told, [installed(1), installed(2)], root_is_offline=True) == []
    [rotated] = untold(told, [installed(1), installed(2), installed(3)], root_is_offline=False)
    assert (rotated.previous, rotated.issuer) == ("CA 2", "CA 3")
