# SPDX-License-Identifier: Apache-2.0
"""One certificate per issuance, whatever happens; exactly what was accepted; revocation and CRLs."""

import base64
import stat
from datetime import UTC, datetime, timedelta
from functools import partial

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from services.ca import handlers, jobs
from services.ca.adapters import der, lint
from services.ca.adapters.key_files import KeyStoreError
from services.ca.ports import IssuerRefusedError, IssuerUnavailableError
from shared.clock import from_text, to_text
from shared.context import system
from shared.contracts.ca import CertificateRevoked, CertificateSigned, CRLPublished, IssuanceAccepted, IssuanceRefused
from shared.contracts.orders import Organization
from shared.pki.certificate import chain_problems, differences, parse_certificate, parse_chain
from shared.pki.csr import parse_csr
from shared.pki.rules import Rules
from tests.support import csr_builder
from tests.support.ca_room import ca_room

FLOWERS = Organization(name="Blumen AG", country="DE", state="NRW", locality="Köln", registration_number="HRB 1")


@pytest.fixture
def ca(tmp_path):
    with ca_room(tmp_path) as room:
        yield room


def leaf(facts):
    return x509.load_pem_x509_certificate(facts[-1].certificate_pem.encode())


def test_the_intention_is_recorded_before_the_key_is_used(ca):
    ca.asked(ca.request())
    assert [type(fact) for fact in ca.facts()] == [IssuanceAccepted]
    ca.work()
    assert [type(fact) for fact in ca.facts()] == [IssuanceAccepted, CertificateSigned]


@pytest.mark.parametrize("kind", ["P-256", "P-384", "P-521", "rsa2048"])
def test_the_certificate_fits_what_was_asked_for(ca, kind):
    names = ["example.com", "*.example.com"]
    accepted, signed = ca.issue(names=names, csr_pem=csr_builder.pem(names[0], names, kind=kind))
    csr = parse_csr(accepted.csr_pem)
    certificate = parse_certificate(signed.certificate_pem)
    limit = Rules.at(ca.clock.now()).longest.total_seconds()
    assert (
        differences(
            certificate, spki_sha256=csr.key.spki_sha256, names=names, now=ca.clock.now(), max_seconds=int(limit)
        )
        == []
    )
    assert certificate.serial == accepted.serial == signed.serial
    assert certificate.sha256 == signed.fingerprint_sha256
    assert (certificate.not_before, certificate.not_after) == (
        from_text(accepted.not_before), from_text(accepted.not_after),
    )  # fmt: skip
    assert not certificate.is_ca
    root = parse_certificate(ca.app.issuer.chain().root_pem)
    assert chain_problems(certificate, [*parse_chain(signed.chain_pem), root]) == []


def test_a_web_client_trusts_the_chain(ca):
    signed = ca.issue()[-1]
    store = x509.verification.Store([x509.load_pem_x509_certificate(ca.app.issuer.chain().root_pem.encode())])
    verifier = (
        x509.verification.PolicyBuilder()
        .store(store)
        .time(ca.clock.now())
        .build_server_verifier(x509.DNSName("www.example.com"))
    )
    issuers = [x509.load_pem_x509_certificate(signed.chain_pem.encode())]
    assert len(verifier.verify(leaf([signed]), issuers)) == 3


@pytest.mark.parametrize(("level", "oid"), [("DV", "2.23.140.1.2.1"), ("OV", "2.23.140.1.2.2"), ("EV", "2.23.140.1.1")])
def test_each_profile_says_what_was_validated(ca, level, oid):
    certificate = leaf(ca.issue(validation_level=level, organization=FLOWERS))
    extensions = certificate.extensions
    policies = extensions.get_extension_for_class(x509.CertificatePolicies).value
    assert [each.policy_identifier.dotted_string for each in policies] == [oid]
    assert list(extensions.get_extension_for_class(x509.ExtendedKeyUsage).value) == [
        x509.oid.ExtendedKeyUsageOID.SERVER_AUTH
    ]
    assert extensions.get_extension_for_class(x509.KeyUsage).critical
    assert extensions.get_extension_for_class(x509.BasicConstraints).critical
    for needed in (
        x509.SubjectAlternativeName, x509.AuthorityKeyIdentifier, x509.SubjectKeyIdentifier,
        x509.AuthorityInformationAccess, x509.CRLDistributionPoints,
    ):  # fmt: skip
        extensions.get_extension_for_class(needed)
    organization = certificate.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
    assert [each.value for each in organization] == ([] if level == "DV" else ["Blumen AG"])
    assert not certificate.subject.get_attributes_for_oid(NameOID.ORGANIZATIONAL_UNIT_NAME)
    assert bool(certificate.subject.get_attributes_for_oid(NameOID.SERIAL_NUMBER)) == (level == "EV")


