# SPDX-License-Identifier: Apache-2.0
"""One HTTP request on its way through the gateway: who asks, from where, and how services are asked for it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, Protocol, TypeVar

from gateway.settings import GatewaySettings
from shared.context import Context
from shared.contracts.base import Request

R = TypeVar("R")


class Rpc(Protocol):
    """What the gateway needs of `shared.messaging.rpc_client.RpcClient`."""

    def send(self, request: Request[R], context: Context, *, service: str | None = None, timeout: float = 10.0) -> R:
        """The typed reply. Raises ServiceError."""
        ...


class Caller(NamedTuple):
    """Who stands behind a credential. `kind` is session, token, agent or none."""

    actor: str = "public"
    account_id: str | None = None
    permissions: frozenset[str] = frozenset()
    user_id: str | None = None
    credential_id: str = ""
    kind: str = "none"


NOBODY = Caller()


class Exchange:
    """What an operation knows besides its input. `context` is made from the credential only, never from the request."""

    __slots__ = (
        "caller",
        "context",
        "headers",
        "remote_address",
        "rpc",
        "service",
        "settings",
        "timeout",
        "trace_id",
        "url",
    )

    def __init__(
        self,
        rpc: Rpc,
        context: Context,
        *,
        caller: Caller = NOBODY,
        remote_address: str = "",
        trace_id: str = "",
        url: str = "",
        timeout: float = 10.0,
        service: str | None = None,
        settings: GatewaySettings | None = None,
    ) -> None:
        self.rpc = rpc
        self.context = context
        self.caller = caller
        self.remote_address = remote_address
        self.trace_id = trace_id
        self.url = url
        self.timeout = timeout
        self.service = service
        self.settings = settings or GatewaySettings()
        self.headers: list[tuple[str, str]] = []

    @property
    def secure(self) -> bool:
        """Whether browsers reach this gateway by TLS."""
        return self.url.startswith("https:")

    def send(self, request: Request[R], *, service: str | None = None) -> R:
        """Asks the service that answers this request, or `service`. Raises ServiceError."""
        return self.rpc.send(request, self.context, service=service or self.service, timeout=self.timeout)


class Raw(NamedTuple):
    """An answer that is no JSON: its bytes, all at once or as they come, and what they are."""

    body: bytes | Iterator[bytes]
    media_type: str
    file_name: str = ""
