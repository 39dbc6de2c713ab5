# SPDX-License-Identifier: Apache-2.0
"""A chain that was sent, read, with what is wrong with its order."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa

from shared.pki.certificate import Certificate, CertificateUnreadableError, parse_with
from shared.pki.issuance import issuer_and_level_of
from shared.probe.survey import ServedChain, Survey

# NIST SP 800-57 part 1, table 2: the RSA size that is as strong as a curve of so many bits.
_AS_RSA = ((512, 15360), (384, 7680), (256, 3072), (224, 2048), (160, 1024))


class ChainUnreadableError(ValueError):
    """The first certificate that the server sent cannot be read."""


@dataclass(frozen=True)
class ReadChain:
    """The chain as it was sent, leaf first; what cannot be read is left out. `brand` and `level` as in
    `issuance.issuer_and_level`, of the leaf."""

    facts: tuple[Certificate, ...]
    certificates: tuple[x509.Certificate, ...]
    brand: str
    level: str
    proved: bool
    in_order: bool
    root_sent: bool

    @property
    def leaf(self) -> Certificate:
        """The server's own certificate."""
        return self.facts[0]

    @property
    def self_signed(self) -> bool:
        """Whether nobody but itself vouches for the leaf."""
        return self.leaf.issuer == self.leaf.subject


def read_chain(survey: Survey) -> ReadChain | None:
    """The chain for the name that was asked for; None when there is none. Raises ChainUnreadableError."""
    if not survey.chains:
        return None
    chosen = min(survey.chains, key=_preference)
    facts, loaded, issuers = [], [], []
    for position, der in enumerate(chosen.certificates[:10]):
        try:
            certificate, said, issuer = _loaded(der)
        except CertificateUnreadableError as error:
            if position == 0:
                raise ChainUnreadableError(str(error)) from error
            continue
        loaded.append(certificate)
        facts.append(said)
        issuers.append(issuer)
    proved = any(one.proved and one.certificates[:1] == chosen.certificates[:1] for one in survey.chains)
    pairs = list(pairwise(facts))
    return ReadChain(
        facts=tuple(facts),
        certificates=tuple(loaded),
        brand=issuers[0][0],
        level=issuers[0][1],
        proved=proved,
        in_order=all(below.issuer == above.subject for below, above in pairs),
        root_sent=len(facts) > 1 and any(one.issuer == one.subject for one in facts[1:]),
    )


@lru_cache(maxsize=512)
def _loaded(der: bytes) -> tuple[x509.Certificate, Certificate, tuple[str, str]]:
    """Thousands of servers show the same issuers."""
    said, (certificate, issuer) = parse_with(der, lambda one: (one.certificate, issuer_and_level_of(one)))
    return certificate, said, issuer


def _preference(chain: ServedChain) -> tuple[bool, bool]:
    return (not chain.with_server_name, not chain.proved)


def strength_as_rsa(certificate: x509.Certificate) -> int:
    """The size of the RSA key that is as strong; 0 for kinds that are not known."""
    key = certificate.public_key()
    if isinstance(key, rsa.RSAPublicKey):
        return key.key_size
    if isinstance(key, ed25519.Ed25519PublicKey):
        return 3072
    if isinstance(key, ed448.Ed448PublicKey):
        return 12288
    if isinstance(key, ec.EllipticCurvePublicKey):
        return next((size for bits, size in _AS_RSA if key.key_size >= bits), 512)
    return 0


def alternative_names(certificate: x509.Certificate) -> tuple[str, ...]:
    """The FQDNs and addresses in subjectAltName; the common name does not count (RFC 9525 §2)."""
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, ValueError):
        return ()
    addresses = [str(one) for one in names.get_values_for_type(x509.IPAddress)]
    return (*names.get_values_for_type(x509.DNSName), *addresses)


def loaded_chains(survey: Survey) -> list[list[x509.Certificate]]:
    """Every chain that was shown, as far as it can be read, at most its first two certificates."""
    found = []
    for chain in survey.chains:
        try:
            found.append([_loaded(der)[0] for der in chain.certificates[:2]])
        except CertificateUnreadableError:
            continue
    return [one for one in found if one]
