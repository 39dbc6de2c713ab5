# SPDX-License-Identifier: Apache-2.0
"""The form of every request: which service answers, with what, and who may ask."""

from __future__ import annotations

import re
from collections.abc import Callable
from enum import StrEnum
from typing import Any, ClassVar, Generic, TypeVar, dataclass_transform, get_args, get_origin

import msgspec

R = TypeVar("R")
T = TypeVar("T", bound="type[Request[Any]]")


class Permission(StrEnum):
    """Who may ask. The first three of a customer's user are the guide's (§11)."""

    PUBLIC = "public"  # nobody has to be signed in
    SIGNED_IN = "signed_in"  # any user or token of an account
    VIEW = "view"
    CREATE_ORDER = "create_order"
    REPLENISH_BALANCE = "replenish_balance"
    ADMINISTER = "administer"  # users, tokens and contacts of the own account
    OPERATOR = "operator"  # runs this installation; may look into every account
    AGENT = "agent"
    ACME = "acme"  # an ACME client whose signature the gateway has verified (ADR 0019)
    INTERNAL = "internal"  # service to service, never through the gateway


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(msgspec.field,))
class Request(msgspec.Struct, Generic[R], frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A command (`WRITES`) or a query. The account is never a field: it comes from the context."""

    SERVICE: ClassVar[str] = ""
    METHOD: ClassVar[str] = ""
    PERMISSION: ClassVar[Permission] = Permission.OPERATOR
    WRITES: ClassVar[bool] = False
    REPLY: ClassVar[Any] = None


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(msgspec.field,))
class View(msgspec.Struct, frozen=True, kw_only=True):
    """What a reply or a part of one looks like on the wire."""


class Done(View, frozen=True, kw_only=True):
    """The reply of a command that has nothing more to say."""

    id: str = ""


class Page(View, Generic[R], frozen=True, kw_only=True):
    """One page of a list. `next_cursor` is opaque and None on the last page; `total` counts all pages."""

    items: list[R]
    next_cursor: str | None = None
    total: int | None = None


_requests: dict[tuple[str, str], type[Request[Any]]] = {}


def _register(service: str, permission: Permission, writes: bool) -> Callable[[T], T]:
    def register(cls: T) -> T:
        cls.SERVICE = service
        cls.METHOD = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", cls.__name__).lower()
        cls.PERMISSION = permission
        cls.WRITES = writes
        for base in cls.__orig_bases__:  # type: ignore[attr-defined]
            if get_origin(base) is Request:
                cls.REPLY = get_args(base)[0]
        if (service, cls.METHOD) in _requests:
            raise ValueError(f"request {service}.{cls.METHOD} is registered twice")
        _requests[(service, cls.METHOD)] = cls
        return cls

    return register


def command(service: str, permission: Permission) -> Callable[[T], T]:
    """Registers a request that changes state; the RPC method is its name in snake case."""
    return _register(service, permission, writes=True)


def query(service: str, permission: Permission) -> Callable[[T], T]:
    """Registers a request that only reads."""
    return _register(service, permission, writes=False)


def requests() -> dict[tuple[str, str], type[Request[Any]]]:
    """Every registered request by (service, method), for catalogues and tests."""
    return dict(_requests)
