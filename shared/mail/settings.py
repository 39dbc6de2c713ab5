# SPDX-License-Identifier: Apache-2.0
"""Settings of outgoing mail: `CERTWRIGHT_MAIL_…`. Without a host, mails are written into a folder."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import SettingsConfigDict

from shared.mail.message import check_address
from shared.settings import ENV_FILE, PrefixedSettings


class MailSettings(PrefixedSettings):
    """How mails leave."""

    model_config = SettingsConfigDict(env_prefix="CERTWRIGHT_MAIL_", env_file=ENV_FILE, extra="ignore", frozen=True)

    host: str = ""
    """The SMTP server. Empty: mails go to `<data_dir>/mail`, where an operator reads them."""

    port: int = Field(587, ge=1, le=65535)
    """Its port: 587 for submission, 25 inside a network, 465 with `tls=implicit`."""

    tls: Literal["starttls", "implicit", "none"] = "starttls"
    """`starttls` refuses a server without it; `none` is for a relay on the same host."""

    username: str = ""
    """Empty: no authentication."""

    password: SecretStr = SecretStr("")
    """Sent only over TLS."""

    sender: str = "Certwright <certwright@localhost.localdomain>"
    """The From header."""

    timeout_s: float = Field(20.0, gt=0, le=300)
    """How long one step of the exchange may take, in seconds."""

    @field_validator("sender")
    @classmethod
    def _sender_is_an_address(cls, value: str) -> str:
        check_address(value.rpartition("<")[2].removesuffix(">").strip())
        return value
