# SPDX-License-Identifier: Apache-2.0
"""Every refusal as a problem document (RFC 9457): one table from error code to HTTP status, and one form.

A service says `ServiceError`; the gateway adds what only HTTP knows. Nothing else about an error leaves the process:
an unexpected exception is `internal` with a trace id to look it up in the log, never a stack or a statement.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import msgspec

from shared.errors import Code, ServiceError

MEDIA_TYPE = "application/problem+json"


class Kind(NamedTuple):
    """A kind of problem: its HTTP status, its title, and what a client may do about it."""

    status: int
    title: str
    advice: str


# The codes of services (shared.errors.Code) and, below them, what only HTTP can get wrong.
KINDS: Mapping[str, Kind] = {
    Code.INVALID: Kind(422, "The request breaks a rule", "Change what `errors` points at and send it again."),
    Code.NOT_FOUND: Kind(404, "Not found", "Check the id. A thing of another account looks as if it did not exist."),
    Code.UNAUTHENTICATED: Kind(401, "Not signed in", "Sign in, or send a valid token as `Authorization: Bearer`."),
    Code.CREDENTIALS_EXPIRED: Kind(
        403, "The password must be changed", "Sign in again in the same way, with `new_password` as well."
    ),
    Code.FORBIDDEN: Kind(403, "Not permitted", "Ask an administrator of the account for the permission."),
    Code.CONFLICT: Kind(409, "Somebody else was faster", "Read the thing again, then repeat the request."),
    Code.ACTION_NOT_ALLOWED: Kind(409, "Not possible in this state", "Look at `allowed_actions` of the thing."),
    Code.IDEMPOTENCY_MISMATCH: Kind(
        422, "This Idempotency-Key was used for another request", "Use a new key for a new request."
    ),
    Code.IDEMPOTENCY_IN_FLIGHT: Kind(
        409, "The first request with this Idempotency-Key is still running", "Repeat it a little later."
    ),
    Code.INSUFFICIENT_FUNDS: Kind(402, "The deposit does not cover it", "Top up by what `extra.missing` says."),
    Code.QUOTE_EXPIRED: Kind(409, "The quote has expired", "Ask for a new quote and order with that one."),
    Code.PAYMENT_DECLINED: Kind(402, "The payment was declined", "Pay in another way."),
    Code.RATE_LIMITED: Kind(429, "Too many requests", "Wait as long as `Retry-After` says."),
    Code.TOO_LARGE: Kind(413, "Too large", "Send less."),
    Code.DEADLINE_EXCEEDED: Kind(
        504, "No answer in time", "Repeat it; a write with the same Idempotency-Key, so that it happens once."
    ),
    Code.UNAVAILABLE: Kind(503, "Not available at the moment", "Repeat it a little later."),
    Code.INTERNAL: Kind(500, "A fault of this installation", "Give the trace id to whoever runs it."),
    "malformed": Kind(400, "The request cannot be read", "Send well-formed UTF-8 JSON."),
    "method_not_allowed": Kind(405, "Method not allowed", "Use one of the methods that `Allow` names."),
    "request_timeout": Kind(408, "The request came too slowly", "Repeat it on a better connection."),
    "unsupported_media_type": Kind(415, "Unsupported media type", "Send `Content-Type: application/json`."),
}


class FieldProblem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where the fault lies: `pointer` into the body (RFC 6901), or `parameter` of the path or query."""

    detail: str
    pointer: str | None = None
    parameter: str | None = None


class Problem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A problem document. `type` is a page of this installation, relative to it; `code` is its last part.

    `instance` is the path that was asked for; `trace_id` finds it in the logs. `extra` holds short facts for
    programs, such as `missing` and `currency` of `insufficient_funds`.
    """

    type: str
    title: str
    status: int
    code: str
    detail: str
    instance: str
    trace_id: str
    errors: list[FieldProblem] = []
    extra: dict[str, str] = {}


class RefusedError(Exception):
    """The gateway itself refuses: a code of `KINDS`, a sentence, and headers that the answer needs."""

    def __init__(self, code: str, detail: str, *, headers: Iterable[tuple[str, str]] = ()) -> None:
        super().__init__(code, detail)
        self.code = code
        self.detail = detail
        self.headers = tuple(headers)


class Refusal(NamedTuple):
    """A problem ready to be sent."""

    status: int
    body: bytes
    headers: list[tuple[str, str]]


_encode = msgspec.json.Encoder().encode


def of_service(error: ServiceError, parameters: frozenset[str] | None, *, instance: str, trace_id: str) -> Refusal:
    """The document for what a service said. `parameters`: fields that came by path or query, None for all of them."""
    errors = []
    if error.pointer:
        name = error.pointer.removeprefix("/")
        where = {"parameter": name} if parameters is None or name in parameters else {"pointer": error.pointer}
        errors.append(FieldProblem(detail=error.detail, **where))
    headers = []
    if error.code is Code.RATE_LIMITED or error.code is Code.UNAVAILABLE:
        headers.append(("Retry-After", error.extra.get("retry_after", "1")))
    return refusal(
        error.code,
        error.detail,
        instance=instance,
        trace_id=trace_id,
        errors=errors,
        extra=error.extra,
        headers=headers,
    )


def refusal(
    code: str,
    detail: str,
    *,
    instance: str,
    trace_id: str,
    errors: list[FieldProblem] | None = None,
    extra: dict[str, str] | None = None,
    headers: Iterable[tuple[str, str]] = (),
) -> Refusal:
    """The document for a code of `KINDS`."""
    kind = KINDS[code]
    document = Problem(
        type=f"/problems/{code}",
        title=kind.title,
        status=kind.status,
        code=str(code),
        detail=detail,
        instance=instance,
        trace_id=trace_id,
        errors=errors or [],
        extra=extra or {},
    )
    sent = [("Content-Type", MEDIA_TYPE), *headers]
    if kind.status == 401:
        sent.append(("WWW-Authenticate", 'Bearer realm="certwright"'))  # RFC 6750 §3
    return Refusal(kind.status, _encode(document), sent)


def example(code: str) -> dict[str, Any]:
    """A problem as an example for the API document."""
    document: dict[str, Any] = msgspec.json.decode(
        refusal(
            code, KINDS[code].title + ".", instance="/api/v1/orders", trace_id="4bf92f3577b34da6a3ce929d0e0e4736"
        ).body
    )
    return document