def test_the_country_of_registration_may_be_another_than_that_of_the_organization(ca):
    abroad = msgspec.structs.replace(
        FLOWERS, jurisdiction_country="AT", address1="Gartenstrasse 7", postal_code="10115"
    )
    subject = leaf(ca.issue(validation_level="EV", organization=abroad)).subject
    [jurisdiction] = subject.get_attributes_for_oid(NameOID.JURISDICTION_COUNTRY_NAME)
    assert jurisdiction.value == "AT"
    assert "Gartenstrasse" not in subject.rfc4514_string()


def test_what_the_csr_says_about_an_organization_never_reaches_the_certificate(ca):
    names = ["example.com", "www.example.com"]
    subject = [(NameOID.ORGANIZATION_NAME, "Bank"), (NameOID.ORGANIZATIONAL_UNIT_NAME, "Vault")]
    certificate = leaf(ca.issue(csr_pem=csr_builder.pem(names[0], names, subject=subject)))
    assert certificate.subject.rfc4514_string() == "CN=example.com"


def test_a_long_common_name_is_left_out(ca):
    name = "a" * 60 + ".example.com"
    certificate = leaf(ca.issue(names=[name], csr_pem=csr_builder.pem("", [name])))
    assert certificate.subject.rfc4514_string() == ""
    san = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    assert san.value.get_values_for_type(x509.DNSName) == [name]


def test_a_repeated_event_changes_nothing(ca):
    request = ca.request()
    assert ca.asked(request, event_id="e1")
    assert not ca.asked(request, event_id="e1")
    ca.asked(request, event_id="e2")
    ca.work()
    ca.asked(request, event_id="e3")
    ca.work()
    assert [type(fact) for fact in ca.facts()] == [IssuanceAccepted, CertificateSigned]


def test_signing_twice_gives_the_same_certificate_and_one_record(ca):
    ca.asked(ca.request())
    accepted = ca.facts()[0]
    first, second = ca.app.issuer.sign(accepted), ca.app.issuer.sign(accepted)
    assert first == second
    for signed in (first, second):
        ca.app.room.execute(partial(handlers.record_signed, signed=signed), "issuance-1", system("ca"))
    ca.work()
    assert [type(fact) for fact in ca.facts()] == [IssuanceAccepted, CertificateSigned]


def test_a_second_issuance_for_the_same_csr_is_refused(ca):
    ca.issue()
    facts = ca.issue(issuance_id="issuance-again")
    assert [type(fact) for fact in facts] == [IssuanceRefused]
    assert "already" in facts[0].reason


def test_what_breaks_the_rules_is_refused_with_the_reason_and_nothing_is_signed(ca):
    facts = ca.issue(csr_pem=csr_builder.pem(kind="rsa1024"))
    assert [type(fact) for fact in facts] == [IssuanceRefused]
    assert "1024 bits" in facts[0].reason
    assert ca.issue(issuance_id="issuance-2")[-1].TYPE == CertificateSigned.TYPE


def test_an_issuer_that_does_not_answer_is_asked_again_and_one_that_refuses_ends_it(tmp_path):
    with ca_room(tmp_path) as real:

        class Moody:
            name = real.app.issuer.name
            expires_at = real.app.issuer.expires_at
            mood = IssuerUnavailableError

            def advance(self, accepted, progress):
                if self.mood:
                    raise self.mood("not now")
                return real.app.issuer.advance(accepted, progress)

        issuer = Moody()
        with ca_room(tmp_path / "other", clock=real.clock, issuer=issuer) as ca:
            assert [type(fact) for fact in ca.issue()] == [IssuanceAccepted]
            issuer.mood = None
            ca.clock.forward(minutes=1)
            ca.work()
            assert [type(fact) for fact in ca.facts()] == [IssuanceAccepted, CertificateSigned]
            issuer.mood = IssuerRefusedError
            assert [type(fact) for fact in ca.issue(number=2)] == [IssuanceAccepted, IssuanceRefused]


def test_the_key_signs_nothing_that_is_valid_for_too_long(ca):
    ca.asked(ca.request())
    accepted = ca.facts()[0]
    longer = to_text(from_text(accepted.not_before) + timedelta(days=201))
    changed = IssuanceAccepted(**{**{f: getattr(accepted, f) for f in accepted.__struct_fields__}, "not_after": longer})
    with pytest.raises(IssuerRefusedError, match="longer"):
        ca.app.issuer.sign(changed)


