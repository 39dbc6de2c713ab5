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
    """What the library says, without its own view of the certificate behind it."""
    said = str(error).removeprefix("validation failed: ").partition(" (encountered processing")[0]
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
