# SPDX-License-Identifier: Apache-2.0
"""Settings of the built-in CA, and of another one that is asked over ACME."""

from __future__ import annotations

from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit, urlunsplit

from pydantic import Field, field_validator
from pydantic_settings import SettingsConfigDict

from shared.settings import ENV_FILE, PrefixedSettings


class CASettings(PrefixedSettings):
    """Read from `CERTWRIGHT_CA_…`. The key algorithm, the names and the folder count only when the CA is made."""

    model_config = SettingsConfigDict(env_prefix="CERTWRIGHT_CA_", env_file=ENV_FILE, extra="ignore", frozen=True)

    name: str = Field("Certwright", min_length=1, max_length=40, pattern=r"^[A-Za-z0-9 .,&'()-]+$")
    """The organization in the CA's own certificates; they are called `<name> Root CA` and `<name> Issuing CA 1`."""

    country: str = Field("", pattern=r"^([A-Z]{2})?$")
    """The country of that organization, two capital letters, in the CA's own certificates. Empty leaves it out."""

    algorithm: Literal["ec-p256", "ec-p384", "rsa-2048", "rsa-3072", "rsa-4096"] = "ec-p256"
    """The key of the root and of the issuing CA."""

    folder: Path | None = None
    """Where keys and certificates of the CA lie (0700). Empty means `<data_dir>/ca`."""

    passphrase_file: Path | None = None
    """A file (0600) with the passphrase of the keys. Empty: one is made at random beside them; better keep it
    elsewhere."""

    public_url: str = ""
    """Where relying parties fetch issuer and CRL, written into every certificate. Empty means `<public_url>/pki`.
    Its host is an FQDN or an IP address (RFC 5280 §4.2.1.6)."""

    crl_hours: int = Field(72, ge=2, le=240)
    """How long a CRL is good for; a new one is made after half of it and at each revocation."""

    ocsp_hours: int = Field(24, ge=8, le=240)
    """How long an OCSP answer is good for (BR 4.9.10: 8 hours to 10 days)."""

    backdate_s: int = Field(300, ge=0, le=3600)
    """So many seconds lie between `not_before` and the moment of issuance, for clients whose clocks are slow."""

    max_names: int = Field(250, ge=1, le=1000)
    """The most names in one certificate."""

    lint: bool = True
    """Every certificate is linted before it is signed, and not signed when it breaks a rule; some 8 ms each. Without
    it a busy private CA signs several times as many. What another CA signed is linted when it comes; findings are told.
    """

    suffixes: list[str] = []
    """Issue only for names under these, such as `["example.com"]`. Empty: for every name that was proved."""

    blocked_keys: Path | None = None
    """Keys never to be certified: a file with one SHA-256 of a SubjectPublicKeyInfo, in hexadecimal, a line."""

    upstream_directory: str = ""
    """The ACME directory of another CA that is to sign, such as `https://acme.example/directory`. Empty: there is none.
    Its account key is made beside the CA's keys. By setting it the operator agrees to that CA's terms of service."""

    upstream_name: str = Field("ACME", min_length=1, max_length=60)
    """What that CA is called in orders. Orders under way go on with the name that they began with: do not rename it."""

    upstream_levels: list[Literal["DV", "OV", "EV"]] = ["DV"]
    """The validation levels that are ordered there; the built-in CA signs the others."""

    upstream_contacts: list[str] = []
    """E-mail addresses that it may write to."""

    upstream_eab_key_id: str = ""
    """The key id of its external account binding, where it asks for one."""

    upstream_eab_key_file: Path | None = None
    """A file (0600) with the HMAC key of that binding, base64url as the CA gives it."""

    upstream_trust: Path | None = None
    """PEM roots for the HTTPS of the directory. Empty: the host's."""

    upstream_challenge: Literal["http-01", "dns-01"] = "http-01"
    """How names are proved to it; wildcard names go by dns-01 in any case. Files are answered by the gateway below
    `/.well-known/acme-challenge/`."""

    upstream_http_port: int = Field(80, ge=1, le=65535)
    """Where files are looked for before the CA is told to look. It looks at port 80; another one is for tests."""

    update_server: str = ""
    """A name server, `address` or `address:port`, that takes dynamic updates (RFC 2136) of the zones in question.
    Empty: people add the records that they are shown."""

    update_key_name: str = ""
    """The name of its TSIG key."""

    update_key_file: Path | None = None
    """A file (0600) with the secret of that key, in base64."""

    update_key_algorithm: Literal["hmac-sha256", "hmac-sha384", "hmac-sha512"] = "hmac-sha256"
    """The algorithm of that key."""

    @field_validator("suffixes")
    @classmethod
    def _lower(cls, value: list[str]) -> list[str]:
        return [suffix.lower().strip(".") for suffix in value]

    def published_at(self, gateway_url: str) -> str:
        """Where issuer and CRL are fetched, with the gateway at that URL. Raises ValueError for what none may say.

        RFC 5280 §4.2.1.6 wants an FQDN or an IP address there: `localhost` is written as 127.0.0.1.
        """
        address = self.public_url or f"{gateway_url.rstrip('/')}/pki"
        parts = urlsplit(address)
        host = parts.hostname or ""
        if host == "localhost":
            return urlunsplit(parts._replace(netloc=parts.netloc.lower().replace(host, "127.0.0.1")))
        if self.lint and not {".", ":"} & set(host):
            raise ValueError(
                f"{address} cannot stand in a certificate: its host is neither an FQDN nor an IP address "
                "(RFC 5280 §4.2.1.6). Set CERTWRIGHT_CA_PUBLIC_URL to an address such as http://pki.example.com/pki."
            )
        return address
