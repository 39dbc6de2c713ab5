# SPDX-License-Identifier: Apache-2.0
"""Whether a signature is that of a key, for what CAs, OCSP responders and CT logs sign."""

from __future__ import annotations

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes

# Hashes of which two inputs with the same value can be made: what they sign proves nothing.
FORGEABLE = ("md2", "md4", "md5", "sha1")


def is_signed(
    key: CertificatePublicKeyTypes, signature: bytes, signed: bytes, algorithm: hashes.HashAlgorithm | None
) -> bool:
    """Whether `key` made `signature` over `signed`. RSA is that of PKCS #1 v1.5; the hash is None where the kind of key
    has its own. False, too, for kinds of keys that are not known."""
    try:
        if isinstance(key, ed25519.Ed25519PublicKey | ed448.Ed448PublicKey):
            key.verify(signature, signed)
        elif isinstance(key, rsa.RSAPublicKey) and algorithm is not None:
            key.verify(signature, signed, padding.PKCS1v15(), algorithm)
        elif isinstance(key, ec.EllipticCurvePublicKey) and algorithm is not None:
            key.verify(signature, signed, ec.ECDSA(algorithm))
        else:
            return False
    except (InvalidSignature, UnsupportedAlgorithm, ValueError):
        return False
    return True


def is_issued(below: x509.Certificate, issuer: x509.Certificate) -> bool:
    """Whether `issuer` is named by the certificate, and its key made the signature."""
    try:
        below.verify_directly_issued_by(issuer)
    except (InvalidSignature, UnsupportedAlgorithm, ValueError, TypeError):
        return False
    return True
