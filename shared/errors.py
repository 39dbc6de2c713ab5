# SPDX-License-Identifier: Apache-2.0
"""The one error that crosses a service boundary.

Rules of the field end in a `ServiceError`; only the gateway turns it into a problem document (RFC 9457).
Anything else that escapes a handler is a bug and reaches callers as `internal`, without detail.
"""

from __future__ import annotations

from enum import StrEnum


class Code(StrEnum):
    """Closed list of error codes. The gateway maps each to an HTTP status."""

    INVALID = "invalid"
    NOT_FOUND = "not_found"
    UNAUTHENTICATED = "unauthenticated"
    CREDENTIALS_EXPIRED = "credentials_expired"
    FORBIDDEN = "forbidden"
    CONFLICT = "conflict"
    ACTION_NOT_ALLOWED = "action_not_allowed"
    IDEMPOTENCY_MISMATCH = "idempotency_mismatch"
    IDEMPOTENCY_IN_FLIGHT = "idempotency_in_flight"
    INSUFFICIENT_FUNDS = "insufficient_funds"
    QUOTE_EXPIRED = "quote_expired"
    PAYMENT_DECLINED = "payment_declined"
    RATE_LIMITED = "rate_limited"
    TOO_LARGE = "too_large"
    DEADLINE_EXCEEDED = "deadline_exceeded"
    UNAVAILABLE = "unavailable"
    INTERNAL = "internal"


class ServiceError(Exception):
    """A refusal with a code, a sentence that says what to do, and where the fault lies.

    `pointer` is an RFC 6901 JSON pointer into the request (`/names/0`); `extra` holds short strings for programs
    (`{"missing": "1250", "currency": "USD"}`), never secrets.
    """

    def __init__(
        self, code: Code | str, detail: str, *, pointer: str | None = None, extra: dict[str, str] | None = None
    ) -> None:
        super().__init__(code, detail)
        self.code = Code(code)
        self.detail = detail
        self.pointer = pointer
        self.extra = extra or {}

    def __str__(self) -> str:
        return f"{self.code}: {self.detail}"


def not_found(what: str) -> ServiceError:
    """The refusal for a thing that does not exist or belongs to another account: both look the same."""
    return ServiceError(Code.NOT_FOUND, f"There is no such {what}.")


def invalid(detail: str, pointer: str | None = None) -> ServiceError:
    """The refusal for input that breaks a rule; `pointer` names the field."""
    return ServiceError(Code.INVALID, detail, pointer=pointer)
