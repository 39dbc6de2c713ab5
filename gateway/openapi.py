# SPDX-License-Identifier: Apache-2.0
"""The OpenAPI 3.1 document, made from the same rows that serve the requests. Nothing here is written twice."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from gateway import problems
from gateway.examples import example
from gateway.operations import ROUTES, TAGS
from gateway.route import JSON, PATTERNS, WITH_BODY, Input, Route, bounds
from shared.contracts.base import Permission

VERSION = "1.0.0"
EXAMPLE_OCSP = "MEcwRTBDMEEwPzAJBgUrDgMCGgUABBSc8ych66tdcV9RZpy+YrAjhRhwuAQUpi8iJb9wv6zLx/HvKjl4NnFzd94CBlwBI0VniQ=="
ABOUT = """Everything that Certwright does, for programs; its own console uses nothing else.

**Who asks.** Programs send `Authorization: Bearer` with an API token, browsers the session cookie. The account always
comes from the credential; what belongs to another account is answered 404.

**Refusals** are problem documents (RFC 9457). `code` is stable, `errors` says where the fault lies, `trace_id` finds
the request in the logs.

**Repeating a write.** Send an `Idempotency-Key`: the same key with the same request gets the first answer again and has
no second effect; with another request it is refused with 422.

**Lists** take `limit` and `cursor`; go on with `next_cursor` until it is null.

