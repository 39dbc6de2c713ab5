# SPDX-License-Identifier: Apache-2.0
"""Uploaded certificates: every form that people have, chains in order, never a key, and the way back."""

import base64
import datetime as dt
from functools import partial

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    pkcs7,
    pkcs12,
)
from hypothesis import given
from hypothesis import strategies as st

from services.discovery.handlers import inventory, uploads
from services.discovery.model import upload as model
from services.discovery.model.upload import UploadRefusedError, read_upload
from shared.contracts import discovery
from shared.errors import Code, ServiceError
from tests.support.discovery_room import NOW, der, room
from tests.support.rooms import customer

KEYS = {name: ec.generate_private_key(ec.SECP256R1()) for name in ("root", "issuing", "leaf")}


def signed(subject, issuer, *, ca=False, name=None):
    """A certificate for the key `subject`, signed by the key `issuer`."""

    def of(text):
        return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])

    builder = (
        x509.CertificateBuilder()
        .subject_name(of(name or subject))
        .issuer_name(of(issuer))
        .public_key(KEYS[subject].public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - dt.timedelta(days=1))
        .not_valid_after(NOW + dt.timedelta(days=90))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
    )
    if name:
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
    return builder.sign(KEYS[issuer], hashes.SHA256())


ROOT, ISSUING = signed("root", "root", ca=True), signed("issuing", "root", ca=True)
LEAF, OTHER = signed("leaf", "issuing", name="www.example.com"), signed("leaf", "issuing", name="api.example.com")


def pem(*certificates):
    return "".join(one.public_bytes(Encoding.PEM).decode() for one in certificates)


def names(found):
    return [one.sighting.common_name for one in found]


