# SPDX-License-Identifier: Apache-2.0
"""Settings of the accounts room, with the prefix CERTWRIGHT_ACCOUNTS_."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import SettingsConfigDict

from shared.settings import ENV_FILE, PrefixedSettings


class AccountsSettings(PrefixedSettings):
    """How long sessions last, what the second step is, and how hard a password is to guess."""

    model_config = SettingsConfigDict(env_prefix="CERTWRIGHT_ACCOUNTS_", env_file=ENV_FILE, extra="ignore", frozen=True)

    mail_lookup: Literal["auto", "on", "off"] = "auto"
    """Whether the FQDN of a contact's e-mail address is looked up before it is accepted. `auto`: when
    `CERTWRIGHT_EGRESS_NAMESERVERS` names resolvers. A resolver that fails refuses nobody."""

    session_idle_hours: float = Field(12.0, gt=0, le=720)
    """A session ends when it was not used for so long."""

    session_days: float = Field(7.0, gt=0, le=90)
    """A session ends after so long, used or not."""

    order_number_step: bool = True
    """Users without an authenticator app give one of their order numbers as the second step, as the guide has it. An
    order number is no secret: enrol TOTP instead where it matters."""

    password_max_age_days: int = Field(0, ge=0, le=3650)
    """A password older than this must be changed at the next sign-in, in days. 0: passwords do not age, which is the
    advice of NIST SP 800-63B."""

    first_run_hours: float = Field(24.0, ge=0.25, le=24)
    """How long the one-time link of the first run works."""

    failures_per_address: int = Field(60, ge=5)
    """Failed sign-ins from one address that cost nothing; after them, waiting times grow. Many people may share one."""

    secret_key_file: Path | None = None
    """32 random bytes that seal TOTP secrets at rest. Made in the data folder when not given; replicas share one."""

    argon2_memory_kib: int = Field(19_456, ge=8_192)
    """Memory of one password hash. With two passes and one lane this is OWASP's advice for Argon2id."""

    argon2_passes: int = Field(2, ge=1, le=10)
    """Passes over that memory."""

    oidc_issuer: str = ""
    """The OpenID Connect provider by which people may sign in, as it names itself, such as
    `https://login.example.com/realms/staff`. Empty: none."""

    oidc_client_id: str = ""
    """What the provider calls this installation."""

    oidc_client_secret: SecretStr = SecretStr("")
    """The secret of that client; it is sent to the provider only, as `client_secret_basic`."""

    oidc_name: str = Field("", max_length=60)
    """What the button says: "Sign in with …". Empty: the host of the issuer."""

    @model_validator(mode="after")
    def _whole_provider(self) -> Self:
        secret = self.oidc_client_secret.get_secret_value()
        if self.oidc_issuer and not (self.oidc_client_id and secret):
            raise ValueError("oidc_issuer needs oidc_client_id and oidc_client_secret")
        return self

    @property
    def oidc_label(self) -> str:
        """What people call the provider; empty when there is none."""
        return self.oidc_name.strip() or (urlsplit(self.oidc_issuer).hostname or "")
