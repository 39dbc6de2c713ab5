# SPDX-License-Identifier: Apache-2.0
"""Timers: `@every(seconds=60)` on a method of a service. One replica runs it per period (nameko's fires in each)."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, TypeVar

import eventlet
from nameko.exceptions import ContainerBeingKilled
from nameko.extensions import Entrypoint, register_entrypoint

from shared import metrics
from shared.messaging import topology

_log = logging.getLogger(__name__)

F = TypeVar("F", bound=Callable[..., Any])


class Every(Entrypoint):
    """Asks the service's database once per period whether it is its turn."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.seconds = seconds
        self._thread: Any = None
        self._slot = -1

    def start(self) -> None:
        """Begins to look at the clock."""
        self._thread = self.container.spawn_managed_thread(self._run, identifier=f"every-{self.method_name}")

    def stop(self) -> None:
        """No more runs; one that runs finishes."""
        thread, self._thread = self._thread, None
        if thread is not None:
            thread.kill()

    def _run(self) -> None:
        name = topology.subscription_name(self.container.service_name, self.method_name)
        room = self.container.app.room
        while True:
            slot = int(room.clock.now().timestamp() // self.seconds)
            if slot > self._slot:
                try:
                    if room.timers.fire(name, self.seconds):
                        self.container.spawn_worker(self, (), {}, context_data={}, handle_result=self.handle_result)
                    self._slot = slot
                except ContainerBeingKilled:
                    return
                except Exception:
                    _log.exception("the timer %s could not ask its database", name)
            eventlet.sleep(min(self.seconds / 4, 1.0))

    def handle_result(self, _worker: Any, result: Any, exc_info: Any) -> tuple[Any, Any]:
        """Counts the outcome. Called in the worker."""
        name = topology.subscription_name(self.container.service_name, self.method_name)
        if exc_info:
            _log.error("the timer %s failed; it runs again next time", name, exc_info=exc_info[1])
        metrics.TIMERS_FIRED.labels(name, "failed" if exc_info else "done").inc()
        return result, exc_info


def every(*, seconds: float) -> Callable[[F], F]:
    """Has the method `(self)` run once in each period of `seconds`, counted from the Unix epoch."""

    def register(method: F) -> F:
        register_entrypoint(method, Every(seconds))
        return method

    return register
