# SPDX-License-Identifier: Apache-2.0
"""Which requests are taken, and that no bytes whatever upset the reader (quality bar S21)."""

import hashlib
import os

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.pki.csr import CSRFault, CSRRefusedError, examine_csr, match_order, parse_csr
from shared.pki.fqdn import NameFault
from shared.pki.keys import Blocklist, KeyFault
from tests.support import csr_builder

EXAMPLES = 5000 if os.environ.get("CI") == "true" else 250


def refusal(text, **limits):
    with pytest.raises(CSRRefusedError) as refused:
        parse_csr(text, **limits)
    return refused.value


def test_a_good_request_is_read_completely():
    pem = csr_builder.pem(
        "www.Example.com",
        ["example.com", "www.example.com"],
        subject=[(NameOID.ORGANIZATION_NAME, "Flowers"), (NameOID.COUNTRY_NAME, "DE"), (NameOID.LOCALITY_NAME, "Köln")],
    )
    csr = parse_csr(pem)
    der = csr_builder.der(
        "www.Example.com",
        ["example.com", "www.example.com"],
        subject=[(NameOID.ORGANIZATION_NAME, "Flowers"), (NameOID.COUNTRY_NAME, "DE"), (NameOID.LOCALITY_NAME, "Köln")],
    )
    assert [name.text for name in csr.names] == ["example.com", "www.example.com"]
    assert csr.common_name == "www.example.com"
    assert (csr.subject.organization, csr.subject.country, csr.subject.locality) == ("Flowers", "DE", "Köln")
    assert (csr.key.kind, csr.key.size, csr.key.curve) == ("ecdsa", 256, "P-256")
    assert csr.md5 == hashlib.md5(csr.der).hexdigest().upper()
    assert csr.sha256 == hashlib.sha256(csr.der).hexdigest()
    assert len(csr.der) == pytest.approx(len(der), abs=4)
    assert csr.pem == pem


@pytest.mark.parametrize(
    ("kind", "facts"),
    [("P-256", ("ecdsa", 256)), ("P-384", ("ecdsa", 384)), ("P-521", ("ecdsa", 521)), ("rsa2048", ("rsa", 2048))],
)
def test_every_usual_key_is_taken(kind, facts):
    key = parse_csr(csr_builder.pem(kind=kind)).key
    assert (key.kind, key.size) == facts


def test_both_labels_text_around_and_windows_lines_are_taken():
    pem = csr_builder.pem()
    old = pem.replace("CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST")
    for text in (old, "Certificate Request:\n    Data:\n" + pem + "\nthanks", pem.replace("\n", "\r\n"), "  " + pem):
        assert parse_csr(text).pem == pem


def test_a_wildcard_and_an_international_name_are_read():
    csr = parse_csr(csr_builder.pem("*.example.com", ["*.example.com", "xn--bcher-kva.example"]))
    assert [name.text for name in csr.names] == ["*.example.com", "xn--bcher-kva.example"]


def test_what_is_not_pem_is_refused():
    assert refusal("").code == CSRFault.NOT_PEM
    assert refusal("hello").code == CSRFault.NOT_PEM
    assert (
        refusal("-----BEGIN CERTIFICATE REQUEST-----\n%%%\n-----END CERTIFICATE REQUEST-----").code == CSRFault.NOT_PEM
    )
    assert refusal(csr_builder.pem().replace("-----END", "----END")).code == CSRFault.NOT_PEM
    assert refusal("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----").code == CSRFault.CERTIFICATE
    assert refusal(csr_builder.pem() + csr_builder.pem()).code == CSRFault.SEVERAL


@pytest.mark.parametrize(
    "frame", ["-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----", "-----BEGIN RSA PRIVATE KEY-----\n{}", "{}"]
)
def test_a_private_key_is_refused_and_never_repeated(frame):
    secret = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7canary"
    error = refusal(frame.format(secret))
    assert error.code == CSRFault.PRIVATE_KEY
    assert "canary" not in error.detail
    assert "canary" not in str(error)


def test_a_private_key_next_to_a_request_is_refused_too():
    error = refusal(csr_builder.pem() + "-----BEGIN EC PRIVATE KEY-----\nMHcCAQEE\n-----END EC PRIVATE KEY-----")
    assert error.code == CSRFault.PRIVATE_KEY


def test_a_request_above_64_kib_is_refused():
    assert refusal(csr_builder.pem() + " " * 65536).code == CSRFault.TOO_LARGE
    assert refusal("é" * 40000).code == CSRFault.TOO_LARGE


def test_a_changed_request_is_refused():
    der = csr_builder.der("www.example.com", ["www.example.com"]).replace(b"www.example.com", b"wwx.example.com")
    with pytest.raises(CSRRefusedError) as refused:
        examine_csr(der)
    assert refused.value.code == CSRFault.BAD_SIGNATURE


@pytest.mark.parametrize("algorithm", [4, 5], ids=["md5", "sha1"])
def test_old_signature_hashes_are_refused(algorithm):
    der = csr_builder.der(kind="rsa2048")
    sha256_with_rsa = bytes.fromhex("06092a864886f70d01010b")
    with pytest.raises(CSRRefusedError) as refused:
        examine_csr(der.replace(sha256_with_rsa, sha256_with_rsa[:-1] + bytes([algorithm])))
    assert refused.value.code == CSRFault.SIGNATURE_HASH


@pytest.mark.parametrize(
    ("kind", "fault"),
    [
        ("rsa1024", KeyFault.RSA_TOO_SMALL),
        ("secp256k1", KeyFault.CURVE),
        ("P-224", KeyFault.CURVE),
        ("ed25519", KeyFault.KIND),
    ],
)
def test_keys_outside_the_rules_are_refused(kind, fault):
    assert refusal(csr_builder.pem(kind=kind)).code == fault


