# SPDX-License-Identifier: Apache-2.0
"""Which queues of the embedded broker a message goes to: exchanges, bindings, and the routes found so far."""

from __future__ import annotations

import re

from shared.messaging.delivery import BrokerError

ROUTES_KEPT = 10_000


def topic_pattern(key: str) -> re.Pattern[str]:
    """The regular expression of a topic binding: `*` is one word, `#` any number of words."""
    parts = {"*": r"[^.]+", "#": r".*"}
    text = r"\.".join(parts.get(word, re.escape(word)) for word in key.split("."))
    return re.compile(text.replace(r"\..*", r"(?:\..*)?").replace(r".*\.", r"(?:.*\.)?"))


class Routing:
    """Names only; the broker's lock is held by whoever calls."""

    def __init__(self) -> None:
        self._kinds: dict[str, str] = {}
        self._bindings: dict[str, dict[tuple[str, str], re.Pattern[str]]] = {}
        self._routes: dict[tuple[str, str], tuple[str, ...]] = {}

    def declare(self, exchange: str, kind: str) -> None:
        """Raises BrokerError 406 when it exists with another type."""
        if self._kinds.setdefault(exchange, kind) != kind:
            raise BrokerError(406, f"PRECONDITION_FAILED - exchange {exchange!r} is of another type")
        self._bindings.setdefault(exchange, {})

    def has(self, exchange: str) -> bool:
        """Whether the exchange was declared; the default exchange always is."""
        return not exchange or exchange in self._kinds

    def bind(self, queue: str, exchange: str, key: str) -> None:
        """Raises BrokerError 404 for an unknown exchange."""
        if exchange not in self._kinds:
            raise BrokerError(404, f"NOT_FOUND - no exchange {exchange!r}")
        self._bindings[exchange][(key, queue)] = topic_pattern(key)
        self._routes.clear()

    def unbind(self, queue: str, exchange: str, key: str) -> None:
        """Takes the binding away if it is there."""
        self._bindings.get(exchange, {}).pop((key, queue), None)
        self._routes.clear()

    def forget(self, queue: str) -> None:
        """Takes all bindings of a queue away."""
        for bindings in self._bindings.values():
            for bound in [b for b in bindings if b[1] == queue]:
                del bindings[bound]
        self._routes.clear()

    def route(self, exchange: str, key: str) -> tuple[str, ...]:
        """Names of the queues bound for this key, each once. Raises BrokerError 404 for an unknown exchange."""
        found = self._routes.get((exchange, key))
        if found is None:
            found = self._find(exchange, key)
            if len(self._routes) >= ROUTES_KEPT:
                self._routes.clear()
            self._routes[(exchange, key)] = found
        return found

    def clear(self) -> None:
        """Forgets everything."""
        self._kinds.clear()
        self._bindings.clear()
        self._routes.clear()

    def __len__(self) -> int:
        return len(self._routes)

    def _find(self, exchange: str, key: str) -> tuple[str, ...]:
        if not exchange:
            return (key,)  # the default exchange: every queue is bound to it under its own name
        kind = self._kinds.get(exchange)
        if kind is None:
            raise BrokerError(404, f"NOT_FOUND - no exchange {exchange!r}")
        bindings = self._bindings[exchange]
        if kind == "fanout":
            names = [queue for _, queue in bindings]
        elif kind == "topic":
            names = [queue for (_, queue), pattern in bindings.items() if pattern.fullmatch(key)]
        else:
            names = [queue for bound, queue in bindings if bound == key]
        return tuple(dict.fromkeys(names))
