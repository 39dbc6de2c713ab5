# SPDX-License-Identifier: Apache-2.0
"""Settings of validation: `CERTWRIGHT_DCV_…`."""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from shared.settings import ENV_FILE, PrefixedSettings


class DCVSettings(PrefixedSettings):
    """How names are proved."""

    model_config = SettingsConfigDict(env_prefix="CERTWRIGHT_DCV_", env_file=ENV_FILE, extra="ignore", frozen=True)

    ca_name: str = Field("certwright.example", pattern=r"^[a-z0-9-]+(\.[a-z0-9-]+)+$")
    """The CA's name in validation files and at the end of CNAME targets. It need not exist in the DNS."""

    http_port: int = Field(80, ge=1, le=65535)
    """Where files are looked for by HTTP. The Baseline Requirements allow port 80 only; others are for laboratories."""

    https_port: int = Field(443, ge=1, le=65535)
    """Where files are looked for by HTTPS; 443 by the Baseline Requirements."""

    fetch_timeout_s: float = Field(10.0, gt=0, le=60)
    """How long a web server may take, in seconds."""

    mails_per_name_and_hour: int = Field(5, ge=1, le=100)
    """How many validation mails may go out for one name in an hour."""

    mails_per_account_and_hour: int = Field(20, ge=1, le=1000)
    """How many validation mails one account may cause in an hour."""
