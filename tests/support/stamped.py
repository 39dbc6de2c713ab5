# SPDX-License-Identifier: Apache-2.0
"""A certificate transparency log of a test: a key, its entry in a list of the public shape, and stamps (RFC 6962)."""

from __future__ import annotations

import base64
import hashlib
import json

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtensionOID

SPKI = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


class TestLog:
    """`state` is what the list says of it, such as {"usable": {…}}."""

    __test__ = False

    def __init__(self, name="Test Log", state=None, key=None):
        self.key = key or ec.generate_private_key(ec.SECP256R1())
        self.name = name
        self.state = state or {"usable": {"timestamp": "2025-01-01T00:00:00Z"}}
        self.der = self.key.public_key().public_bytes(*SPKI)
        self.id = hashlib.sha256(self.der).digest()

    @property
    def entry(self):
        return {
            "description": self.name,
            "log_id": base64.b64encode(self.id).decode(),
            "key": base64.b64encode(self.der).decode(),
            "url": "https://log.example.test/",
            "mmd": 86400,
            "state": self.state,
        }

    def stamp(self, entry, at_ms, extensions=b""):
        """A SignedCertificateTimestamp over a packed LogEntry."""
        signed = b"\0\0" + at_ms.to_bytes(8, "big") + entry + len(extensions).to_bytes(2, "big") + extensions
        if isinstance(self.key, rsa.RSAPrivateKey):
            kind, signature = 1, self.key.sign(signed, padding.PKCS1v15(), hashes.SHA256())
        else:
            kind, signature = 3, self.key.sign(signed, ec.ECDSA(hashes.SHA256()))
        head = b"\0" + self.id + at_ms.to_bytes(8, "big") + len(extensions).to_bytes(2, "big") + extensions
        return head + bytes((4, kind)) + len(signature).to_bytes(2, "big") + signature


def log_list(*logs):
    """The text of a list, version 3."""
    return json.dumps({"version": "50.1", "operators": [{"name": "Tests", "logs": [one.entry for one in logs]}]})


def listed(*stamps):
    """A SignedCertificateTimestampList."""
    whole = b"".join(len(one).to_bytes(2, "big") + one for one in stamps)
    return len(whole).to_bytes(2, "big") + whole


def entry_of(certificate):
    """The LogEntry of a whole certificate."""
    der = certificate.public_bytes(Encoding.DER)
    return b"\0\0" + len(der).to_bytes(3, "big") + der


def wrapped(packed):
    """The list as the value of an extension: an OCTET STRING."""
    size = len(packed)
    head = bytes((4, size)) if size < 128 else bytes((4, 0x82)) + size.to_bytes(2, "big")
    return head + packed


def with_stamps(builder, issuer, signer, logs, at_ms):
    """The builder's certificate with a stamp of each log inside: what they signed is the body without the stamps."""
    body = builder.sign(signer, hashes.SHA256()).tbs_certificate_bytes
    key = hashlib.sha256(issuer.public_key().public_bytes(*SPKI)).digest()
    entry = b"\0\1" + key + len(body).to_bytes(3, "big") + body
    packed = wrapped(listed(*(log.stamp(entry, at_ms) for log in logs)))
    extension = x509.UnrecognizedExtension(ExtensionOID.PRECERT_SIGNED_CERTIFICATE_TIMESTAMPS, packed)
    return builder.add_extension(extension, critical=False).sign(signer, hashes.SHA256())
