# SPDX-License-Identifier: Apache-2.0
"""Settings of the built-in CA."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator
from pydantic_settings import SettingsConfigDict

from shared.settings import ENV_FILE, PrefixedSettings


class CASettings(PrefixedSettings):
    """Read from `CERTWRIGHT_CA_…`. The key algorithm, the names and the folder count only when the CA is made."""

    model_config = SettingsConfigDict(env_prefix="CERTWRIGHT_CA_", env_file=ENV_FILE, extra="ignore", frozen=True)

    name: str = Field("Certwright", min_length=1, max_length=40, pattern=r"^[A-Za-z0-9 .,&'()-]+$")
    """The organization in the CA's own certificates; they are called `<name> Root CA` and `<name> Issuing CA 1`."""

    algorithm: Literal["ec-p256", "ec-p384", "rsa-2048", "rsa-3072", "rsa-4096"] = "ec-p256"
    """The key of the root and of the issuing CA."""

    folder: Path | None = None
    """Where keys and certificates of the CA lie (0700). Empty means `<data_dir>/ca`."""

    passphrase_file: Path | None = None
    """A file (0600) with the passphrase of the keys. Empty: one is made at random beside them; better keep it
    elsewhere."""

    public_url: str = ""
    """Where relying parties fetch issuer and CRL, written into every certificate. Empty means `<public_url>/pki`."""

    crl_hours: int = Field(72, ge=2, le=240)
    """How long a CRL is good for; a new one is made after half of it and at each revocation."""

    ocsp_hours: int = Field(24, ge=8, le=240)
    """How long an OCSP answer is good for (BR 4.9.10: 8 hours to 10 days)."""

    backdate_s: int = Field(300, ge=0, le=3600)
    """So many seconds lie between `not_before` and the moment of issuance, for clients whose clocks are slow."""

    max_names: int = Field(250, ge=1, le=1000)
    """The most names in one certificate."""

    suffixes: list[str] = []
    """Issue only for names under these, such as `["example.com"]`. Empty: for every name that was proved."""

    blocked_keys: Path | None = None
    """Keys never to be certified: a file with one SHA-256 of a SubjectPublicKeyInfo, in hexadecimal, a line."""

    @field_validator("suffixes")
    @classmethod
    def _lower(cls, value: list[str]) -> list[str]:
        return [suffix.lower().strip(".") for suffix in value]
