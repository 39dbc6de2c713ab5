# SPDX-License-Identifier: Apache-2.0
"""Which rooms there are, and how they and the gateway are put into one process."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Sequence

from certwright.rooms import GATEWAY, ROOMS
from shared.runtime.run import PartBuilder, serve
from shared.runtime.service import Service
from shared.settings import Settings


def present() -> tuple[str, ...]:
    """The rooms of this installation that have a service."""
    return tuple(name for name in ROOMS if importlib.util.find_spec(f"services.{name}") and _has_service(name))


def service_class(name: str) -> type[Service]:
    """The service class of a room. Raises LookupError."""
    module = importlib.import_module(f"services.{name}.service")
    for found in vars(module).values():
        if isinstance(found, type) and issubclass(found, Service) and getattr(found, "name", None) == name:
            return found
    raise LookupError(f"services.{name}.service has no Service named {name}")


def gateway() -> PartBuilder:
    """How the gateway is made."""
    builder: PartBuilder = importlib.import_module("gateway.service").build
    return builder


def run(names: Sequence[str], settings: Settings) -> int:
    """Runs these rooms, and the gateway when it is among them, until told to stop; the exit status."""
    services = [service_class(name) for name in names if name != GATEWAY]
    return serve(settings, services, [gateway()] if GATEWAY in names else [])


def everything() -> list[str]:
    """All rooms and the gateway, as far as they are there."""
    names = list(present())
    if importlib.util.find_spec("gateway.service"):
        names.append(GATEWAY)
    return names


def _has_service(name: str) -> bool:
    return importlib.util.find_spec(f"services.{name}.service") is not None
