# SPDX-License-Identifier: Apache-2.0
"""A running product gets another issuing CA: `openssl`, lists and OCSP agree about certificates of both."""

from __future__ import annotations

import subprocess
import time
from types import SimpleNamespace

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import AuthorityInformationAccessOID

from tests.support import ca_keys, people
from tests.support.live_gateway import live
from tests.support.mailed_proof import issued


@pytest.fixture(scope="module")
def product(tmp_path_factory):
    with live(tmp_path_factory.mktemp("rotation")) as running:
        running.root = running.operator()
        yield running
        assert "Traceback" not in running.log


def addresses(certificate):
    """Where its list, its issuer and its responder are."""
    points = certificate.extensions.get_extension_for_class(x509.CRLDistributionPoints).value
    found = {"crl": points[0].full_name[0].value}
    for each in certificate.extensions.get_extension_for_class(x509.AuthorityInformationAccess).value:
        ocsp = each.access_method == AuthorityInformationAccessOID.OCSP
        found["ocsp" if ocsp else "issuer"] = each.access_location.value
    return found


def test_certificates_of_both_issuers_stand_and_fall_as_openssl_sees_it(product, tmp_path):
    person = people.customer(product.url)
    shop = SimpleNamespace(api=product.root)
    key, secret = ca_keys.take_away(product.folder / "data/ca", tmp_path / "safe")
    before = [issued(person, shop, f"{word}.one.example.com") for word in ("good", "bad")]
    rotated = ca_keys.certwright(
        product.folder / "data", "rotate", "--root-key", key,
        "--passphrase-file", ca_keys.passphrase_file(tmp_path, secret), CERTWRIGHT_PUBLIC_URL=product.url,
    )  # fmt: skip
    assert all(check["ok"] for check in rotated["checks"])
    after = [issued(person, shop, f"{word}.two.example.com") for word in ("good", "bad")]
    for order in (before[1], after[1]):
        person.api.post(f"/orders/{order['order_id']}/revoke", {"reason": "keyCompromise"})
        person.steps.wait_for_status(order["order_id"], "revoked")
    (tmp_path / "root.pem").write_bytes(requests.get(f"{product.url}/pki/root.pem", timeout=10).content)
    root_list = requests.get(f"{product.url}/pki/root.crl", timeout=10)
    assert root_list.headers["Content-Type"] == "application/pkix-crl"

    def openssl(*arguments):
        done = subprocess.run(
            ["openssl", *arguments], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=30
        )
        return done.stdout + done.stderr

    names = set()
    for order, word in zip([*before, *after], ("good", "revoked") * 2, strict=True):
        pem = person.api.get(f"/orders/{order['order_id']}/certificate")["pem"]
        (tmp_path / "leaf.pem").write_text(pem)
        leaf = x509.load_pem_x509_certificate(pem.encode())
        names.add(leaf.issuer)
        where = addresses(leaf)
        issuer = x509.load_der_x509_certificate(requests.get(where["issuer"], timeout=10).content)
        assert issuer.subject == leaf.issuer
        (tmp_path / "issuing.pem").write_bytes(issuer.public_bytes(Encoding.PEM))
        upper = addresses(issuer)
        assert upper["crl"] == f"{product.url}/pki/root.crl"
        for _ in range(100):
            crl = x509.load_der_x509_crl(requests.get(where["crl"], timeout=10).content)
            if (crl.get_revoked_certificate_by_serial_number(leaf.serial_number) is not None) == (word == "revoked"):
                break
            time.sleep(0.1)
        lists = [crl, x509.load_der_x509_crl(root_list.content)]
        (tmp_path / "lists.pem").write_bytes(b"".join(each.public_bytes(Encoding.PEM) for each in lists))
        verified = openssl(
            "verify", "-crl_check_all", "-CRLfile", "lists.pem", "-CAfile", "root.pem", "-untrusted", "issuing.pem",
            "leaf.pem",
        )  # fmt: skip
        assert ("OK" in verified) == (word == "good"), verified
        assert ("certificate revoked" in verified) == (word == "revoked"), verified
        said = openssl(
            "ocsp", "-issuer", "issuing.pem", "-cert", "leaf.pem", "-url", where["ocsp"], "-CAfile", "root.pem",
            "-verify_other", "issuing.pem",
        )  # fmt: skip
        assert "Response verify OK" in said
        assert f"leaf.pem: {word}" in said
    assert len(names) == 2
