# SPDX-License-Identifier: Apache-2.0
"""Who issued a certificate and after which validation, as the certificate itself says it."""

from __future__ import annotations

import warnings
from functools import lru_cache

from cryptography import x509
from cryptography.x509.oid import ExtensionOID, NameOID

from shared.pki.certificate import Loaded, first, load

# CA/Browser Forum policy identifiers: Baseline Requirements §7.1.6.1, EV Guidelines §7.1.6.
_LEVELS = {
    "2.23.140.1.1": "EV",
    "2.23.140.1.2.2": "OV",
    "2.23.140.1.2.3": "IV",
    "2.23.140.1.2.1": "DV",
}
# Names of issuers' organizations that begin like this belong to the brand that people know.
_BRANDS = (
    ("comodo ca", "Sectigo"), ("sectigo", "Sectigo"), ("the usertrust network", "Sectigo"), ("digicert", "DigiCert"),
    ("geotrust", "DigiCert"), ("thawte", "DigiCert"), ("symantec", "DigiCert"), ("verisign", "DigiCert"),
    ("let's encrypt", "Let's Encrypt"), ("internet security research group", "Let's Encrypt"),
    ("google trust services", "Google Trust Services"), ("amazon", "Amazon"), ("globalsign", "GlobalSign"),
    ("entrust", "Entrust"), ("godaddy", "GoDaddy"), ("starfield", "GoDaddy"), ("zerossl", "ZeroSSL"),
    ("microsoft", "Microsoft"), ("actalis", "Actalis"), ("ssl corp", "SSL.com"), ("swisssign", "SwissSign"),
    ("certum", "Certum"), ("asseco", "Certum"), ("unizeto", "Certum"), ("buypass", "Buypass"),
    ("harica", "HARICA"), ("hellenic academic", "HARICA"), ("telesec", "T-Systems"), ("t-systems", "T-Systems"),
    ("deutsche telekom", "T-Systems"), ("identrust", "IdenTrust"), ("quovadis", "QuoVadis"), ("gandi", "Gandi"),
)  # fmt: skip


@lru_cache(maxsize=64)
def issuer_and_level(der: bytes) -> tuple[str, str]:
    """The issuer's brand (its organization where no brand is known, else its common name) and DV, OV, IV or EV.

    The level is empty where no policy of the CA/Browser Forum is named; both are where the bytes cannot be read.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # rules that certificates in the wild break are not the question here
            return issuer_and_level_of(load(der))
    except (ValueError, TypeError, KeyError, OverflowError, x509.InvalidVersion, x509.DuplicateExtension):
        return "", ""


def issuer_and_level_of(loaded: Loaded) -> tuple[str, str]:
    """The same of a certificate that is loaded."""
    return _brand(loaded.issuer), _level(loaded.extensions.get(ExtensionOID.CERTIFICATE_POLICIES))


def _brand(issuer: x509.Name) -> str:
    return _brand_of(first(issuer, NameOID.ORGANIZATION_NAME) or first(issuer, NameOID.COMMON_NAME))


@lru_cache(maxsize=1024)
def _brand_of(said: str) -> str:
    low = said.lower()
    return next((brand for beginning, brand in _BRANDS if low.startswith(beginning)), said)


def _level(policies: x509.ExtensionType | None) -> str:
    if not isinstance(policies, x509.CertificatePolicies):
        return ""
    named = {policy.policy_identifier.dotted_string for policy in policies}
    return next((level for identifier, level in _LEVELS.items() if identifier in named), "")
