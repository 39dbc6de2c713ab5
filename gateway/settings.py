# SPDX-License-Identifier: Apache-2.0
"""Settings of the gateway: `CERTWRIGHT_GATEWAY_…`."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Self

from pydantic import Field, model_validator
from pydantic_settings import SettingsConfigDict

from shared.settings import ENV_FILE, PrefixedSettings

# Of a path, neither a slash nor a backslash may come second: browsers take either for another host.
LINK = r"^$|^https?://[^\s]+$|^mailto:[^\s]+$|^/([^/\\\s][^\s]*)?$"


class GatewaySettings(PrefixedSettings):
    """Where the HTTP server listens and what it puts up with."""

    model_config = SettingsConfigDict(env_prefix="CERTWRIGHT_GATEWAY_", env_file=ENV_FILE, extra="ignore", frozen=True)

    host: str = "127.0.0.1"
    """Address to listen on; `0.0.0.0` or `::` for all."""

    port: int = Field(8080, ge=0, le=65535)
    """Port to listen on; 0 takes a free one."""

    tls_certificate: Path | None = None
    """PEM file with certificate and chain. With `tls_key` the gateway speaks TLS itself."""

    tls_key: Path | None = None
    """PEM file with the key of `tls_certificate`."""

    trusted_proxies: list[IPv4Network | IPv6Network] = []
    """Networks of reverse proxies whose `X-Forwarded-For` is believed, as JSON: `["10.0.0.0/8"]`."""

    max_body: int = Field(1 << 20, ge=1024)
    """Largest request body in bytes."""

    max_connections: int = Field(2000, ge=10)
    """Connections at a time; more wait. Half of them may be event streams."""

    agent_requests: int = Field(128, ge=1)
    """Requests of agents that are served at a time; the others are told when to come back (503 with `Retry-After`)."""

    header_seconds: float = Field(65.0, gt=0)
    """Time for a connection to deliver its next request line and headers, idle time included."""

    body_seconds: float = Field(20.0, gt=0)
    """Time to deliver a request body."""

    write_seconds: float = Field(30.0, gt=0)
    """Time that a client may stop reading an answer."""

    rpc_seconds: float = Field(10.0, gt=0)
    """Time to wait for a service."""

    drain_seconds: float = Field(10.0, ge=0)
    """Time for running requests to end when the gateway stops."""

    event_poll_seconds: float = Field(0.5, gt=0, le=10)
    """How often one reader per process looks for new events while event streams are open."""

    brand: str = Field("Certwright", min_length=1, max_length=40)
    """How the console calls this installation."""

    ca_brand: str = Field("Certwright CA", min_length=1, max_length=40)
    """How the console calls the issuer, such as in "Renew with …"."""

    support_url: str = Field("", pattern=LINK)
    """Where "Ask for support" leads: https, mailto, or a path of this installation. Empty hides it."""

    support_email: str = ""
    """Shown on the payment page for who has problems paying."""

    support_phone: str = ""
    """Shown beside it."""

    help_url: str = Field("/docs", pattern=LINK)
    """Where "Online help" leads. Empty hides it."""

    scan_url: str = Field("", pattern=LINK)
    """An external scanning service, linked from the help menu. Empty hides it."""

    scan_label: str = "HackerGuardian – PCI Scan"
    """The name of that link."""

    @model_validator(mode="after")
    def _both_or_none(self) -> Self:
        if (self.tls_certificate is None) != (self.tls_key is None):
            raise ValueError("tls_certificate and tls_key belong together")
        return self