**Money** is an integer in minor units (cents). **Moments** are RFC 3339 in UTC.
"""
_LAX = frozenset({"Problem", "FieldProblem"})  # these leave out what is not set
_REASONS = {400: "BadRequest", 401: "Unauthenticated", 402: "PaymentRequired", 403: "Forbidden", 404: "NotFound",
    405: "MethodNotAllowed", 408: "RequestTimeout", 409: "Conflict", 413: "TooLarge", 415: "UnsupportedMediaType",
    422: "Invalid", 429: "RateLimited", 500: "Internal", 503: "Unavailable", 504: "DeadlineExceeded"}  # fmt: skip
IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "1 to 255 printable ASCII characters, new for every new request, the same for a repetition.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]([ -~]*[!-~])?$"},
    "example": "2b9f6f1e-8f0a-4a55-9d0e-7f5a0f1c2d3e",
}
LAST_EVENT_ID = {
    "name": "Last-Event-ID",
    "in": "header",
    "required": False,
    "description": "The id of the last event that was seen. Browsers send it by themselves.",
    "schema": {"type": "string", "pattern": "^[0-9]{1,15}$"},
    "example": "1041",
}


def document(routes: Iterable[Route] = ROUTES) -> dict[str, Any]:
    """The whole document, the same for the same code."""
    inputs = [Input(route) for route in routes]
    schemas = _Schemas(inputs)
    paths: dict[str, Any] = {}
    for one in inputs:
        paths.setdefault(one.route.path, {})[one.route.method.lower()] = _operation(one, schemas)
    used = {one.route.tag for one in inputs}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Certwright",
            "version": VERSION,
            "description": ABOUT,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/", "description": "This installation"}],
        "tags": [{"name": tag, "description": text} for tag, text in TAGS.items() if tag in used],
        "paths": paths,
        "components": {
            "schemas": dict(sorted(schemas.components.items())),
            "responses": {_REASONS[status]: _problem_response(status, schemas) for status in sorted(_REASONS)},
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer", "description": "An API token of a user."},
                "session": {
                    "type": "apiKey", "in": "cookie", "name": "__Host-certwright",
                    "description": "The cookie of a signed-in browser; `certwright` where there is no TLS.",
                },
                "agent": {"type": "http", "scheme": "bearer", "description": "The token of an enrolled agent."},
            },
        },
    }  # fmt: skip


class _Schemas:
    """JSON schemas of all bodies. What answers hold is always there, so their fields are all required."""

    def __init__(self, inputs: Iterable[Input]) -> None:
        rows = list(inputs)
        template = "#/components/schemas/{name}"
        replies = [one.route.reply_type for one in rows if one.route.media == JSON and one.route.reply_type]
        bodies = [one.body_type for one in rows if one.body_fields and one.route.form is None]
        unique = list(dict.fromkeys([*replies, problems.Problem]))
        _, out = msgspec.json.schema_components(unique, ref_template=template)
        _, into = msgspec.json.schema_components(list(dict.fromkeys(bodies)), ref_template=template)
        for name, schema in out.items():
            if name not in _LAX and "properties" in schema:
                schema["required"] = list(schema["properties"])
                for part in schema["properties"].values():
                    part.pop("default", None)
        both = {name: f"{name}Input" for name in out.keys() & into.keys()}
        renamed = {name: _page_name(name) for name in out}
        self.components = {renamed[name]: _tidy(schema, renamed) for name, schema in out.items()}
        for name, schema in into.items():
            self.components[both.get(name, name)] = _tidy(schema, both)

    def reply(self, kind: Any) -> dict[str, Any]:
        """Reference to the schema of an answer."""
        _, parts = msgspec.json.schema_components([kind], ref_template="{name}")
        return {"$ref": f"#/components/schemas/{_page_name(next(iter(parts)))}"}


def _page_name(name: str) -> str:
    return re.sub(r"^Page_(\w+)_$", r"\1Page", name)


def _tidy(schema: Any, names: Mapping[str, str]) -> Any:
    if isinstance(schema, list):
        return [_tidy(part, names) for part in schema]
    if not isinstance(schema, dict):
        return schema
    tidied = {}
    for key, value in schema.items():
        if key == "$ref":
            name = value.rpartition("/")[2]
            tidied[key] = f"#/components/schemas/{names.get(name, name)}"
        elif key == "description" and isinstance(value, str):
            tidied[key] = inspect.cleandoc(value)
        elif key == "title" and isinstance(value, str):
            continue
        else:
            tidied[key] = _tidy(value, names)
    return tidied


def _operation(one: Input, schemas: _Schemas) -> dict[str, Any]:
    route, permission = one.route, one.request.PERMISSION
    operation: dict[str, Any] = {
        "operationId": route.operation_id,
        "tags": [route.tag],
        "summary": route.summary,
        "description": inspect.cleandoc(route.request.__doc__ or ""),
        "x-permission": permission.value,
        "security": _security(permission),
    }
    parameters = _parameters(one)
    if parameters:
        operation["parameters"] = parameters
    if route.form is not None and route.sends != JSON:
        operation["requestBody"] = {
            "required": True,
            "content": {route.sends: {"schema": {"type": "string", "format": "binary"}}},
        }
    elif route.form is not None:  # a webhook: its headers are the sender's affair (Standard Webhooks 1.0)
        operation["requestBody"] = {
            "required": True,
            "content": {JSON: {"schema": {"type": "object"}, "example": {"type": "payment.captured"}}},
        }
    elif one.body_fields:
        operation["requestBody"] = {
            "required": not one.body_optional,
            "content": {
                JSON: {
                    "schema": {"$ref": f"#/components/schemas/{one.body_type.__name__}"},
                    "example": example(one.body_type),
                }
            },
        }
    operation["responses"] = {**_success(route, schemas), **_refusals(one)}
    return operation


def _security(permission: Permission) -> list[dict[str, list[str]]]:
    if permission is Permission.PUBLIC:
        return []
    if permission is Permission.AGENT:
        return [{"agent": []}]
    return [{"token": []}, {"session": []}]


def _parameters(one: Input) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for name in re.findall(r"\{(\w+)\}", one.route.path):
        pattern = PATTERNS.get(name)
        schema = {"type": "string", "pattern": pattern} if pattern else {"type": "string", "format": "uuid"}
        shown = {
            "service": "orders",
            "kind": "eula",
            "mail_id": "17",
            "id": "17",
            "token": "s9" * 16,
            "ocsp_request": EXAMPLE_OCSP,
        }
        found.append({
            "name": name, "in": "path", "required": True, "schema": schema,
            "example": shown.get(name) or example(str, one.request.__name__, name),
        })  # fmt: skip
    for one_field in one.query_fields:
        parameter = {
            "name": one_field.name,
            "in": "query",
            "required": bool(one_field.required),
            "schema": _query_schema(one_field),
        }
        if one_field.name == "limit":
            parameter["description"] = "At most so many items."
        if one_field.name == "cursor":
            parameter["description"] = "`next_cursor` of the page before."
        found.append(parameter)
    if one.route.writes:
        found.append(IDEMPOTENCY_KEY)
    if one.route.stream:
        found.append(LAST_EVENT_ID)
    return found


def _query_schema(one: msgspec.structs.FieldInfo) -> dict[str, Any]:
    schema: dict[str, Any] = msgspec.json.schema(one.type)
    kinds = [part for part in schema.get("anyOf", [schema]) if part != {"type": "null"}]
    schema = dict(kinds[0])
    if schema.get("type") == "integer":
        schema["minimum"], schema["maximum"] = bounds(one.name)
    if one.default not in {msgspec.NODEFAULT, None, ""}:
        schema["default"] = one.default
    return schema


def _success(route: Route, schemas: _Schemas) -> dict[str, Any]:
    status = str(route.status)
    answer: dict[str, Any] = {"description": {"200": "Done.", "201": "Made.", "202": "Begun; the outcome follows.",
        "204": "Done; there is nothing to say."}[status]}  # fmt: skip
    headers: dict[str, Any] = {}
    if route.location:
        headers["Location"] = {"description": "Where the new thing is.", "schema": {"type": "string"}}
    if route.operation_id == "sign_in":
        headers["Set-Cookie"] = {"description": "The session cookie.", "schema": {"type": "string"}}
    if headers:
        answer["headers"] = headers
    if route.stream:
        answer["content"] = {
            route.media: {"schema": {"type": "string"}, "example": 'id: 1042\ndata: {"specversion":"1.0"}\n\n'}
        }
    elif route.media != JSON:
        answer["content"] = {route.media: {"schema": {"type": "string", "contentMediaType": route.media}}}
    elif route.reply_type is not None:
        answer["content"] = {JSON: {"schema": schemas.reply(route.reply_type), "example": example(route.reply_type)}}
    return {status: answer}


def _refusals(one: Input) -> dict[str, Any]:
    route = one.route
    statuses = {400, 404, 422, 429, 500, 503, 504}
    if route.request.PERMISSION is not Permission.PUBLIC:
        statuses |= {401, 403}
    if route.writes:
        statuses |= {401, 402, 403, 409}
    statuses |= set(route.refuses)
    if route.method in WITH_BODY:
        statuses |= {403, 408, 413, 415}
    return {str(status): {"$ref": f"#/components/responses/{_REASONS[status]}"} for status in sorted(statuses)}


def _problem_response(status: int, schemas: _Schemas) -> dict[str, Any]:
    kinds = {str(code): kind for code, kind in problems.KINDS.items() if kind.status == status}
    response: dict[str, Any] = {
        "description": "; or: ".join(f"{kind.title}. {kind.advice}" for kind in kinds.values()),
        "content": {
            problems.MEDIA_TYPE: {
                "schema": schemas.reply(problems.Problem),
                "examples": {code: {"value": problems.example(code)} for code in kinds},
            }
        },
    }
    if status in {429, 503}:
        response["headers"] = {"Retry-After": {"description": "Seconds to wait.", "schema": {"type": "string"}}}
    if status == 401:
        response["headers"] = {"WWW-Authenticate": {"description": "RFC 6750.", "schema": {"type": "string"}}}
    return response
