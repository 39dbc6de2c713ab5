# SPDX-License-Identifier: Apache-2.0
"""Starts services and parts in this process, keeps them running, and drains them when it is told to stop."""

from __future__ import annotations

import errno
import logging
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

import eventlet
import eventlet.patcher

from shared import log, metrics
from shared.eventstore.migrations import SchemaTooNewError
from shared.messaging.rpc_client import RpcClient, shared_client
from shared.runtime import patch
from shared.runtime.container import Container, nameko_config
from shared.runtime.ops_http import OpsServer
from shared.runtime.part import Part
from shared.runtime.service import Service
from shared.runtime.version import running_version
from shared.settings import Settings

_log = logging.getLogger(__name__)

PartBuilder = Callable[[Settings, RpcClient], Part]
LOOK_S = 0.1
PORT_TAKEN = (
    "a port is taken, perhaps by another Certwright. Choose others with CERTWRIGHT_GATEWAY_PORT,"
    " CERTWRIGHT_OPS_ADDRESS and CERTWRIGHT_BILLING_SANDBOX_PORT"
)


class Runner:
    """One process: some services, perhaps the gateway, one port for health and metrics."""

    def __init__(
        self, settings: Settings, services: Sequence[type[Service]], parts: Sequence[PartBuilder] = ()
    ) -> None:
        if not eventlet.patcher.is_monkey_patched("socket"):
            raise RuntimeError("shared.runtime.patch.patch() has to be called first")
        self.settings = settings
        self.client = shared_client(settings.amqp_uri)
        self.ops = (
            OpsServer(settings.ops_address, self.health, before_scrape=self._measure) if settings.ops_address else None
        )
        config = nameko_config(settings)
        self.containers = [Container(service, config) for service in services]
        self.parts = [build(settings, self.client) for build in parts]
        self._stop_asked = 0
        self._failed: BaseException | None = None

    @property
    def names(self) -> list[str]:
        """What runs here."""
        return [*(container.service_name for container in self.containers), *(part.name for part in self.parts)]

    def start(self) -> None:
        """Returns when everything serves."""
        metrics.BUILD.info({"version": running_version(), "python": sys.version.split()[0]})
        if self.ops is not None:
            self.ops.start()
        threads = [eventlet.spawn(_outcome, container.start) for container in self.containers]
        for thread in threads:
            failure = thread.wait()
            if failure is not None:
                raise failure
        for container in self.containers:
            eventlet.spawn(self._watch, container)
        for part in self.parts:
            part.start()
        if self.ops is not None:
            self.ops.ready = True

    def stop(self) -> None:
        """Says not ready, lets the gateway finish what it answers, then the services, and leaves."""
        if self.ops is not None:
            self.ops.ready = False
        eventlet.sleep(self.settings.drain_delay_s)
        for part in self.parts:
            part.stop()
        threads = [eventlet.spawn(container.stop) for container in self.containers]
        for thread in threads:
            thread.wait()
        self.client.close()
        if self.ops is not None:
            self.ops.stop()

    def run(self) -> int:
        """Starts, waits for SIGTERM or SIGINT (a second one ends at once), drains. The exit status."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._asked)
        where = "SQLite" if not self.settings.database_url else "PostgreSQL"
        broker = "embedded" if self.settings.amqp_uri.startswith("embedded:") else "RabbitMQ"
        _log.info(
            "Certwright %s is starting: %s (%s, broker %s)", running_version(), ", ".join(self.names), where, broker
        )
        starting = eventlet.spawn(_outcome, self.start)
        while not starting.dead and not self._stop_asked:
            eventlet.sleep(LOOK_S / 4)
        if not starting.dead:  # the broker does not answer, perhaps; nothing has been taken that had to be finished
            _log.info("stopped before it was ready")
            return 0
        failure = starting.wait()
        if failure is not None:
            raise failure
        addresses = [part.url for part in self.parts]
        if self.ops is not None:
            addresses.append(f"health and metrics on {self.ops.url}")
        _log.info("ready after %.1f s: %s", time.monotonic() - patch.STARTED, ", ".join(addresses))
        while not self._stop_asked and self._failed is None:
            eventlet.sleep(LOOK_S)
        stopping = time.monotonic()
        _log.info("stopping: finishing what runs, at most %d s", self.settings.drain_s)
        drained = False
        with eventlet.Timeout(self.settings.drain_s, False):
            self.stop()
            drained = True
        if drained:
            _log.info("stopped after %.1f s", time.monotonic() - stopping)
        else:
            _log.warning("some work did not end in time; it is taken up again from the database")
        return 0 if drained and self._failed is None else 1

    def health(self) -> dict[str, dict[str, str]]:
        """By service or part, then by what it needs."""
        found = {container.service_name: container.health() for container in self.containers}
        found.update({part.name: part.health() for part in self.parts})
        return found

    def _measure(self) -> None:
        for container in self.containers:
            container.measure()

    def _watch(self, container: Container) -> None:
        try:
            container.wait()
        except BaseException as error:
            _log.critical("the %s service died; the process ends so that it is started anew", container.service_name)
            self._failed = error

    def _asked(self, number: int, _frame: Any) -> None:
        self._stop_asked += 1
        if self._stop_asked > 1:
            os._exit(128 + number)


def _outcome(start: Callable[[], None]) -> Exception | None:
    """What a start failed with: of what a greenlet raises, the hub prints a traceback besides what is said here."""
    try:
        start()
    except Exception as error:
        return error
    return None


def serve(settings: Settings, services: Sequence[type[Service]], parts: Sequence[PartBuilder] = ()) -> int:
    """Configures the log and runs until told to stop; the exit status."""
    log.configure(settings.log_level)
    try:
        return Runner(settings, services, parts).run()
    except (OSError, ValueError, SchemaTooNewError) as error:  # the operator's to mend, and the text says how
        text = PORT_TAKEN if isinstance(error, OSError) and error.errno == errno.EADDRINUSE else str(error)
        _log.critical("Certwright cannot start: %s", text, exc_info=_log.isEnabledFor(logging.DEBUG))
        return 1
