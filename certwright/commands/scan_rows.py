# SPDX-License-Identifier: Apache-2.0
"""What `certwright scan` says of one certificate that it found, for people, for spreadsheets and as JSON."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from shared.pki.certificate import Certificate, CertificateUnreadableError, parse_certificate
from shared.probe.chain import Chain
from shared.probe.hello import VERSION_NAMES
from shared.probe.suites import suite
from shared.probe.sweep import Sighting

HEADINGS = (
    *("Address", "Port", "Server name", "STARTTLS", "Name", "All names", "Issuer", "Not before", "Not after"),
    *("Days left", "Key", "Serial", "SHA-256", "Protocol", "Suite", "Key proved"),
)
_UNREADABLE = "unreadable"


@dataclass(frozen=True)
class Row:
    """One certificate at one place. `certificate` is None when the bytes cannot be read as one."""

    sighting: Sighting
    chain: Chain
    certificate: Certificate | None
    seen_at: datetime

    @classmethod
    def of(cls, sighting: Sighting, chain: Chain, now: datetime) -> Row:
        """What was seen, read."""
        return cls(sighting, chain, _parsed(chain.certificates[0]), now)

    @property
    def order(self) -> tuple[int, str, int]:
        """Sorts rows as the endpoints were named."""
        return (self.sighting.position, self.sighting.endpoint.address, self.sighting.endpoint.port)

    @property
    def endpoint(self) -> str:
        """Address and port, with the name that was asked for."""
        address, port, name, _ = self.sighting.endpoint
        place = f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
        protocol = self.sighting.starttls
        return " ".join(filter(None, (place, name and f"({name})", protocol and f"by {protocol}")))

    @property
    def name(self) -> str:
        """The first name, and how many more there are."""
        if self.certificate is None:
            return _UNREADABLE
        first = self.certificate.common_name or (self.certificate.names[0] if self.certificate.names else "")
        others = len([name for name in self.certificate.names if name != first])
        return f"{first or self.certificate.subject} +{others}" if others else first or self.certificate.subject

    @property
    def issuer(self) -> str:
        """Who signed it."""
        if self.certificate is None:
            return ""
        return "self-signed" if self.certificate.self_issued else self.certificate.issuer

    @property
    def until(self) -> str:
        """The last day."""
        return "" if self.certificate is None else f"{self.certificate.not_after:%Y-%m-%d}"

    @property
    def key(self) -> str:
        """Kind and size, such as `RSA 2048`, or the curve."""
        if self.certificate is None:
            return ""
        return f"{self.certificate.key_kind} {self.certificate.curve or self.certificate.key_size or ''}".strip()

    @property
    def sha256(self) -> str:
        """The fingerprint."""
        return self.certificate.sha256 if self.certificate else _UNREADABLE

    @property
    def protocol(self) -> str:
        """The version of TLS in which it was shown."""
        return VERSION_NAMES.get(self.chain.version, f"{self.chain.version:#06x}")

    @property
    def proved(self) -> bool:
        """Whether the server proved that it has the key."""
        return self.chain.proved

    @property
    def days_left(self) -> int | None:
        """Whole days until it ends, negative behind its end."""
        return None if self.certificate is None else (self.certificate.not_after - self.seen_at).days

    def ends_within(self, days: int) -> bool:
        """Whether it is expired or expires in at most so many days."""
        return self.certificate is not None and self.certificate.not_after - self.seen_at <= timedelta(days=days)

    def plain(self) -> dict[str, Any]:
        """For JSON; moments in RFC 3339, the chain in base64 of DER, leaf first."""
        endpoint, read = self.sighting.endpoint, self.certificate
        return {
            "address": endpoint.address,
            "port": endpoint.port,
            "server_name": endpoint.server_name,
            "starttls": self.sighting.starttls or None,
            "protocol": self.protocol,
            "suite": suite(self.chain.suite).name,
            "proved": self.proved,
            "readable": read is not None,
            "subject": read.subject if read else None,
            "names": list(read.names) if read else [],
            "issuer": read.issuer if read else None,
            "serial": read.serial if read else None,
            "not_before": read.not_before.isoformat() if read else None,
            "not_after": read.not_after.isoformat() if read else None,
            "days_left": self.days_left,
            "key": self.key or None,
            "sha256": read.sha256 if read else None,
            "chain": [base64.b64encode(der).decode("ascii") for der in self.chain.certificates],
        }

    def cells(self) -> tuple[Any, ...]:
        """For a spreadsheet, below `HEADINGS`."""
        plain = self.plain()
        listed = ("address", "port", "server_name", "starttls")
        return (
            *(plain[name] for name in listed),
            self.name,
            plain["names"],
            *(plain[name] for name in ("issuer", "not_before", "not_after", "days_left")),
            *(plain[name] for name in ("key", "serial", "sha256", "protocol", "suite", "proved")),
        )


@lru_cache(maxsize=4096)
def _parsed(der: bytes) -> Certificate | None:
    try:
        return parse_certificate(der)
    except CertificateUnreadableError:
        return None
