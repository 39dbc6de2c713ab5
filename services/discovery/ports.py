# SPDX-License-Identifier: Apache-2.0
"""What scans and checks need of the outside world."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from typing import Any, NamedTuple, Protocol

import msgspec


class Endpoint(NamedTuple):
    """Where to look: an IP address, a port, the name to ask for (or None), and what to say before TLS (or None)."""

    address: str
    port: int
    server_name: str | None
    starttls: str | None


class Found(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A certificate at an endpoint. `chain` is base64 DER, leaf first; `proved`: the server showed that it has the
    leaf's key."""

    address: str
    port: int
    chain: list[str]
    server_name: str | None = None
    starttls: str | None = None
    protocol: str = ""
    proved: bool = False


class Missed(msgspec.Struct, frozen=True, kw_only=True):
    """An endpoint without a certificate, where the order asks for each (`tell_missed`); `reason` as of a scan."""

    address: str
    port: int
    reason: str
    server_name: str | None = None


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """How far a sweep is; everything before `done` needs no second look."""

    done: int
    total: int
    found: int = 0
    rate: float | None = None
    seconds_left: float | None = None
    failures: dict[str, int] = {}


class End(msgspec.Struct, frozen=True, kw_only=True):
    """The end of a sweep; `stopped`: by us, before it was through."""

    done: int
    total: int
    stopped: bool
    found: int = 0
    failures: dict[str, int] = {}


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """How far a survey is."""

    done: int = 0
    total: int = msgspec.field(default=0, name="of")


class Surveyed(NamedTuple):
    """What was observed of one endpoint, as `shared.probe.survey.Survey.to_json` writes it."""

    survey: dict[str, Any]


class WorkerError(Exception):
    """The worker could not do what it was asked, or died."""


class Session(Protocol):
    """One run of the worker."""

    def lines(self) -> Iterator[Found | Missed | Progress | End | Step | Surveyed | None]:
        """What it says, None now and then while it says nothing. Ends after `End` or `Surveyed`. Raises WorkerError."""
        ...

    def stop(self) -> None:
        """Tells it to end; it says `End` soon after."""
        ...


class Prober(Protocol):
    """Looks at endpoints in a process of its own."""

    def run(self, order: Mapping[str, Any]) -> AbstractContextManager[Session]:
        """Starts on an order (`{"scan": …}` or `{"survey": …}`); the process has ended when the block is left."""
        ...


class Lookup(NamedTuple):
    """The addresses of a host that may be dialled; or why there are none (`reason` as of `shared.egress`)."""

    addresses: tuple[str, ...]
    reason: str = ""
    detail: str = ""


class Hosts(Protocol):
    """Names and addresses under the installation's policy."""

    def look_up(self, host: str) -> Lookup:
        """Resolves a name once and checks every answer; checks an address. Never raises."""
        ...

    def refusal(self, address: str) -> str:
        """Why an address is none of the public Internet's; empty when it is."""
        ...


class Judge(Protocol):
    """Judges what was observed."""

    def judge(self, survey: dict[str, Any], moduli: Iterable[int] | None = None) -> dict[str, Any]:
        """The verdict as plain values; it has `grade`. `moduli` are those of the account's RSA keys. Raises ValueError
        for what is no survey."""
        ...
