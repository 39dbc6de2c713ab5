# SPDX-License-Identifier: Apache-2.0
"""Settings of everything that dials out: `CERTWRIGHT_EGRESS_…`."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network
from typing import Literal

from pydantic import Field, field_validator
from pydantic_settings import SettingsConfigDict

from shared.egress.perspective import read_perspective
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

    nameservers_validate: bool = False
    """Whether `nameservers` validate DNSSEC and are reached by a safe way (on this host, or in a network of your own),
    so that their word for it (the AD bit) is believed. Without it signed and unsigned zones cannot be told apart;
    wrongly signed ones can, by asking again without the check."""

    perspectives: list[str] = []
    """From where validation and CAA records are looked up, the primary perspective first, each as
    `name=address[:port]@REGION`: a recursive resolver at that place, and the internet registry of its region
    (`AFRINIC`, `APNIC`, `ARIN`, `LACNIC`, `RIPE`). `+validating` at the end says of one what `nameservers_validate`
    says of all. Empty: one perspective, by `nameservers`."""

    corroboration: Literal["private", "public"] = "private"
    """How many perspectives have to agree (BR 3.2.2.9). `private`: those that there are, even one alone; of 2 to 5
    beside the primary one 1 may differ, of 6 and more 2. `public`: as many, in as many regions, as public CAs need on
    the day, and answers validated by DNSSEC; what lacks that proves nothing."""

    @field_validator("perspectives")
    @classmethod
    def _readable(cls, value: list[str]) -> list[str]:
        names = [read_perspective(text).name for text in value]
        if len(set(names)) < len(names):
            raise ValueError("two perspectives have one name")
        return value
