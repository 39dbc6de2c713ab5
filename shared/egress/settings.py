# SPDX-License-Identifier: Apache-2.0
"""Settings of everything that dials out: `CERTWRIGHT_EGRESS_…`."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from shared.settings import ENV_FILE, PrefixedSettings


class EgressSettings(PrefixedSettings):
    """By default only public addresses are dialled, and names are asked of the host's own resolver."""

    model_config = SettingsConfigDict(env_prefix="CERTWRIGHT_EGRESS_", env_file=ENV_FILE, extra="ignore", frozen=True)

    allow_networks: list[IPv4Network | IPv6Network] = []
    """Private networks that may be dialled all the same, such as `["10.0.0.0/8"]`. Everybody who may name a target can
    then reach them: allow no more than the servers that need certificates."""

    nameservers: list[str] = []
    """Recursive resolvers as `address` or `address:port` (`[address]:port` for IPv6); they should validate DNSSEC.
    Empty:
    those of the host."""

    dns_timeout_s: float = Field(5.0, gt=0, le=60)
    """How long one DNS question may take, in seconds."""
