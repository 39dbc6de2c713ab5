# SPDX-License-Identifier: Apache-2.0
"""One row per operation of the HTTP API. The Flask rules, the validation and the OpenAPI document come from the rows.

A row names a request of the contracts; its fields arrive by path, by query (GET, DELETE) or by body (POST, PUT, PATCH),
and some are filled by the gateway, such as the caller's address. Who may ask stands at the request itself, so that an
operation without a permission cannot be written (quality bar S7).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import NoneType
from typing import Any, get_args

import msgspec

from gateway import decoding
from gateway.exchange import Exchange
from gateway.problems import RefusedError
from shared.contracts.base import Permission, Request
from shared.contracts.paging import MAX_OFFSET
from shared.errors import invalid, not_found

WITH_BODY = frozenset({"POST", "PUT", "PATCH"})
MAX_LIMIT = 200
JSON = "application/json"


class Filled(StrEnum):
    """Fields that the gateway fills from the connection or the credential."""

    REMOTE_ADDRESS = "remote_address"
    CREDENTIAL_ID = "credential_id"


@dataclass(frozen=True, kw_only=True)
class Route:
    """One operation. `path` is a template (`/api/v1/orders/{order_id}`); its names are fields of `request`.

    `answer` makes the reply when it is not just what the service says; `reply` is then its type. `media` other than
    JSON means that `answer` gives `Raw`; `stream` that the answer does not end. `service_in_path`: the request is one
    that every service answers. `fixed` fields have one value here. `call` asks in another way than one request to one
    service. `form` turns the raw body, of media type `sends`, into fields, for senders whose body is not
    ours to choose.
    """

    method: str
    path: str
    request: type[Request[Any]]
    summary: str
    tag: str
    status: int = 200
    filled: Mapping[str, Filled] = field(default_factory=dict)
    fixed: Mapping[str, Any] = field(default_factory=dict)
    call: Callable[[Exchange, Any], Any] | None = None
    answer: Callable[[Exchange, Any], Any] | None = None
    reply: Any = None
    media: str = JSON
    location: str = ""
    service_in_path: bool = False
    form: Callable[[bytes, Mapping[str, Any]], dict[str, Any]] | None = None
    sends: str = JSON  # what the body of a `form` is
    stream: bool = False
    forgets: bool = False  # ends credentials: the cache of identities must be emptied
    refuses: tuple[int, ...] = ()  # statuses of problems beyond those of its kind
    name: str = ""

    @property
    def operation_id(self) -> str:
        """Its name in the API document, in metrics and in logs."""
        return self.name or self.request.METHOD

    @property
    def writes(self) -> bool:
        """Whether it changes state and takes an Idempotency-Key."""
        return self.request.WRITES

    @property
    def reply_type(self) -> Any:
        """What the success answer holds; None for none."""
        if self.status == 204:
            return None
        return self.reply or self.request.REPLY


_NAME = re.compile(r"\{(\w+)\}")
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
# Every id that a service makes is a UUID; other words in paths have their own form. What cannot exist is not found.
PATTERNS: Mapping[str, str] = {
    "ocsp_request": r"^[A-Za-z0-9+/=]{1,1000}$",
    "fqdn": r"^(\*\.)?[A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63}){0,126}$",
    "fingerprint_sha256": r"^[0-9A-Fa-f]{64}$",
    "mail_id": r"^[A-Za-z0-9_.-]{1,100}$",
    "code": r"^[A-Za-z0-9-]{3,40}$",
    "token": r"^[A-Za-z0-9_.-]{16,200}$",
    "id": r"^[A-Za-z0-9_.:-]{1,200}$",
    "kind": r"^[a-z_]{1,40}$",
    "uid": r"^[0-9a-f]{32}$",
    "build": r"^[a-z]{1,20}$",
    "issuer": r"^[1-9][0-9]{0,3}$",
    "service": r"^(accounts|billing|orders|dcv|ca|installer|discovery|alerts)$",
}


# Names whose text may hold slashes: the rest of the path is theirs.
SLASHED = frozenset({"ocsp_request"})


class Input:
    """How the fields of a route's request are read. Built once at start; raises ValueError for a row that cannot be."""

    def __init__(self, route: Route) -> None:
        self.route = route
        self.request = route.request
        if route.request.PERMISSION in {Permission.INTERNAL, Permission.ACME} or not route.request.METHOD:
            raise ValueError(f"{route.method} {route.path}: {route.request.__name__} is not for the outside")
        fields = {one.name: one for one in msgspec.structs.fields(route.request)}
        self.path_names = [
            name for name in _NAME.findall(route.path) if not (route.service_in_path and name == "service")
        ]
        given = {*self.path_names, *route.filled, *route.fixed}
        strange = sorted(given - fields.keys())
        if strange:
            raise ValueError(f"{route.method} {route.path}: {route.request.__name__} has no {', '.join(strange)}")
        rest = [one for name, one in fields.items() if name not in given]
        self.body_fields = rest if route.method in WITH_BODY else []
        self.query_fields = [] if route.method in WITH_BODY else rest
        # Where a fault is told as a parameter's: everywhere when there is no body.
        self.parameters = frozenset(self.path_names) if route.method in WITH_BODY else None
        self._patterns = [(name, _pattern(name)) for name in _NAME.findall(route.path)]
        self._plain = not given
        self.body_type = self._body_type()
        self._decoder = msgspec.json.Decoder(self.body_type)
        self.body_optional = all(not one.required for one in self.body_fields)
        self._names = [one.name for one in self.body_fields]
        self._readers = {one.name: _reader(one) for one in self.query_fields}

    def _body_type(self) -> type[msgspec.Struct]:
        if self._plain:
            return self.request
        fields: list[Any] = [
            (one.name, one.type)
            if one.required
            else (one.name, one.type, one.default)
            if one.default is not msgspec.NODEFAULT
            else (one.name, one.type, msgspec.field(default_factory=one.default_factory))
            for one in self.body_fields
        ]
        made = msgspec.defstruct(
            self.request.__name__, fields, frozen=True, kw_only=True, forbid_unknown_fields=True, gc=False
        )
        made.__doc__ = self.request.__doc__
        return made

    def read(
        self, path: Mapping[str, str], query: str, body: bytes | None, exchange: Exchange, environ: Mapping[str, Any]
    ) -> Request[Any]:
        """The request. Raises RefusedError and ServiceError, the latter with the place of the fault."""
        for name, pattern in self._patterns:
            if not pattern.fullmatch(path[name]):
                raise not_found(name.removesuffix("_id").replace("_sha256", "").replace("_", " "))
        values: dict[str, Any] = {**self.route.fixed, **{name: path[name] for name in self.path_names}}
        if self.route.service_in_path:
            exchange.service = path["service"]
        for name, source in self.route.filled.items():
            values[name] = exchange.remote_address if source is Filled.REMOTE_ADDRESS else exchange.caller.credential_id
        if self.query_fields or query:
            self._read_query(query, values)
        if self.route.form is not None:
            values |= self.route.form(body or b"", environ)
        elif body is not None:
            read = self._read_body(body)
            if self._plain:
                return read  # type: ignore[return-value]
            for name in self._names:
                values[name] = getattr(read, name)
        return self.request(**values)

    def _read_body(self, body: bytes) -> msgspec.Struct:
        return decoding.decode_body(body or (b"{}" if self.body_optional else b""), self._decoder)

    def _read_query(self, query: str, values: dict[str, Any]) -> None:
        for name, texts in decoding.read_query(query).items():
            reader = self._readers.get(name)
            if reader is None:
                raise invalid("This parameter is not known here.", f"/{name}")
            values[name] = reader(texts)
        for one in self.query_fields:
            if one.required and one.name not in values:
                raise invalid("This parameter is required.", f"/{one.name}")


