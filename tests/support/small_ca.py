# SPDX-License-Identifier: Apache-2.0
"""A root and an issuing CA for tests that need certificates and no service."""

import datetime as dt
import itertools

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

_serials = itertools.count(0x10000001)
DAY = dt.timedelta(days=1)


def _name(text):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _pem(certificate):
    return certificate.public_bytes(Encoding.PEM).decode()


class SmallCA:
    def __init__(self, name="Small Test"):
        self.name = name
        root_key, self._key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
        self.root = self._sign(f"{name} Root", root_key.public_key(), f"{name} Root", root_key, ca=True)
        self.issuer = self._sign(f"{name} CA", self._key.public_key(), f"{name} Root", root_key, ca=True)
        self.root_pem, self.chain_pem = _pem(self.root), _pem(self.issuer)

    def sign(self, public_key, names, *, days=30, started=1):
        certificate = self._sign(
            names[0], public_key, f"{self.name} CA", self._key, names=names, days=days, started=started
        )
        return _pem(certificate), f"{certificate.serial_number:X}"

    def sign_csr(self, csr_pem, **options):
        csr = x509.load_pem_x509_csr(csr_pem.encode())
        names = csr.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        return self.sign(csr.public_key(), names.get_values_for_type(x509.DNSName), **options)

    def key_pair(self, folder, names):
        """Files of a fresh key and its full chain, as an older installation would have them; and the serial."""
        key = ec.generate_private_key(ec.SECP256R1())
        pem, serial = self.sign(key.public_key(), names)
        (folder / "old.key").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        (folder / "old.pem").write_text(pem + self.chain_pem)
        return folder / "old.pem", folder / "old.key", serial

    def _sign(self, subject, public_key, issuer, key, *, ca=False, names=(), days=30, started=1):
        now = dt.datetime.now(dt.UTC).replace(microsecond=0)
        builder = (
            x509.CertificateBuilder()
            .subject_name(_name(subject))
            .issuer_name(_name(issuer))
            .public_key(public_key)
            .serial_number(next(_serials))
            .not_valid_before(now - started * DAY)
            .not_valid_after(now + days * DAY)
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        )
        if names:
            san = x509.SubjectAlternativeName([x509.DNSName(name) for name in names])
            builder = builder.add_extension(san, critical=False)
        return builder.sign(key, hashes.SHA256())
