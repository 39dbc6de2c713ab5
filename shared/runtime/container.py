# SPDX-License-Identifier: Apache-2.0
"""The container of one running service: nameko's, with the service's app, its engines and an orderly end."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from typing import Any

import eventlet
from greenlet import GreenletExit
from nameko.containers import ServiceContainer

from shared import log, metrics
from shared.eventstore.migrations import upgrade
from shared.messaging.catchup import CatchUp
from shared.messaging.intake import Intake
from shared.messaging.job_runner import JobRunner
from shared.messaging.relay import Relay
from shared.messaging.retries import RetryLoop
from shared.messaging.rpc_client import RpcClient, shared_client
from shared.messaging.subscribe import Subscription
from shared.settings import Settings

_log = logging.getLogger(__name__)

MAX_WORKERS = 100  # above the sum of all prefetch windows, so that taking messages never waits for a worker
DRAIN_JOBS_S = 20.0
STALE_S = 30.0


def nameko_config(settings: Settings) -> dict[str, Any]:
    """What nameko reads. Our own settings ride along under a key of their own."""
    return {"AMQP_URI": settings.amqp_uri, "max_workers": MAX_WORKERS, "ACCEPT": ["json"], "CERTWRIGHT": settings}


class Container(ServiceContainer):
    """Runs one service class. `app` is what its `build` made; `client` sends requests to other services.

    An app has `room`. It may have `collector` (a Prometheus collector, for metrics of its own), and `start()` and
    `stop()`, called before the first and after the last piece of work.
    """

    def __init__(self, service_cls: Any, config: dict[str, Any]) -> None:
        super().__init__(service_cls, config)
        settings: Settings = config["CERTWRIGHT"]
        self.settings = settings
        self.client: RpcClient = shared_client(settings.amqp_uri)
        self.app: Any = service_cls.build(settings)
        self.ready = False
        subscriptions = [each for each in self.entrypoints if isinstance(each, Subscription)]
        self.relay = Relay(self.app.room, settings.amqp_uri)
        self.jobs = JobRunner(self.app)
        self.catch_up = CatchUp(self, subscriptions)
        self.retries = RetryLoop(self, subscriptions)
        self._engines: list[Any] = []
        collector = getattr(self.app, "collector", None)
        if collector is not None:
            metrics.set_collector(self.service_name, collector)

    @property
    def busy(self) -> bool:
        """Whether a request, event or timer is being worked on."""
        return bool(self._worker_pool.running())

    def new_service(self) -> Any:
        """An instance of the service class, as each piece of work gets."""
        service = self.service_cls()
        service.app = self.app
        service.client = self.client
        service.container = self
        return service

    def start(self) -> None:
        """Returns when messages are being consumed. Raises SchemaTooNewError on data of a later version."""
        upgrade(self.app.room.database, self.app.room.projections)
        self._call_app("start")
        super().start()
        for engine in (self.relay, self.jobs, self.catch_up, self.retries):
            self._engines.append(eventlet.spawn(self._guard, engine.run))
        self.ready = True

    def stop(self) -> None:
        """Takes no more work, finishes what runs, publishes what came of it, and leaves."""
        self.ready = False
        self.catch_up.stop()
        self.retries.stop()
        self.jobs.stop(within_s=DRAIN_JOBS_S)
        super().stop()
        self.relay.stop()
        for thread in self._engines:
            thread.wait()
        self._engines.clear()
        self.relay.close()
        self._call_app("stop")
        self.app.room.database.close()

    def run_apart(self, work: Callable[[], Any]) -> Any:
        """Runs work of a handler in a greenlet of its own and returns its result. It must not raise.

        An `eventlet.Timeout` that a handler armed and forgot strikes later, in the greenlet that armed it: that must
        be none which goes on to handle other events.
        """
        return self._worker_pool.spawn(work).wait()

    def wake_retries(self, after_s: float) -> None:
        """A reaction failed and will be tried again then."""
        self.retries.wake(after_s)

    def health(self) -> dict[str, str]:
        """`ok` or what is wrong, by part: `database`, `broker`, `relay`."""
        parts = {"database": "ok", "broker": "ok", "relay": "ok"}
        try:
            with self.app.room.query() as connection:
                connection.exec_driver_sql("SELECT 1")
        except Exception as error:
            parts["database"] = f"does not answer ({type(error).__name__})"
        intake = self.shared_extensions.get(Intake)
        if intake is not None and not intake.connected:
            parts["broker"] = "not connected"
        if self.relay.age > STALE_S:
            parts["relay"] = f"stuck for {self.relay.age:.0f} s: {self.relay.failing or 'no reason known'}"
        return parts

    def measure(self) -> None:
        """Brings the gauges up to date that are computed when somebody looks."""
        try:
            self.relay.measure()
            metrics.DEAD_LETTERS.labels(self.service_name).set(self.app.room.dead_letters.count())
            measure = getattr(self.app, "measure", None)
            if measure is not None:
                measure()
        except Exception:
            _log.warning("%s cannot be measured now", self.service_name, exc_info=True)

    def _call_app(self, step: str) -> None:
        hook = getattr(self.app, step, None)
        if hook is not None:
            hook()

    def _guard(self, run: Callable[[], None]) -> None:
        """Keeps an engine running: its loop ends only when it is told to."""
        again = False
        while True:
            try:
                if again:
                    eventlet.sleep(1.0)
                run()
            except GreenletExit:
                raise
            except BaseException:
                again = True
                _log.exception("an engine of %s broke out of its loop; it starts again", self.service_name)
            else:
                return

    def _run_worker(self, worker_ctx: Any, handle_result: Callable[..., Any] | None) -> None:
        """nameko's worker, leaner, and with one difference: no exception of a method ever gets past it.

        nameko catches `Exception` only; an `eventlet.Timeout`, a BaseException, would leave the message unacknowledged
        and the consumer, one slot smaller each time, silent at last.
        """
        log.bind(service=self.service_name)
        method = worker_ctx.entrypoint.method_name
        try:
            self._work(worker_ctx, method, handle_result)
        except (GreenletExit, KeyboardInterrupt, SystemExit):
            raise
        except BaseException:
            # nameko would end the whole service; the message stays unacknowledged and comes back
            _log.exception("%s.%s could not be finished", self.service_name, method)

    def _work(self, worker_ctx: Any, method: str, handle_result: Callable[..., Any] | None) -> None:
        result = exc_info = None
        self._inject_dependencies(worker_ctx)
        service = worker_ctx.service
        service.app = self.app
        service.client = self.client
        service.container = self
        try:
            result = getattr(service, method)(*worker_ctx.args, **worker_ctx.kwargs)
        except (GreenletExit, KeyboardInterrupt, SystemExit):
            raise
        except BaseException:
            exc_info = sys.exc_info()
        if handle_result is not None:
            result, exc_info = handle_result(worker_ctx, result, exc_info)
        self._worker_result(worker_ctx, result, exc_info)
        del exc_info
        self._worker_teardown(worker_ctx)