def test_a_key_on_the_block_list_is_refused():
    digest = parse_csr(csr_builder.pem()).key.spki_sha256
    blocked = Blocklist.parse(["# leaked", "", digest.upper() + "  # here"])
    assert refusal(csr_builder.pem(), blocked=blocked).code == KeyFault.COMPROMISED


def test_names_outside_the_rules_are_refused():
    ip = csr_builder.pem(names=["www.example.com"], other_names=[x509.RFC822Name("a@example.com")])
    assert refusal(ip).code == CSRFault.OTHER_NAME_KIND
    assert refusal(csr_builder.pem("www.example.com", ["example.com"])).code == CSRFault.CN_NOT_IN_NAMES
    assert refusal(csr_builder.pem("", None)).code == CSRFault.NO_NAMES
    assert refusal(csr_builder.pem("server1")).code == NameFault.SINGLE_LABEL
    assert refusal(csr_builder.pem("a_b.example.com")).code == NameFault.UNDERSCORE
    many = [f"h{number}.example.com" for number in range(5)]
    assert refusal(csr_builder.pem("h1.example.com", many), max_names=4).code == CSRFault.TOO_MANY_NAMES


def test_the_names_must_be_those_of_the_order():
    csr = parse_csr(csr_builder.pem("www.example.com", ["www.example.com", "example.com"]))
    match_order(csr, ["example.com", "www.example.com"])
    with pytest.raises(CSRRefusedError, match="missing in the request: shop") as refused:
        match_order(csr, ["example.com", "www.example.com", "shop.example.com"])
    assert refused.value.code == CSRFault.NAMES_DIFFER
    with pytest.raises(CSRRefusedError, match="not in the order") as refused:
        match_order(csr, ["www.example.com"])
    assert refused.value.code == CSRFault.NAMES_DIFFER
    with pytest.raises(CSRRefusedError) as refused:
        match_order(csr, ["example.com"])
    assert refused.value.code == CSRFault.CN_NOT_IN_NAMES


def test_a_request_without_san_asks_for_its_common_name_only():
    match_order(parse_csr(csr_builder.pem("www.example.com")), ["example.com", "www.example.com"])


def test_a_country_that_is_none_is_shown_and_harms_nothing():
    with pytest.warns(UserWarning, match="length"):
        country = x509.NameAttribute(NameOID.COUNTRY_NAME, "GERMANY", _validate=False)
    name = x509.Name([country, x509.NameAttribute(NameOID.COMMON_NAME, "www.example.com")])
    request = x509.CertificateSigningRequestBuilder().subject_name(name).sign(csr_builder.key(), hashes.SHA256())
    assert examine_csr(request.public_bytes(Encoding.DER)).subject.country == "GERMANY"


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_no_mutation_of_a_request_upsets_the_reader(data):
    der = bytearray(data.draw(st.sampled_from(SEEDS)))
    for _ in range(data.draw(st.integers(0, 6))):
        place = data.draw(st.integers(0, len(der) - 1))
        how = data.draw(st.sampled_from(["flip", "set", "cut", "insert", "repeat"]))
        if how == "flip":
            der[place] ^= 1 << data.draw(st.integers(0, 7))
        elif how == "set":
            der[place] = data.draw(st.integers(0, 255))
        elif how == "cut":
            del der[place : place + data.draw(st.integers(1, 9))]
        elif how == "insert":
            der[place:place] = data.draw(st.binary(min_size=1, max_size=9))
        else:
            der[place:place] = der[place : place + 40]
        der = der or bytearray(b"0")
    try:
        csr = examine_csr(bytes(der))
    except CSRRefusedError:
        return
    assert csr.names


@settings(max_examples=EXAMPLES // 5, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    common_name=st.one_of(st.just(""), st.just("www.example.com"), st.text(min_size=1, max_size=64)),
    names=st.one_of(
        st.none(),
        st.lists(st.one_of(st.just("www.example.com"), st.from_regex(r"[ -~]{1,60}", fullmatch=True)), max_size=6),
    ),
    subject=st.lists(
        st.tuples(
            st.sampled_from(
                [NameOID.ORGANIZATION_NAME, NameOID.EMAIL_ADDRESS, NameOID.LOCALITY_NAME, NameOID.COMMON_NAME]
            ),
            st.text(alphabet=st.characters(codec="utf-8"), min_size=1, max_size=64),
        ),
        max_size=4,
    ),
)
def test_no_generated_request_upsets_the_reader(common_name, names, subject):
    try:
        pem = csr_builder.pem(common_name, names, subject=subject)
    except ValueError:
        return  # the maker itself knows that this cannot be written
    try:
        csr = parse_csr(pem)
    except CSRRefusedError:
        return
    assert parse_csr(csr.pem) == csr


@settings(max_examples=EXAMPLES)
@given(st.one_of(st.text(), st.binary(max_size=300).map(lambda raw: raw.decode("latin-1"))))
def test_no_text_upsets_the_reader(text):
    for framed in (text, f"-----BEGIN CERTIFICATE REQUEST-----{text}-----END CERTIFICATE REQUEST-----"):
        with pytest.raises(CSRRefusedError):
            parse_csr(framed)


SEEDS = [
    csr_builder.der("www.example.com", ["www.example.com", "*.example.com"]),
    csr_builder.der("www.example.com", subject=[(NameOID.COUNTRY_NAME, "DE"), (NameOID.ORGANIZATION_NAME, "Blüten")]),
    csr_builder.der("", ["example.org"], kind="P-384"),
    csr_builder.der("www.example.com", ["www.example.com"], kind="rsa2048"),
]
