# SPDX-License-Identifier: Apache-2.0
"""Services for tests of the gateway: every request is recorded and answered by what the test says, or by an example."""

from __future__ import annotations

from typing import Any

import msgspec

from gateway.examples import example
from shared.contracts.accounts import Authenticate, Identity
from shared.contracts.alerts import GetFeedHead
from shared.contracts.installer import AgentIdentity, AuthenticateAgent
from shared.errors import Code, ServiceError

OWN = (Authenticate, AuthenticateAgent, GetFeedHead)
ALL = ["view", "create_order", "replenish_balance", "administer"]


class FakeRpc:
    """`answers[RequestClass]` is a reply, an exception, or a function of (request, context)."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forgets everything."""
        self.calls: list[tuple[Any, Any, str | None]] = []
        self.answers: dict[type, Any] = {}
        self.people: dict[str, Identity] = {}
        self.agents: dict[str, AgentIdentity] = {}

    def person(self, secret: str, account: str | None = "account-a", permissions: list[str] | None = None) -> str:
        """Makes a token known; it is also good as a session."""
        given = ALL if permissions is None else permissions
        self.people[secret] = Identity(
            actor=f"user:{secret}", account_id=account, user_id=secret, permissions=given,
            credential_id=f"credential-{secret}", kind="token",
        )  # fmt: skip
        return secret

    def agent(self, secret: str, account: str = "account-a") -> str:
        """Makes an agent token known."""
        self.agents[secret] = AgentIdentity(agent_id=f"agent-{secret}", account_id=account)
        return secret

    @property
    def asked(self) -> list[Any]:
        """Requests in order, without those that the gateway sends on its own behalf."""
        return [request for request, _, _ in self.calls if not isinstance(request, OWN)]

    @property
    def contexts(self) -> list[Any]:
        """The contexts of `asked`."""
        return [context for request, context, _ in self.calls if not isinstance(request, OWN)]

    def send(self, request: Any, context: Any, *, service: str | None = None, timeout: float = 10.0) -> Any:
        """The answer of the service."""
        self.calls.append((request, context, service))
        answer = self.answers.get(type(request))
        if answer is not None:
            answer = answer(request, context) if callable(answer) else answer
            if isinstance(answer, Exception):
                raise answer
            return answer
        if isinstance(request, Authenticate):
            return self._known(self.people, request.api_token or request.session_token)
        if isinstance(request, AuthenticateAgent):
            return self._known(self.agents, request.token)
        return msgspec.convert(example(type(request).REPLY), type(request).REPLY)

    def _known(self, known: dict[str, Any], secret: str) -> Any:
        if secret not in known:
            raise ServiceError(Code.UNAUTHENTICATED, "Sign in again.")
        return known[secret]


def example_path(path: str) -> str:
    """The path of a route with an id, a name or a word in place of each part in braces."""
    values = {"fqdn": "www.example.com", "fingerprint_sha256": "ab" * 32, "kind": "eula", "service": "orders",
        "mail_id": "17", "id": "17", "issuer": "2", "token": "t" * 40, "ocsp_request": "MAA=",
        "uid": "ab" * 16, "build": "debian"}  # fmt: skip
    parts = []
    for part in path.split("/"):
        name = part[1:-1] if part.startswith("{") else ""
        parts.append(values.get(name, "0b6f2a54-5d0e-4a3c-9b7e-6a4f1c2d3e4f") if name else part)
    return "/".join(parts)
