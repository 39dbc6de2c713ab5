# SPDX-License-Identifier: Apache-2.0
"""A certificate as a zip: which files it has, how they are called, and what never is among them."""

import io
import zipfile

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from gateway.certificate_zip import pack
from shared.contracts import ca as issuing
from shared.contracts import orders
from shared.errors import not_found
from shared.pki.certificate import parse_chain
from tests.support.small_ca import SmallCA

ORDER = "0b6f2a54-5d0e-4a3c-9b7e-6a4f1c2d3e4f"


@pytest.fixture(scope="module")
def ca():
    return SmallCA()


def made(ca, name="www.example.com", **changes):
    pem, serial = ca.sign(ec.generate_private_key(ec.SECP256R1()).public_key(), [name])
    fields = {"serial": serial, "pem": pem, "chain_pem": ca.chain_pem, "common_name": name, "number": 2000001}
    return orders.CertificateFile(**{**fields, **changes})


def members(content):
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name).decode() for name in archive.namelist()}


def test_the_zip_has_leaf_chain_both_root_and_a_page_about_them(ca):
    file = made(ca)
    found = members(pack(file, ca.root_pem))
    assert list(found) == [
        "www.example.com_cert.pem", "www.example.com_chain.pem", "www.example.com_fullchain.pem",
        "www.example.com_root.pem", "README.txt",
    ]  # fmt: skip
    assert found["www.example.com_fullchain.pem"] == file.pem + ca.chain_pem
    assert len(parse_chain(found["www.example.com_fullchain.pem"])) == 2
    assert found["www.example.com_root.pem"] == ca.root_pem
    assert all(name in found["README.txt"] for name in found if name.endswith(".pem"))
    assert "2000001" in found["README.txt"]
    assert file.serial in found["README.txt"]
    assert not any("PRIVATE KEY" in text for text in found.values())


def test_the_root_of_another_issuer_is_left_out(ca):
    found = members(pack(made(ca), SmallCA("Other").root_pem))
    assert "www.example.com_root.pem" not in found
    assert "_root.pem" not in found["README.txt"]


def test_the_same_certificate_gives_the_same_zip(ca):
    file = made(ca)
    assert pack(file, ca.root_pem) == pack(file, ca.root_pem)


def test_a_wildcard_is_a_file_name_on_every_system(client, rpc, bearer, ca):
    rpc.answers[orders.GetCertificate] = made(ca, "*.example.com")
    rpc.answers[issuing.GetChain] = issuing.CAChain(name="x", root_pem=ca.root_pem, issuers_pem=[], test=True)
    answer = client.get(f"/api/v1/orders/{ORDER}/certificate.zip?serial=0A", headers=bearer)
    assert answer.headers["Content-Type"] == "application/zip"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="_wildcard.example.com_2000001.zip"'
    assert "_wildcard.example.com_root.pem" in members(answer.data)
    assert rpc.asked[0] == orders.GetCertificate(order_id=ORDER, serial="0A")


def test_a_serial_also_chooses_what_is_in_the_pem_file(client, rpc, bearer):
    client.get(f"/api/v1/orders/{ORDER}/certificate.pem?serial=0A", headers=bearer)
    assert rpc.asked == [orders.GetCertificate(order_id=ORDER, serial="0A")]


def test_what_is_not_there_is_a_problem_document(client, rpc, bearer):
    rpc.answers[orders.GetCertificate] = not_found("certificate")
    answer = client.get(f"/api/v1/orders/{ORDER}/certificate.zip", headers=bearer)
    assert (answer.status_code, answer.mimetype) == (404, "application/problem+json")