def test_a_revoked_certificate_is_on_the_next_list_once_with_its_reason(ca):
    serial = ca.issue()[-1].serial
    ca.revoke([serial, serial.lstrip("0")], reason="keyCompromise")
    ca.revoke([serial], reason="superseded")
    ca.work()
    assert [type(fact) for fact in ca.facts()][2:] == [CertificateRevoked]
    crl = x509.load_der_x509_crl(base64.b64decode(jobs.current_crl(ca.app).der_base64))
    entry = crl.get_revoked_certificate_by_serial_number(int(serial, 16))
    assert len(crl) == 1
    assert entry.extensions.get_extension_for_class(x509.CRLReason).value.reason == x509.ReasonFlags.key_compromise
    issuing = x509.load_pem_x509_certificate(ca.app.issuer.chain().issuers_pem[0].encode())
    assert crl.is_signature_valid(issuing.public_key())
    assert crl.issuer == issuing.subject


def test_nobody_revokes_another_ones_certificate(ca):
    serial = ca.issue()[-1].serial
    ca.revoke([serial], account_id="acc-2")
    ca.revoke([serial], order_id="order-2")
    ca.revoke(["ABCDEF"])
    assert [type(fact) for fact in ca.facts()] == [IssuanceAccepted, CertificateSigned]


def test_a_reason_that_no_list_may_hold_becomes_unspecified(ca):
    serial = ca.issue()[-1].serial
    ca.revoke([serial], reason="certificateHold")
    ca.work()
    crl = x509.load_der_x509_crl(base64.b64decode(jobs.current_crl(ca.app).der_base64))
    assert list(crl.get_revoked_certificate_by_serial_number(int(serial, 16)).extensions) == []


def test_lists_are_numbered_and_renewed_at_half_of_their_time(ca):
    first = jobs.current_crl(ca.app)
    assert first.number == 1
    assert from_text(first.next_update) - from_text(first.this_update) == timedelta(hours=72)
    jobs.renew_crl(ca.app)
    ca.work()
    assert jobs.current_crl(ca.app) == first
    ca.clock.forward(hours=36)
    jobs.renew_crl(ca.app)
    ca.work()
    assert jobs.current_crl(ca.app).number == 2
    assert [each.data.number for each in ca.app.room.events("crl-issuing")] == [1, 2]
    assert {type(each.data) for each in ca.app.room.events("crl-issuing")} == {CRLPublished}


def test_an_expired_certificate_leaves_the_list_after_every_older_list_has_ended(ca):
    serial = ca.issue()[-1].serial
    ca.revoke([serial])
    ca.clock.forward(days=199 + 10)
    jobs.publish_crl(ca.app, {})
    assert len(x509.load_der_x509_crl(base64.b64decode(jobs.current_crl(ca.app).der_base64))) == 1
    ca.clock.forward(days=2)
    jobs.publish_crl(ca.app, {})
    assert len(x509.load_der_x509_crl(base64.b64decode(jobs.current_crl(ca.app).der_base64))) == 0


# --- the template of certificates ------------------------------------------------------------------------------------


@pytest.mark.parametrize("algorithm", ["ec-p256", "rsa-2048"])
@pytest.mark.parametrize("level", ["DV", "OV", "EV"])
@pytest.mark.parametrize(("kind", "name"), [("P-256", "example.com"), ("rsa2048", "a" * 60 + ".example.com")])
def test_every_profile_is_written_as_the_library_writes_it(tmp_path, algorithm, level, kind, name):
    names = [
        name,
        *(["*.example.org"] if level != "EV" else []),
        *(f"host{number}.example.net" for number in range(40)),
    ]
    with ca_room(tmp_path, algorithm=algorithm) as ca:
        made = leaf(ca.issue(
            names=names, csr_pem=csr_builder.pem("", names, kind=kind), validation_level=level, organization=FLOWERS
        ))  # fmt: skip
        builder = (
            x509.CertificateBuilder()
            .issuer_name(made.issuer)
            .subject_name(made.subject)
            .public_key(csr_builder.key(kind).public_key())
            .serial_number(made.serial_number)
            .not_valid_before(made.not_valid_before_utc)
            .not_valid_after(made.not_valid_after_utc)
        )
        for extension in made.extensions:
            builder = builder.add_extension(extension.value, critical=extension.critical)
        key = ca.app.issuer._material.key
        rebuilt = builder.sign(key, hashes.SHA256(), ecdsa_deterministic=True if algorithm == "ec-p256" else None)
        assert rebuilt.public_bytes(Encoding.DER) == made.public_bytes(Encoding.DER)
        identifier = made.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
        assert identifier == x509.SubjectKeyIdentifier.from_public_key(made.public_key())


def test_moments_after_2049_have_four_digits():
    assert der.moment(datetime(2049, 12, 31, 23, 59, 59, tzinfo=UTC)) == b"\x17\x0d491231235959Z"
    assert der.moment(datetime(2050, 1, 1, tzinfo=UTC)) == b"\x18\x0f20500101000000Z"


