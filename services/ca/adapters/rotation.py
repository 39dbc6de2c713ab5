# SPDX-License-Identifier: Apache-2.0
"""A new issuing CA under the same root: request here, signature where the root's key is, certificate back here.

Each step may be repeated after a crash. Nothing but the last rename changes who signs.
"""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from services.ca.adapters.certify import (
    CA_USAGE,
    PrivateKey,
    algorithm_of,
    attribute,
    ca_name,
    certify_issuing,
    common_name,
    digest_for,
    new_key,
    published_at,
)
from services.ca.adapters.key_files import PASSPHRASE, KeyStoreError, opened, read_passphrase, sealed, sync, write_new
from services.ca.adapters.key_store import MADE, highest, load
from services.ca.adapters.self_check import refuse_failed, self_check
from shared.clock import to_text
from shared.crashpoint import crash_point

_REQUEST = re.compile(r"request-([1-9][0-9]{0,3})")
CSR = "issuing.csr.pem"
COPIED = (x509.AuthorityInformationAccess, x509.CRLDistributionPoints)


@dataclass(frozen=True, slots=True)
class Requested:
    """A request for the issuing certificate number `number`; its key waits in `place`."""

    number: int
    place: Path
    csr: x509.CertificateSigningRequest

    @property
    def pem(self) -> str:
        """The request in PEM."""
        return self.csr.public_bytes(Encoding.PEM).decode()


def request(folder: Path, passphrase_file: Path | None, *, algorithm: str = "", name: str = "", base: str) -> Requested:
    """Makes the next issuing key and a request for it, or gives the one that waits. Raises KeyStoreError.

    Without `algorithm` and `name`: the kind of key of today's issuing CA, and its organization with the next number.
    """
    store = load(folder, passphrase_file)
    number = highest(folder) + 1
    waiting = pending(folder)
    if waiting is not None:
        differs = (name and common_name(waiting.csr) != name) or (
            algorithm and algorithm_of(waiting.csr.public_key()) != algorithm
        )
        if differs:
            raise KeyStoreError(
                f"A request for {common_name(waiting.csr)} waits in {waiting.place}. Install its certificate, or "
                "remove that folder and ask again."
            )
        return waiting
    today = store.active.issuing
    organization = attribute(today.subject, NameOID.ORGANIZATION_NAME)
    title = name or f"{organization} Issuing CA {number}"
    if title in {common_name(each.issuing) for each in store.issuers}:
        raise KeyStoreError(f"There is an issuing CA called {title} already; give the new one another name.")
    key = new_key(algorithm or algorithm_of(today.public_key()))
    subject = ca_name(organization, title, attribute(today.subject, NameOID.COUNTRY_NAME))
    builder = (
        x509.CertificateSigningRequestBuilder()
        .subject_name(subject)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(CA_USAGE, critical=True)
    )
    for each in published_at(base):
        builder = builder.add_extension(each, critical=False)
    csr = builder.sign(key, digest_for(key))
    secret = read_passphrase(passphrase_file or folder / PASSPHRASE)
    files = {"issuing.key.pem": sealed(key, secret), CSR: csr.public_bytes(Encoding.PEM)}
    place = folder / f"request-{number}"
    _put(place, files, "ca/rotate/request")
    return Requested(number, place, csr)


def pending(folder: Path) -> Requested | None:
    """The request that waits for its certificate."""
    number = highest(folder) + 1
    place = folder / f"request-{number}"
    if not (place / CSR).is_file():
        return None
    return Requested(number, place, read_request((place / CSR).read_bytes()))


def read_request(content: bytes) -> x509.CertificateSigningRequest:
    """A request for an issuing certificate, PEM. Raises KeyStoreError."""
    try:
        # Not a customer's, whose requests shared/pki reads: this one asks for a CA.
        return x509.load_pem_x509_csr(content)  # noqa: TID251
    except ValueError:
        raise KeyStoreError("This is no certificate request in PEM.") from None


