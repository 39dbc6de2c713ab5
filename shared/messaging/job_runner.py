# SPDX-License-Identifier: Apache-2.0
"""Runs a service's jobs: leased from its table, each in a greenlet of a small pool, outside any transaction."""

from __future__ import annotations

import contextlib
import logging
import time
import uuid
from typing import Any

from eventlet.greenpool import GreenPool
from greenlet import GreenletExit

from shared import log, metrics
from shared.clock import from_text
from shared.eventstore.jobs import LEASE_S, LeasedJob, Retry
from shared.messaging.outage import report
from shared.messaging.signal import Signal

_log = logging.getLogger(__name__)

WORKERS = 8
POLL_S = 1.0  # jobs that other replicas scheduled


class JobRunner:
    """One leasing greenlet and up to `WORKERS` running jobs per service and process."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self._room = app.room
        self._service: str = app.room.service
        self._holder = str(uuid.uuid4())
        self._pool = GreenPool(WORKERS)
        self._running: dict[str, tuple[LeasedJob, Any, float]] = {}  # job, greenlet, when it was started
        self._prolonged_at = 0.0
        self._wake = Signal()
        self._stopping = False
        app.room.on_commit(self._wake.set)

    def run(self) -> None:
        """Leases and starts jobs until `stop`."""
        while not self._stopping:
            pause = POLL_S
            try:
                self._prolong()
                pause = self._start_due()
            except Exception as error:
                report(_log, error, "%s could not look for jobs", self._service)
            if pause > 0:
                self._wake.wait(pause)

    def stop(self, *, within_s: float) -> None:
        """Starts nothing more, waits for what runs, and gives back what does not end in time."""
        self._stopping = True
        self._wake.set()
        deadline = time.monotonic() + within_s
        while self._running and time.monotonic() < deadline:
            with contextlib.suppress(Exception):  # without a database, leases run out by themselves
                self._prolong()
            self._wake.wait(0.05)
        for job, thread, _ in list(self._running.values()):
            thread.kill()
            try:
                self._room.queue.fail(job, Retry(0, "the service was stopped", free=True))
            except Exception:
                _log.exception("job %s could not be given back; its lease runs out by itself", job.id)

    @property
    def running(self) -> int:
        """How many jobs run now."""
        return len(self._running)

    def _start_due(self) -> float:
        """Starts what is due; seconds until there can be more to do."""
        queue = self._room.queue
        if not queue.jobs.kinds:
            return 3600.0
        free = WORKERS - len(self._running)
        if free <= 0:
            return POLL_S
        next_run_at = queue.next_run_at()
        if next_run_at is None:
            return POLL_S
        ahead: float = (from_text(next_run_at) - self._room.clock.now()).total_seconds()
        if ahead > 0:
            return min(ahead + 0.001, POLL_S)
        leased = queue.lease(self._holder, free)
        for job in leased:
            self._running[job.id] = (job, self._pool.spawn(self._run, job), time.monotonic())
        return 0.0 if len(leased) == free else 0.01 if leased else POLL_S

    def _prolong(self) -> None:
        """Says that what runs still runs, so that a lease can be short and a dead runner's jobs pass on in seconds."""
        now = time.monotonic()
        if now - self._prolonged_at < LEASE_S / 4:
            return
        self._prolonged_at = now
        queue = self._room.queue
        long = [job for job, _, since in self._running.values() if LEASE_S / 4 < now - since < queue.longest(job)]
        if long:
            queue.prolong(long)

    def _run(self, job: LeasedJob) -> None:
        cause = job.metadata
        log.bind(trace=cause.trace_id, correlation=cause.correlation_id, account=cause.account_id, job=job.id)
        started = time.monotonic()
        metrics.JOBS_RUNNING.labels(self._service).inc()
        done = False
        try:
            done = self._room.queue.run(self._app, job)
        except GreenletExit:
            raise
        except BaseException as error:
            # eventlet.Timeout is a BaseException and no fault of the job's runner
            if isinstance(error, KeyboardInterrupt | SystemExit):
                raise
            _log.exception("job %s %s broke out", job.kind, job.key)
            self._give_back(job, error)
        finally:
            self._running.pop(job.id, None)
            metrics.JOBS_RUNNING.labels(self._service).dec()
            outcome = "done" if done else "failed"
            metrics.JOB_SECONDS.labels(self._service, job.kind, outcome).observe(time.monotonic() - started)
            self._wake.set()
        if not done:
            _log.warning("job %s %s failed (attempt %d)", job.kind, job.key, job.attempt)

    def _give_back(self, job: LeasedJob, error: BaseException) -> None:
        try:
            self._room.queue.fail(job, error)
        except Exception:
            _log.exception("the failure of job %s could not be recorded; its lease runs out by itself", job.id)
