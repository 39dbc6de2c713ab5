# SPDX-License-Identifier: Apache-2.0
"""Whether a chain leads to a root that somebody trusts, and whether a certificate is for a name."""

from __future__ import annotations

import ipaddress
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path

import certifi
from cryptography import x509
from cryptography.x509 import verification

MOZILLA, MICROSOFT = "Mozilla", "Microsoft"
_OF_ISSUER = "candidates exhausted: "
_NO_ROOT = "no root of this store leads to it"
_UNNAMED = "a CA of its chain may not issue for its names"
# What the library says, then what that means of the leaf, and of an issuer that was tried.
_REASONS = (
    ("all candidates exhausted", _NO_ROOT, _NO_ROOT),
    ("exceeds max depth", _NO_ROOT, "no root of this store leads to it, in a chain that is not too long"),
    (
        "not valid at validation time",
        "it has expired or is not valid yet",
        "a CA certificate of its chain has expired or is not valid yet",
    ),
    ("signature does not match", "its signature is wrong", "a signature in its chain is not by the CA that it names"),
    ("required EKU not found", "it is not for TLS servers", "a CA of its chain may not issue for TLS servers"),
    ("cA must be asserted", "its issuer is no CA", "an issuer in its chain is no CA"),
    ("cA must not be asserted", "it is the certificate of a CA, not of a server", "a CA stands where none may"),
    ("name constraints", _UNNAMED, _UNNAMED),
    (
        "2.5.29.35: Certificate is missing required extension",
        "it does not name its issuer's key, as each certificate of a CA does",
        "a certificate of its chain does not name its issuer's key",
    ),
)


class StoreUnreadableError(ValueError):
    """A file of roots that holds no PEM certificate."""


@dataclass(frozen=True)
class Store:
    """Roots that somebody trusts; `name` is what people call them."""

    name: str
    roots: verification.Store


@dataclass(frozen=True)
class Trust:
    """The answer of one store. `trusted` None means not checked: no roots of that name are loaded. `path` leads from
    the leaf to the root where it is trusted."""

    store: str
    trusted: bool | None
    reason: str = ""
    path: tuple[x509.Certificate, ...] = ()


@cache
def mozilla() -> Store:
    """Mozilla's roots, as certifi ships them."""
    return load_store(MOZILLA, Path(certifi.where()))


def load_store(name: str, path: Path) -> Store:
    """Roots of a PEM file. Raises OSError, StoreUnreadableError."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # some old roots have serial numbers that RFC 5280 does not like
        try:
            return Store(name, verification.Store(x509.load_pem_x509_certificates(path.read_bytes())))
        except ValueError as error:
            raise StoreUnreadableError(f"{path} holds no certificates in PEM: {error}") from error


def trust_of(chain: Sequence[x509.Certificate], store: Store, at: datetime) -> Trust:
    """Whether a path leads from the leaf to a root of the store at that moment; the name is not the question here."""
    subject = _any_name(chain[0])
    if subject is None:
        return Trust(store.name, trusted=False, reason="the certificate holds no name in subjectAltName")
    verifier = verification.PolicyBuilder().store(store.roots).time(at).build_server_verifier(subject)
    try:
        path = verifier.verify(chain[0], list(chain[1:]))
    except (verification.VerificationError, ValueError, TypeError) as error:
        return Trust(store.name, trusted=False, reason=_words(error))
    return Trust(store.name, trusted=True, path=tuple(path))


def _words(error: Exception) -> str:
    """Why the library found no path, in our words where they are known, else in its own. What it says of one of several
    issuers comes behind "candidates exhausted", what it says of the leaf comes by itself."""
    said = str(error).removeprefix("validation failed: ").partition(" (encountered processing")[0]
    of_issuer = said.startswith(_OF_ISSUER)
    said = said.removeprefix(_OF_ISSUER)
    for phrase, of_leaf, of_others in _REASONS:
        if phrase in said:
            return of_others if of_issuer else of_leaf
    return said[:200]


def _any_name(leaf: x509.Certificate) -> verification.Subject | None:
    try:
        names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        for name in names.get_values_for_type(x509.DNSName):
            return x509.DNSName(name.replace("*.", "a.", 1))
        for address in names.get_values_for_type(x509.IPAddress):
            if isinstance(address, ipaddress.IPv4Address | ipaddress.IPv6Address):
                return x509.IPAddress(address)
    except (x509.ExtensionNotFound, ValueError, TypeError):
        return None
    return None


def is_for(host: str, names: Sequence[str]) -> bool:
    """Whether a certificate with these subjectAltNames is for `host` (RFC 9525 §6.3: `*` is one whole left label)."""
    wanted = host.lower().removesuffix(".")
    for name in names:
        known = name.lower().removesuffix(".")
        if known == wanted:
            return True
        if known.startswith("*.") and "." in wanted and wanted.partition(".")[2] == known[2:]:
            return True
    return False