FORMS = {
    "PEM": pem(LEAF),
    "PEM with words around it": f"subject=CN = x\n{pem(LEAF)}\nverify ok\n",
    "PEM with line ends of Windows": pem(LEAF).replace("\n", "\r\n"),
    "DER": base64.b64encode(LEAF.public_bytes(Encoding.DER)).decode(),
    "PKCS#7 DER": base64.b64encode(pkcs7.serialize_certificates([LEAF], Encoding.DER)).decode(),
    "PKCS#7 PEM": pkcs7.serialize_certificates([LEAF], Encoding.PEM).decode(),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_is_read(form):
    (only,) = read_upload(FORMS[form])
    assert (only.sighting.names, only.chain_pem) == (("www.example.com",), "")


@pytest.mark.parametrize(
    "content",
    [
        pem(LEAF, ISSUING, ROOT),
        pem(ROOT, LEAF, ISSUING),
        pem(LEAF, LEAF, ROOT, ISSUING),
        pkcs7.serialize_certificates([ROOT, ISSUING, LEAF], Encoding.PEM).decode(),
    ],
)
def test_issuers_that_come_along_are_the_chain_nearest_first(content):
    (only,) = read_upload(content)
    assert only.sighting.common_name == "www.example.com"
    assert only.chain_pem == pem(ISSUING, ROOT)


def test_several_chains_and_lone_issuers_are_told_apart():
    found = read_upload(pem(OTHER, LEAF, ISSUING))
    assert names(found) == ["api.example.com", "www.example.com"]
    assert [one.chain_pem for one in found] == [pem(ISSUING)] * 2
    assert names(read_upload(pem(ISSUING))) == ["issuing"]
    assert names(read_upload(pem(ROOT))) == ["root"]
    stranger = signed("leaf", "root", name="issuing")  # the name fits, the key does not
    assert [one.chain_pem for one in read_upload(pem(LEAF, stranger))] == ["", ""]


def key_forms():
    elliptic, classic = KEYS["leaf"], rsa.generate_private_key(65537, 2048)
    secret = BestAvailableEncryption(b"secret")
    for key in (elliptic, classic):
        for encoding in (PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL):
            yield key.private_bytes(Encoding.PEM, encoding, NoEncryption()).decode()
            yield base64.b64encode(key.private_bytes(Encoding.DER, encoding, NoEncryption())).decode()
        yield key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, secret).decode()
        yield base64.b64encode(key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, secret)).decode()
        yield key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()).decode()
    for encryption in (NoEncryption(), secret):
        bundle = pkcs12.serialize_key_and_certificates(b"x", elliptic, LEAF, [ISSUING], encryption)
        yield base64.b64encode(bundle).decode()
    whole = elliptic.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    yield pem(LEAF) + whole
    yield whole + pem(LEAF)
    yield whole[: len(whole) // 2]
    yield whole.replace("PRIVATE KEY", "CERTIFICATE")
    yield whole.replace("PRIVATE KEY", "private\tkey") + pem(LEAF)


@pytest.mark.parametrize("content", list(key_forms()))
def test_a_private_key_is_refused_in_every_form_and_not_repeated(content):
    with pytest.raises(UploadRefusedError) as refused:
        read_upload(content)
    assert refused.value.fault == "upload_private_key"
    lines = [line for line in content.splitlines() if len(line) > 20 and "---" not in line]
    assert not any(line[:20] in refused.value.detail for line in lines)


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        ("", "upload_empty"),
        (" \n", "upload_empty"),
        ("-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----", "upload_empty"),
        ("hello", "upload_unreadable"),
        ("ü", "upload_unreadable"),
        ("AAAA", "upload_unreadable"),
        ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----", "upload_unreadable"),
        (pem(LEAF) + "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----", "upload_unreadable"),
        ("-----BEGIN PKCS7-----\nAAAA\n-----END PKCS7-----", "upload_unreadable"),
        ("a" * (model.MOST_CHARACTERS + 1), "upload_too_large"),
        ("".join(["-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] * 9), "upload_unreadable"),
    ],
)
def test_what_is_no_certificate_is_refused(content, fault):
    with pytest.raises(UploadRefusedError) as refused:
        read_upload(content)
    assert refused.value.fault == fault


def test_too_many_are_refused(monkeypatch):
    monkeypatch.setattr(model, "MOST_CERTIFICATES", 2)
    assert len(read_upload(pem(OTHER, LEAF))) == 2
    with pytest.raises(UploadRefusedError) as refused:
        read_upload(pem(OTHER, LEAF, ISSUING))
    assert refused.value.fault == "upload_too_many"


def outcome(content):
    """`read` or the fault; anything else that is raised is a bug."""
    try:
        return "read" if read_upload(content) else None
    except UploadRefusedError as refused:
        return refused.fault.value


@given(st.one_of(st.text(max_size=300), st.binary(max_size=300).map(lambda raw: base64.b64encode(raw).decode()),
    st.binary(max_size=300).map(lambda raw:
        f"-----BEGIN CERTIFICATE-----\n{base64.b64encode(raw).decode()}\n-----END CERTIFICATE-----\n")))  # fmt: skip
def test_whatever_is_sent_is_read_or_refused(content):
    assert outcome(content) is not None


@given(st.data())
def test_damaged_certificates_are_read_or_refused(data):
    raw = bytearray(LEAF.public_bytes(Encoding.DER))
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    assert outcome(base64.b64encode(bytes(raw)).decode()) in {"read", "upload_unreadable", "upload_private_key"}


class Shelf:
    """The room with shorthands."""

    def __init__(self, app):
        self.app = app

    def upload(self, content, account="a1"):
        request = discovery.UploadCertificates(content=content)
        handler = partial(uploads.upload, found=uploads.read(request))
        return self.app.room.execute(handler, request, customer(account)).items

    def remove(self, fingerprint, account="a1"):
        request = discovery.RemoveUpload(fingerprint_sha256=fingerprint.upper())
        return self.app.room.execute(uploads.remove_upload, request, customer(account))

    def list(self, account="a1", **fields):
        return inventory.inventory(self.app.room, discovery.ListInventory(**fields), customer(account)).items

    def facts(self):
        return [entry.data for entry in self.app.room.log.read().entries if entry.type == "discovery.CertDiscovered"]


@pytest.fixture
def shelf(tmp_path):
    built = room(tmp_path)
    yield Shelf(built)
    built.room.database.close()


def test_an_upload_is_in_the_inventory_with_its_chain_and_no_place_on_a_server(shelf):
    (said,) = shelf.upload(pem(LEAF, ISSUING, ROOT))
    assert (said.common_name, said.known) == ("www.example.com", False)
    (one,) = shelf.list(source="uploaded")
    assert [(place.source, place.address, place.port) for place in one.places] == [("uploaded", "", 0)]
    request = discovery.GetInventoryCertificate(fingerprint_sha256=said.fingerprint_sha256)
    whole = inventory.inventory_certificate(shelf.app.room, request, customer("a1"))
    assert (whole.pem, whole.chain_pem) == (pem(LEAF), pem(ISSUING, ROOT))
    assert [fact["source"] for fact in shelf.facts()] == ["uploaded"]
    assert shelf.list(account="a2") == []


def test_the_same_again_changes_nothing(shelf):
    first = shelf.upload(pem(LEAF))
    again = shelf.upload(FORMS["DER"])
    assert [one.known for one in (*first, *again)] == [False, True]
    (one,) = shelf.list()
    assert len(one.places) == 1
    assert len(shelf.facts()) == 1


def test_an_upload_is_taken_back_and_what_a_scan_tells_of_stays(shelf):
    (said,) = shelf.upload(pem(LEAF))
    shelf.remove(said.fingerprint_sha256)
    assert shelf.list() == []
    for account in ("a1", "a2"):
        with pytest.raises(ServiceError) as refused:
            shelf.remove(said.fingerprint_sha256, account)
        assert refused.value.code is Code.NOT_FOUND
    (said,) = shelf.upload(base64.b64encode(der("scanned.example.com")).decode())
    with shelf.app.room.database.write() as connection:
        place = discovery.Place(source="scan", seen_at="2026-01-01T00:00:00.000000Z", address="203.0.113.1", port=443)
        uploads.add_place(connection, "p1", "a1", said.fingerprint_sha256, place)
    shelf.remove(said.fingerprint_sha256)
    (one,) = shelf.list()
    assert [place.source for place in one.places] == ["scan"]


def test_what_was_flagged_stays_when_its_upload_is_taken_back(shelf):
    (said,) = shelf.upload(pem(LEAF))
    request = discovery.BookmarkCertificates(fingerprints=[said.fingerprint_sha256])
    shelf.app.room.execute(inventory.bookmark_certificates, request, customer("a1"))
    shelf.remove(said.fingerprint_sha256)
    assert [one.bookmarked for one in shelf.list()] == [True]


def test_a_refusal_names_its_field_and_leaves_nothing_behind(shelf, tmp_path, caplog):
    caplog.set_level(0)
    secret = KEYS["leaf"].private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    with pytest.raises(ServiceError) as refused:
        shelf.upload(pem(LEAF) + secret)
    assert (refused.value.code, refused.value.pointer) == (Code.INVALID, "/content")
    assert refused.value.extra == {"reason": "upload_private_key"}
    assert shelf.list() == []
    piece = secret.splitlines()[1][:40]
    assert piece not in caplog.text
    assert not any(piece.encode() in file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())