@given(st.integers(1, 1 << 150), st.integers(0, 70_000))
def test_numbers_and_lengths_are_minimal(number, length):
    encoded = der.positive_integer(number)
    assert int.from_bytes(encoded[2:], "big", signed=True) == number
    if length > 0xFFFF:
        with pytest.raises(ValueError, match="too large"):
            der.tlv(der.SET, bytes(length))
    else:
        assert len(der.tlv(der.SET, bytes(length))) - length == (2 if length < 128 else 3 if length < 256 else 4)


# --- keys on disk ----------------------------------------------------------------------------------------------------


def test_the_keys_are_made_once_encrypted_and_for_this_user_alone(tmp_path):
    with ca_room(tmp_path) as ca:
        first = ca.app.issuer.chain()
    with ca_room(tmp_path) as ca:
        assert ca.app.issuer.chain() == first
    folder = tmp_path / "ca"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    found = list(folder.rglob("*"))
    assert {stat.S_IMODE(path.stat().st_mode) for path in found if path.is_file()} == {0o600}
    assert {stat.S_IMODE(path.stat().st_mode) for path in found if path.is_dir()} == {0o700}
    for name in ("offline/root.key.pem", "issuing.key.pem"):
        assert "BEGIN ENCRYPTED PRIVATE KEY" in (folder / name).read_text()
    assert [path.name for path in tmp_path.glob(".ca-*")] == []


def test_the_passphrase_may_lie_elsewhere(tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("correct horse battery staple")
    with pytest.raises(KeyStoreError, match="open to other users"), ca_room(tmp_path, passphrase_file=secret):
        pass
    secret.chmod(0o600)
    with ca_room(tmp_path, passphrase_file=secret):
        assert not (tmp_path / "ca" / "passphrase").exists()
    secret.write_text("another passphrase of some length")
    with pytest.raises(KeyStoreError, match="wrong passphrase"), ca_room(tmp_path, passphrase_file=secret):
        pass
    secret.unlink()
    with pytest.raises(KeyStoreError, match="is not at"), ca_room(tmp_path, passphrase_file=secret):
        pass


def test_a_damaged_key_folder_stops_the_start_instead_of_making_another_ca(tmp_path):
    with ca_room(tmp_path):
        pass
    (tmp_path / "ca" / "issuing.key.pem").chmod(0o644)
    with pytest.raises(KeyStoreError, match="open to other users"), ca_room(tmp_path):
        pass
    (tmp_path / "ca" / "issuing.key.pem").unlink()
    with pytest.raises(KeyStoreError, match="Restore it from a backup"), ca_room(tmp_path):
        pass


@pytest.mark.parametrize(
    ("algorithm", "kind"), [("ec-p384", ec.EllipticCurvePublicKey), ("rsa-2048", rsa.RSAPublicKey)]
)
def test_other_algorithms_are_made_on_request(tmp_path, algorithm, kind):
    with ca_room(tmp_path, algorithm=algorithm) as ca:
        issuing = x509.load_pem_x509_certificate(ca.app.issuer.chain().issuers_pem[0].encode())
        assert isinstance(issuing.public_key(), kind)
        assert parse_certificate(ca.issue()[-1].certificate_pem).serial


def test_a_certificate_that_breaks_a_rule_is_never_signed(ca, monkeypatch):
    """The policy lets nothing of the kind through; the linter is asked all the same, about the body itself."""
    before = ca.app.issuer._constant["dv", "ecdsa"]
    wrong = before[1].replace(der.object_identifier("2.23.140.1.2.1"), der.object_identifier("2.23.140.1.2.2"))
    monkeypatch.setitem(ca.app.issuer._constant, ("dv", "ecdsa"), (before[0], wrong))
    signed = []
    monkeypatch.setattr(ca.app.issuer, "_sign", lambda body: signed.append(body) or b"")
    refused = ca.issue()[-1]
    assert isinstance(refused, IssuanceRefused)
    assert "cabf.serverauth" in refused.reason
    assert signed == []


@pytest.mark.parametrize("kind", ["P-256", "P-384", "rsa2048"])
@pytest.mark.parametrize("level", ["DV", "OV", "EV"])
def test_the_linter_finds_no_error_in_what_was_signed(ca, kind, level):
    names = ["example.com", "www.example.com"] if level == "EV" else ["example.com", "*.example.com"]
    csr = csr_builder.pem("", names, kind=kind)
    signed = ca.issue(names=names, csr_pem=csr, validation_level=level, organization=FLOWERS)[-1]
    assert lint.problems(leaf([signed]).public_bytes(Encoding.DER), level.lower()) == []