def _pattern(name: str) -> re.Pattern[str]:
    return re.compile(PATTERNS[name]) if name in PATTERNS else _UUID


def _reader(one: msgspec.structs.FieldInfo) -> Callable[[list[str]], Any]:
    name, kind = one.name, one.type
    if kind == list[str]:
        return lambda texts: texts
    plain = _bare(kind)
    if plain not in {str, int, bool}:
        raise ValueError(f"a {kind} cannot be read from a query")

    def read(texts: list[str]) -> Any:
        if len(texts) > 1:
            raise invalid("This parameter is given more than once.", f"/{name}")
        if plain is int:
            low, high = bounds(name)
            return decoding.integer(texts[0], name, low, high)
        return decoding.boolean(texts[0], name) if plain is bool else texts[0]

    return read


def _bare(kind: Any) -> Any:
    parts = [part for part in get_args(kind) if part is not NoneType]
    return parts[0] if len(parts) == 1 else kind


def bounds(name: str) -> tuple[int, int]:
    """Smallest and largest value of an integer parameter."""
    if name == "limit":
        return 1, MAX_LIMIT
    if name == "offset":
        return 0, MAX_OFFSET
    return 0, decoding.MAX_INTEGER


def command_key(header: str | None) -> str | None:
    """The client's Idempotency-Key, quoted or not. Raises RefusedError."""
    if header is None:
        return None
    key = header[1:-1] if len(header) >= 2 and header[0] == header[-1] == '"' else header
    if not 1 <= len(key) <= 255 or not key.isascii() or not key.isprintable():
        raise RefusedError("malformed", "An Idempotency-Key has 1 to 255 printable ASCII characters.")
    return key
