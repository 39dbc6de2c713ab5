# SPDX-License-Identifier: Apache-2.0
"""Certificates are linted by pkilint (DigiCert, MIT) before they are signed, as BR 4.3.1.2 asks for.

What is linted is the very body that the issuing key would sign, signed by a key that was made for that and that nobody
trusts: a certificate with a fault never exists.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, rsa

from services.ca.adapters.certify import PrivateKey

# The CA is an operator's own: where its list and its answers lie may be a name, or an address, of the inside.
ALLOWED = frozenset({"cabf.internal_domain_name", "cabf.internal_ip_address"})
# The country of a private CA is not always known; BR 7.1.2.10.2 wants one.
ALLOWED_OF_CA = ALLOWED | {"cabf.serverauth.ca.country_attribute_absent"}
CA_KINDS = {"root": "ROOT_CA", "issuing": "INTERNAL_UNCONSTRAINED_TLS_CA"}
KINDS = {"dv": "DV_FINAL_CERTIFICATE", "ov": "OV_FINAL_CERTIFICATE", "ev": "EV_FINAL_CERTIFICATE"}


def throw_away_like(key: PrivateKey) -> PrivateKey:
    """A new key of the same kind and size, for signatures that nobody trusts."""
    if isinstance(key, rsa.RSAPrivateKey):
        return rsa.generate_private_key(65537, key.key_size)
    return ec.generate_private_key(key.curve)


def problems(certificate: bytes, profile: str) -> list[str]:
    """What is wrong with a certificate in DER, errors alone; `profile` is dv, ov or ev. Some 8 ms."""
    return _said(certificate, KINDS[profile], ALLOWED)


def ca_problems(certificate: bytes, kind: str) -> list[str]:
    """What is wrong with a CA's certificate in DER, errors alone; `kind` is root or issuing."""
    return _said(certificate, CA_KINDS[kind], ALLOWED_OF_CA)


def _said(certificate: bytes, kind: str, allowed: frozenset[str]) -> list[str]:
    return [
        f"{each.finding.code}" + (f" ({each.message})" if each.message else "")
        for each in _linter(kind)(certificate)
        if each.finding.code not in allowed
    ]


@lru_cache(maxsize=len(KINDS) + len(CA_KINDS))
def _linter(certificate_type: str) -> Callable[[bytes], Iterator[Any]]:
    """Loading it takes most of a second, and is done when it is first needed."""
    from pkilint import finding_filter, loader  # noqa: PLC0415 - see above
    from pkilint.cabf import serverauth  # noqa: PLC0415
    from pkilint.cabf.serverauth.serverauth_constants import CertificateType  # noqa: PLC0415
    from pkilint.pkix import certificate  # noqa: PLC0415
    from pkilint.validation import ValidationFindingSeverity  # noqa: PLC0415

    kind = CertificateType[certificate_type]
    errors = {ValidationFindingSeverity.ERROR, ValidationFindingSeverity.FATAL}
    validator = certificate.create_pkix_certificate_validator_container(
        serverauth.create_decoding_validators(), serverauth.create_validators(kind)
    )
    # What RFC 5280 forbids and the Baseline Requirements allow, such as wildcards.
    superseded = serverauth.create_serverauth_finding_filters(kind)

    def found(der: bytes) -> Iterator[Any]:
        results = validator.validate(loader.load_der_certificate(der, "certificate").root)
        for result in finding_filter.filter_results(superseded, results)[0]:
            yield from (each for each in result.finding_descriptions if each.finding.severity in errors)

    return found
