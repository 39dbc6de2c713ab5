# SPDX-License-Identifier: Apache-2.0
"""What a look at a server can end with. Failures are values: a refused connection is an observation like any other."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Failure(str, Enum):
    """Closed list of what can go wrong, stable on every wire."""

    BAD_ADDRESS = "bad_address"  # not an IP address literal, or not a port
    UNREACHABLE = "unreachable"
    REFUSED = "refused"
    TIMEOUT = "timeout"
    CLOSED = "closed"  # the peer hung up in the middle
    RESET = "reset"  # the peer hung up in the middle, by a TCP reset
    NOT_TLS = "not_tls"
    MALFORMED = "malformed"  # TLS that breaks its own rules
    TOO_LONG = "too_long"  # more bytes than any honest server sends
    ALERT = "alert"  # the peer speaks TLS and refused us
    NO_STARTTLS = "no_starttls"  # the peer speaks its protocol and offers no TLS in it
    NO_CERTIFICATE = "no_certificate"
    BAD_CERTIFICATE = "bad_certificate"
    STOPPED = "stopped"  # somebody ended the scan before this look did


@dataclass(frozen=True)
class Failed:
    """Why nothing was seen; `detail` is for people and never holds more than 200 characters.

    `alert` is the description's number when a TLS alert came (RFC 8446 §6), else -1. `connected` tells whether TCP
    was up before it failed.
    """

    failure: Failure
    detail: str
    alert: int = -1
    connected: bool = False


class ProbeError(Exception):
    """Ends a conversation with a failure; whoever runs it turns it into `Failed`."""

    def __init__(self, failure: Failure, detail: str, alert: int = -1) -> None:
        super().__init__(detail)
        self.failure = failure
        self.detail = detail[:200]
        self.alert = alert

    def failed(self, *, connected: bool = True) -> Failed:
        """The value of it."""
        return Failed(self.failure, self.detail, self.alert, connected)
