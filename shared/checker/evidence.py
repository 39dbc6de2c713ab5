# SPDX-License-Identifier: Apache-2.0
"""What stands for and against a certificate beside its chain: revocation, stamps, CAA and lists of weak keys."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa

from shared.checker.ct_logs import Log
from shared.checker.leaf_facts import ReadChain, loaded_chains
from shared.checker.ocsp_answer import read_answer
from shared.checker.others import NO_ISSUER, Said, nobody
from shared.checker.revocation import GOOD, REVOKED, Revocation, not_checked, wants_staple
from shared.checker.shared_primes import shares_prime
from shared.checker.signatures import is_issued
from shared.checker.stamps import INVALID, TLS, VALID, CheckedStamp, check_stamps, stamps_for
from shared.checker.trust import Trust
from shared.checker.weak_key_list import WeakKeys
from shared.probe.survey import Fact, Survey

NOT_ASKED = "nobody was asked"


class Asks(Protocol):
    """Whoever asks others; see `others.Others`."""

    def ask(self, leaf: x509.Certificate, issuer: x509.Certificate | None, host: str, at: datetime) -> Said:
        """What they say of `leaf`."""
        ...


@dataclass(frozen=True)
class Lists:
    """What an operator loads; None where nothing is loaded. `logs` by the ID of the log."""

    logs: Mapping[bytes, Log] | None = None
    weak_keys: WeakKeys | None = None


@dataclass(frozen=True)
class Evidence:
    """What was found. `unreadable` are the sources of stamps that came broken; `must_staple` is RFC 7633's demand;
    `debian` and `shared_prime` are True for a key that is weak so."""

    said: Said
    stapled: Revocation
    must_staple: bool
    stamps: tuple[CheckedStamp, ...]
    unreadable: tuple[str, ...]
    brand: str
    has_logs: bool
    debian: Fact
    shared_prime: Fact

    @property
    def revocations(self) -> dict[str, Revocation]:
        """By the source: OCSP, CRL, and the answer that the server staples."""
        return {"OCSP": self.said.ocsp, "CRL": self.said.crl, "stapled": self.stapled}

    @property
    def revoked(self) -> tuple[str, Revocation] | None:
        """The first source that says so, and what it says."""
        return next(((source, one) for source, one in self.revocations.items() if one.status == REVOKED), None)

    @property
    def known_good(self) -> bool:
        """Whether any source vouches for it."""
        return any(one.status == GOOD for one in self.revocations.values())


def gather(
    survey: Survey,
    chain: ReadChain,
    trusts: Sequence[Trust],
    *,
    at: datetime,
    lists: Lists,
    others: Asks | None,
    moduli: Iterable[int] | None,
) -> Evidence:
    """Looks at what came along, and asks `others`, unless there are none to be asked. `moduli` are those of the RSA
    keys that are known, None where none are; they are read for an RSA key only."""
    leaf = chain.certificates[0]
    stamps, unreadable = stamps_for(leaf, tls=survey.tls_scts, stapled=survey.stapled_ocsp)
    # To know the issuer by its signature is costly, and only these need its key.
    needed = others is not None or survey.stapled_ocsp or (stamps and lists.logs is not None)
    issuer = issuer_of(chain, trusts) if needed else None
    said = others.ask(leaf, issuer, survey.server_name or survey.address, at) if others else nobody(NOT_ASKED)
    issuer = issuer or said.issuer
    checked = check_stamps(stamps, leaf, issuer, lists.logs)
    return Evidence(
        said=said,
        stapled=_stapled(survey, leaf, issuer, at),
        must_staple=wants_staple(leaf),
        stamps=tuple(_for_any(survey, one, lists.logs) for one in checked),
        unreadable=tuple(unreadable),
        brand=chain.brand,
        has_logs=lists.logs is not None,
        debian=_debian(leaf, lists.weak_keys),
        shared_prime=_shared_prime(leaf, moduli),
    )


def issuer_of(chain: ReadChain, trusts: Sequence[Trust]) -> x509.Certificate | None:
    """The issuer's certificate: one that was sent, else the one on the way to a root."""
    leaf = chain.certificates[0]
    known = [*chain.certificates[1:], *(path for trust in trusts for path in trust.path[1:2])]
    return next((one for one in known if one.subject == leaf.issuer and is_issued(leaf, one)), None)


def _debian(leaf: x509.Certificate, keys: WeakKeys | None) -> Fact:
    key = leaf.public_key()
    if keys is None:
        return Fact(None, "no list of weak keys is loaded")
    if not isinstance(key, rsa.RSAPublicKey):
        return Fact(None, "the lists are of RSA keys")
    if not keys.covers(key.key_size):
        return Fact(None, f"no list of keys of {key.key_size} bits is loaded")
    return Fact(key.public_numbers().n in keys)


def _shared_prime(leaf: x509.Certificate, moduli: Iterable[int] | None) -> Fact:
    key = leaf.public_key()
    if not isinstance(key, rsa.RSAPublicKey):
        return Fact(None, "only RSA keys have primes")
    if moduli is None:
        return Fact(None, "there is no inventory of keys to compare with")
    return Fact(shares_prime(key.public_numbers().n, moduli))


def _stapled(survey: Survey, leaf: x509.Certificate, issuer: x509.Certificate | None, at: datetime) -> Revocation:
    if not survey.stapled_ocsp:
        fact = survey.features.get("stapling")
        if fact is not None and fact.value is None:
            return not_checked(fact.reason)
        return not_checked("no answer is stapled" if fact is not None else "no stapled answer was seen")
    if issuer is None:
        return not_checked(NO_ISSUER)
    found = read_answer(survey.stapled_ocsp, leaf, issuer, at)
    if not found.checked and any(
        read_answer(survey.stapled_ocsp, other[0], other[1], at).checked
        for other in loaded_chains(survey)
        if len(other) > 1 and other[0] != leaf
    ):
        return not_checked("the stapled answer is for another certificate of the server")
    return found


def _for_any(survey: Survey, one: CheckedStamp, logs: Mapping[bytes, Log] | None) -> CheckedStamp:
    """A stamp of the TLS extension may be for another certificate of the server than the one that is judged."""
    if one.state != INVALID or one.stamp.source != TLS:
        return one
    fits = any(
        found.state == VALID
        for other in loaded_chains(survey)
        for found in check_stamps([one.stamp], other[0], None, logs)
    )
    return replace(one, state=VALID) if fits else one
