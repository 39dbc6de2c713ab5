# SPDX-License-Identifier: Apache-2.0
"""Makes requests, right and wrong ones, for the tests of everything that reads them."""

from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID


@cache
def key(kind="P-256"):
    if kind.startswith("rsa"):
        return rsa.generate_private_key(65537, int(kind[3:]))
    if kind == "ed25519":
        return ed25519.Ed25519PrivateKey.generate()
    curves = {
        "P-256": ec.SECP256R1,
        "P-384": ec.SECP384R1,
        "P-521": ec.SECP521R1,
        "secp256k1": ec.SECP256K1,
        "P-224": ec.SECP224R1,
    }
    return ec.generate_private_key(curves[kind]())


def request(
    common_name="www.example.com",
    names=None,
    *,
    kind="P-256",
    algorithm=None,
    subject=(),
    other_names=(),
    private=None,
):
    """`private` is a key of its own; otherwise all requests of a kind have the same."""
    attributes = [x509.NameAttribute(NameOID.COMMON_NAME, common_name)] if common_name else []
    attributes += [x509.NameAttribute(oid, value) for oid, value in subject]
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name(attributes))
    if names is not None or other_names:
        san = [*(x509.DNSName(name) for name in names or ()), *other_names]
        builder = builder.add_extension(x509.SubjectAlternativeName(san), critical=False)
    private = private or key(kind)
    if algorithm is None and kind != "ed25519":
        algorithm = hashes.SHA256()
    return builder.sign(private, algorithm)


def der(*args, **kwargs):
    return request(*args, **kwargs).public_bytes(Encoding.DER)


def pem(*args, **kwargs):
    return request(*args, **kwargs).public_bytes(Encoding.PEM).decode()
