# SPDX-License-Identifier: Apache-2.0
"""Settings of scans and checks: `CERTWRIGHT_DISCOVERY_…`."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network
from pathlib import Path

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from shared.settings import ENV_FILE, PrefixedSettings


class DiscoverySettings(PrefixedSettings):
    """What may be scanned, and how hard."""

    model_config = SettingsConfigDict(
        env_prefix="CERTWRIGHT_DISCOVERY_", env_file=ENV_FILE, extra="ignore", frozen=True
    )

    external_networks: list[IPv4Network | IPv6Network] = []
    """Networks that every account may scan from here, such as `["198.51.100.0/24"]`; private ones too, if they stand
    here. Beyond them an account may scan names that it has proved."""

    rate: int = Field(500, ge=1, le=100_000)
    """Most new connections per second of one scan, unless it asks for fewer."""

    in_flight: int = Field(400, ge=1, le=20_000)
    """Most connections of one scan that are open at once."""

    per_host: int = Field(32, ge=1, le=20_000)
    """Most connections of one scan with one address that are open at once, whatever the number of its ports."""

    connect_timeout_s: float = Field(3.0, gt=0, le=60)
    """How long an address may take to accept a connection, in seconds."""

    talk_timeout_s: float = Field(8.0, gt=0, le=120)
    """How long a server may take for its part of the handshake, in seconds."""

    syn: bool = False
    """Whether scans look for who is there by TCP SYNs of their own before they connect: much faster where addresses
    keep silent. Needs CAP_NET_RAW for the worker process; where it is missing, and for IPv6, scans connect as usual."""

    scans_per_account: int = Field(3, ge=1, le=100)
    """How many scans of one account may wait or run at once."""

    agent_silence_h: float = Field(24.0, gt=0, le=720)
    """A scan whose agent says nothing for so many hours has failed. Until then it waits for the agent to come back."""

    trust_stores: dict[str, Path] = {}
    """Roots that checks ask beside Mozilla's: PEM files by name, such as `{"Microsoft": "/etc/roots/microsoft.pem"}`.
    What is called Microsoft fills the row "Trusted by Microsoft?"."""

    ct_logs: Path | None = None
    """The known logs of certificate transparency, a JSON file of the shape of the public `log_list.json`, version 3.
    Without it stamps are counted, and their signatures are not checked."""

    weak_keys: list[Path] = []
    """Lists of the weak keys of Debian's OpenSSL (CVE-2008-0166), files or folders of the shape of `openssl-vulnkey`:
    `blacklist.RSA-2048` and so on. Without them keys are not checked for that."""

    ask_others: bool = True
    """Whether checks ask the OCSP responder and the CRL that a certificate names, and the DNS for CAA records. They
    are asked as `CERTWRIGHT_EGRESS_…` allows: public addresses, ports 80 and 443."""

    checks_per_account: int = Field(5, ge=1, le=100)
    """How many checks of one account may wait or run at once."""
