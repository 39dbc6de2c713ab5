# SPDX-License-Identifier: Apache-2.0
"""Where issuer and CRL are fetched: what is written into certificates is what RFC 5280 §4.2.1.6 allows there."""

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtensionOID

from services.ca import bootstrap
from services.ca.adapters import lint
from services.ca.settings import CASettings
from shared.settings import Settings


@pytest.mark.parametrize(
    ("gateway", "own", "published"),
    [
        ("http://127.0.0.1:8080", "", "http://127.0.0.1:8080/pki"),
        ("http://127.0.0.1:8080/", "", "http://127.0.0.1:8080/pki"),
        ("http://localhost:8080", "", "http://127.0.0.1:8080/pki"),
        ("http://LOCALHOST", "", "http://127.0.0.1/pki"),
        ("http://[::1]:8080", "", "http://[::1]:8080/pki"),
        ("https://certs.example.com", "", "https://certs.example.com/pki"),
        ("http://certwright:8080", "http://pki.example.com/", "http://pki.example.com/"),
    ],
)
def test_an_fqdn_or_an_address_is_published(gateway, own, published):
    assert CASettings(public_url=own).published_at(gateway) == published


def test_a_name_without_a_dot_is_refused_with_the_cure():
    with pytest.raises(ValueError, match=r"neither an FQDN nor an IP address.*CERTWRIGHT_CA_PUBLIC_URL"):
        CASettings().published_at("http://certwright:8080")
    assert CASettings(lint=False).published_at("http://certwright:8080") == "http://certwright:8080/pki"


def test_a_ca_behind_localhost_signs_what_the_linter_accepts(tmp_path):
    app = bootstrap.build(
        Settings(data_dir=tmp_path, public_url="http://localhost:8080"),
        ca=CASettings(),
    )
    issuing = x509.load_pem_x509_certificate((tmp_path / "ca" / "issuing.pem").read_bytes())
    points = issuing.extensions.get_extension_for_oid(ExtensionOID.CRL_DISTRIBUTION_POINTS).value
    assert points[0].full_name[0].value.startswith("http://127.0.0.1:8080/pki/")
    assert lint.ca_problems(issuing.public_bytes(Encoding.DER), "issuing") == []
    assert app.issuer.name