def sign_request(
    csr: x509.CertificateSigningRequest, root: x509.Certificate, root_key: PrivateKey, *, days: int, now: datetime
) -> x509.Certificate:
    """The issuing certificate for a request. Of its wishes only the name, the key and the addresses are granted.

    Raises KeyStoreError on a request that was changed on its way, a key that CAs may not have, and a root that ended.
    """
    if not csr.is_signature_valid:
        raise KeyStoreError("The request's signature is wrong: it was damaged or changed on its way.")
    key = csr.public_key()
    if not isinstance(key, ec.EllipticCurvePublicKey | rsa.RSAPublicKey):
        raise KeyStoreError("The request's key is neither ECDSA nor RSA.")
    if isinstance(key, rsa.RSAPublicKey) and key.key_size < 2048:  # BR 6.1.5
        raise KeyStoreError(f"The request's RSA key has {key.key_size} bits; 2048 are the least.")
    if isinstance(key, ec.EllipticCurvePublicKey) and not isinstance(key.curve, ec.SECP256R1 | ec.SECP384R1):
        raise KeyStoreError(f"The request's key is on the curve {key.curve.name}; P-256 and P-384 are possible.")
    if not common_name(csr) or csr.subject == root.subject or key == root.public_key():
        raise KeyStoreError("The request needs a common name and a key of its own, other than the root's.")
    if not root.not_valid_before_utc <= now < root.not_valid_after_utc:
        raise KeyStoreError("The root has ended, or this machine's clock is wrong.")
    copied = [each.value for each in csr.extensions if isinstance(each.value, COPIED)]
    issuing = certify_issuing(csr.subject, key, root, root_key, now=now, days=days, distribution=copied)
    refuse_failed(self_check(root, issuing, None, now=now))
    return issuing


def install(
    folder: Path, passphrase_file: Path | None, certificate: x509.Certificate, *, by: str, now: datetime
) -> int:
    """Puts the certificate of the waiting request in place: from then on that CA signs. Its number.

    Installed already is installed. Raises KeyStoreError when it does not fit the request, the root or today.
    """
    store = load(folder, passphrase_file)
    if store.active.issuing == certificate:
        _tidy(folder)
        return store.active.number
    waiting = pending(folder)
    if waiting is None:
        raise KeyStoreError("No request waits for a certificate; make one with `certwright ca request`.")
    key = opened(waiting.place / "issuing.key.pem", read_passphrase(passphrase_file or folder / PASSPHRASE))
    root = store.active.root
    refuse_failed(self_check(root, certificate, key, now=now))
    title = common_name(certificate)
    if title in {common_name(each.issuing) for each in store.issuers}:
        raise KeyStoreError(f"There is an issuing CA called {title} already.")
    files = {
        "root.pem": root.public_bytes(Encoding.PEM),
        "issuing.pem": certificate.public_bytes(Encoding.PEM),
        "issuing.key.pem": (waiting.place / "issuing.key.pem").read_bytes(),
        MADE: json.dumps({"by": by, "at": to_text(now)}).encode(),
    }
    _put(folder / f"issuer-{waiting.number}", files, "ca/rotate/install")
    _tidy(folder)
    return waiting.number


def read_certificate(path: Path) -> x509.Certificate:
    """A certificate, PEM. Raises KeyStoreError."""
    try:
        return x509.load_pem_x509_certificate(path.read_bytes())
    except FileNotFoundError:
        raise KeyStoreError(f"There is no file {path}.") from None
    except ValueError:
        raise KeyStoreError(f"{path} is no certificate in PEM.") from None


def fingerprint(certificate: x509.Certificate) -> str:
    """SHA-256 of a certificate, lower-case hexadecimal."""
    return certificate.fingerprint(hashes.SHA256()).hex()


def _tidy(folder: Path) -> None:
    """Removes requests that have their certificate."""
    for path in folder.iterdir():
        match = _REQUEST.fullmatch(path.name)
        if match and int(match[1]) <= highest(folder):
            shutil.rmtree(path)


def _put(place: Path, files: dict[str, bytes], step: str) -> None:
    """A folder with its files, whole or not at all."""
    for left in place.parent.glob(f".{place.name}-*"):
        shutil.rmtree(left, ignore_errors=True)  # of a process that died
    draft = Path(tempfile.mkdtemp(prefix=f".{place.name}-", dir=place.parent))
    try:
        for name, content in files.items():
            write_new(draft / name, content)
        sync(draft)
        crash_point(f"{step}/before-rename")
        draft.rename(place)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    sync(place.parent)
    crash_point(f"{step}/after-rename")
