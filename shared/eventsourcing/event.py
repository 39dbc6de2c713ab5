# SPDX-License-Identifier: Apache-2.0
"""Event types under stable names, so that history outlives every refactoring."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, TypeVar, dataclass_transform

import msgspec

E = TypeVar("E", bound="type[Event]")
Upcaster = Callable[[dict[str, Any]], dict[str, Any]]


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(msgspec.field,))
class Event(msgspec.Struct, frozen=True, kw_only=True):
    """A fact, past tense. Fields only ever get added, each with a default; unknown fields are ignored when read."""

    TYPE: ClassVar[str] = ""
    SCHEMA: ClassVar[int] = 1


class UnknownEventTypeError(LookupError):
    """The log holds a type that this code does not know: the code is older than its data."""


_types: dict[str, type[Event]] = {}
_decoders: dict[str, msgspec.json.Decoder[Any]] = {}
_upcasters: dict[tuple[str, int], Upcaster] = {}


def event(name: str, *, schema: int = 1) -> Callable[[E], E]:
    """Registers an event class under `<service>.<Event>`; the name is stored and never changes."""

    def register(cls: E) -> E:
        if name in _types:
            raise ValueError(f"event type {name} is registered twice")
        cls.TYPE = name
        cls.SCHEMA = schema
        _types[name] = cls
        _decoders[name] = msgspec.json.Decoder(cls)
        return cls

    return register


def upcaster(name: str, from_schema: int) -> Callable[[Upcaster], Upcaster]:
    """Registers the step from one stored schema to the next; it works on plain dicts and never fails on history."""

    def register(step: Upcaster) -> Upcaster:
        _upcasters[(name, from_schema)] = step
        return step

    return register


def decode(name: str, schema: int, payload: str | bytes) -> Event:
    """Reads a stored event, lifting older schemas step by step. Raises UnknownEventTypeError."""
    try:
        cls = _types[name]
    except KeyError:
        raise UnknownEventTypeError(name) from None
    if schema == cls.SCHEMA:
        return _decoders[name].decode(payload)  # type: ignore[no-any-return]
    if schema > cls.SCHEMA:
        raise UnknownEventTypeError(f"{name} in schema {schema}, later than {cls.SCHEMA}")
    fields: dict[str, Any] = msgspec.json.decode(payload)
    for step in range(schema, cls.SCHEMA):
        fields = _upcasters[(name, step)](fields)
    return msgspec.convert(fields, cls)


_encoder = msgspec.json.Encoder(order="deterministic")


def encode(fact: Event) -> str:
    """The canonical JSON text that is stored and hashed."""
    return _encoder.encode(fact).decode()


def event_types() -> dict[str, type[Event]]:
    """Every registered type by name, for catalogues and golden tests."""
    return dict(_types)
