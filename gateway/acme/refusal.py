# SPDX-License-Identifier: Apache-2.0
"""What an ACME client is told when something cannot be done: the error types of RFC 8555 §6.7."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from shared.errors import Code, ServiceError

PREFIX = "urn:ietf:params:acme:error:"
# RFC 8555 §6.7, RFC 9773 §7.4; the status is what RFC 8555 says of each, or 403 and 400 by RFC 9110.
STATUS = {
    "accountDoesNotExist": 400,
    "alreadyReplaced": 409,
    "alreadyRevoked": 400,
    "badCSR": 400,
    "badNonce": 400,
    "badPublicKey": 400,
    "badRevocationReason": 400,
    "badSignatureAlgorithm": 400,
    "externalAccountRequired": 403,
    "incorrectResponse": 403,
    "invalidContact": 400,
    "malformed": 400,
    "orderNotReady": 403,
    "rateLimited": 429,
    "rejectedIdentifier": 400,
    "serverInternal": 500,
    "unauthorized": 403,
    "unsupportedContact": 400,
    "unsupportedIdentifier": 400,
    "userActionRequired": 403,
}


class ACMERefusedError(Exception):
    """A refusal: `kind` is a word of `STATUS`; `more` are further members of the problem document."""

    def __init__(
        self,
        kind: str,
        detail: str,
        *,
        status: int | None = None,
        headers: Iterable[tuple[str, str]] = (),
        **more: Any,
    ) -> None:
        super().__init__(kind, detail)
        self.kind = kind
        self.detail = detail
        self.status = status or STATUS[kind]
        self.headers = tuple(headers)
        self.more = more

    def document(self) -> dict[str, Any]:
        """The problem document (RFC 9457)."""
        return {"type": PREFIX + self.kind, "detail": self.detail, "status": self.status, **self.more}


_OF_CODE = {
    Code.INVALID: "malformed",
    Code.NOT_FOUND: "malformed",
    Code.UNAUTHENTICATED: "unauthorized",
    Code.FORBIDDEN: "unauthorized",
    Code.INSUFFICIENT_FUNDS: "userActionRequired",
    Code.RATE_LIMITED: "rateLimited",
    Code.ACTION_NOT_ALLOWED: "orderNotReady",
    Code.QUOTE_EXPIRED: "orderNotReady",
}


def of_service(error: ServiceError, url: str) -> ACMERefusedError:
    """A service's refusal in the words of ACME. `extra["acme"]` of the error names the type where the service knows it.

    `url` is where this installation is: who lacks funds is led to its console.
    """
    kind = error.extra.get("acme") or _OF_CODE.get(error.code, "serverInternal")
    if kind == "userActionRequired":
        return ACMERefusedError(kind, error.detail, instance=f"{url}/console/deposit")
    if kind == "rateLimited":
        return ACMERefusedError(kind, error.detail, headers=[("Retry-After", error.extra.get("retry_after", "60"))])
    if error.code in {Code.UNAVAILABLE, Code.DEADLINE_EXCEEDED, Code.CONFLICT} and "acme" not in error.extra:
        return ACMERefusedError("serverInternal", error.detail, status=503, headers=[("Retry-After", "2")])
    status = 404 if error.code is Code.NOT_FOUND and "acme" not in error.extra else None
    return ACMERefusedError(kind, error.detail, status=status)
