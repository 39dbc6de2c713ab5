# SPDX-License-Identifier: Apache-2.0
"""Jobs: slow or external work that a handler leaves behind in its transaction and a runner leases afterwards."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple, TypeVar

import msgspec
import sqlalchemy as sa

from shared.clock import Clock, Ids, derived_id, to_text
from shared.crashpoint import crash_point
from shared.errors import ServiceError
from shared.eventsourcing.envelope import Metadata
from shared.eventstore import driver
from shared.eventstore.database import Database
from shared.eventstore.retries import REFUSALS, describe

F = TypeVar("F", bound=Callable[[Any, dict[str, Any]], None])
LEASE_S = 6.0  # how soon the job of a runner that died is taken again; a living one prolongs its leases
MARGIN_S = 30.0  # leases are prolonged past the job's own timeout, so that a slow end is no second start
_json = msgspec.json.Encoder(order="deterministic")
_metadata = msgspec.json.Decoder(Metadata)


class Retry(Exception):  # noqa: N818 - an order, not an error
    """Raised by a job that must run again `after_s` seconds from now; counts as an attempt unless `free`."""

    def __init__(self, after_s: float, reason: str, *, free: bool = False) -> None:
        super().__init__(reason)
        self.after_s = after_s
        self.free = free


class JobKind(NamedTuple):
    """How one kind of job is run. `backoff` are the seconds before attempt 2, 3, …; the last one repeats."""

    name: str
    run: Callable[[Any, dict[str, Any]], None]
    attempts: int
    backoff: tuple[float, ...]
    timeout: float


class Jobs:
    """The kinds of jobs of one service.

    >>> jobs = Jobs()
    >>> @jobs.kind("validate", attempts=8, backoff=(1, 10, 60), timeout=30)
    ... def validate(app: App, payload: dict[str, Any]) -> None: ...
    """

    def __init__(self) -> None:
        self.kinds: dict[str, JobKind] = {}

    def __getitem__(self, name: str) -> JobKind:
        """The kind of that name. Raises LookupError: the code is older than its data."""
        try:
            return self.kinds[name]
        except KeyError:
            raise LookupError(f"no job kind {name!r}") from None

    def kind(
        self,
        name: str,
        *,
        attempts: int = 8,
        backoff: Sequence[float] = (1, 10, 60, 600),
        timeout: float = 60.0,
    ) -> Callable[[F], F]:
        """Registers a function `(app, payload)`. It runs outside any transaction and may run twice: make it idempotent.

        `timeout` (seconds) is how long a run may take: after it, and a margin, another runner takes the job again.
        """

        def register(run: F) -> F:
            if name in self.kinds:
                raise ValueError(f"job kind {name} is registered twice")
            self.kinds[name] = JobKind(name, run, attempts, tuple(backoff), timeout)
            return run

        return register


class LeasedJob(NamedTuple):
    """A job that one runner holds until its lease runs out. `attempt` counts from 1; `metadata` is who scheduled it."""

    id: str
    kind: str
    key: str
    payload: dict[str, Any]
    attempt: int
    revision: int
    holder: str
    metadata: Metadata


class JobQueue:
    """The jobs table of one service."""

    def __init__(self, database: Database, clock: Clock, ids: Ids, jobs: Jobs) -> None:
        self._database = database
        self._clock = clock
        self._ids = ids
        self.jobs = jobs
        sql = database.sql
        self._schedule = sql(
            "INSERT INTO jobs (kind, key, id, payload, status, run_at, attempts, revision, scheduled_at, metadata) "
            "VALUES (?, ?, ?, ?, 'waiting', ?, 0, 1, ?, ?) ON CONFLICT (kind, key) DO UPDATE SET "
            "payload = excluded.payload, status = 'waiting', run_at = excluded.run_at, attempts = 0, "
            "revision = jobs.revision + 1, scheduled_at = excluded.scheduled_at, metadata = excluded.metadata, "
            "error = NULL, first_failed_at = NULL, last_failed_at = NULL"
        )
        # A lease that ran out belongs to a runner that died; SKIP LOCKED keeps runners from waiting for one another.
        skip = " FOR UPDATE SKIP LOCKED" if database.dialect == "postgresql" else ""
        self._due = sql(
            "SELECT id, kind, key, payload, attempts, revision, metadata FROM jobs WHERE status = 'waiting' "
            "AND run_at <= ? AND (leased_until IS NULL OR leased_until <= ?) ORDER BY run_at, id LIMIT ?" + skip
        )
        self._take = sql("UPDATE jobs SET holder = ?, leased_until = ?, attempts = attempts + 1 WHERE id = ?")
        self._prolong = sql("UPDATE jobs SET leased_until = ? WHERE id = ? AND holder = ?")
        self._next = sql(
            "SELECT min(CASE WHEN leased_until > run_at THEN leased_until ELSE run_at END) FROM jobs "
            "WHERE status = 'waiting'"
        )

    def schedule(
        self,
        connection: sa.Connection,
        kind: str,
        key: str,
        payload: dict[str, Any],
        *,
        at: datetime,
        metadata: Metadata,
    ) -> None:
        """Writes a job in the caller's transaction. Raises LookupError on a kind that nobody registered."""
        text = _json.encode(payload).decode()
        described = _json.encode(metadata).decode()
        now = to_text(self._clock.now())
        identity = derived_id("job", self.jobs[kind].name, key)
        driver.change(connection, self._schedule, (kind, key, identity, text, to_text(at), now, described))

    def cancel(self, connection: sa.Connection, kind: str, key: str) -> None:
        """Removes a job in the caller's transaction."""
        driver.change(connection, self._database.sql("DELETE FROM jobs WHERE kind = ? AND key = ?"), (kind, key))

    def lease(self, holder: str, limit: int = 1) -> list[LeasedJob]:
        """Takes up to `limit` due jobs for `holder`; nobody else gets them for `LEASE_S`, or longer by `prolong`."""
        now = self._clock.now()
        moment = to_text(now)
        until = to_text(now + timedelta(seconds=LEASE_S))
        taken: list[LeasedJob] = []
        with self._database.mark() as connection:
            for row in driver.rows(connection, self._due, (moment, moment, limit)):
                driver.change(connection, self._take, (holder, until, row[0]))
                payload = msgspec.json.decode(row[3])
                metadata = _metadata.decode(row[6])
                taken.append(LeasedJob(row[0], row[1], row[2], payload, row[4] + 1, row[5], holder, metadata))
        return taken

    def prolong(self, jobs: Iterable[LeasedJob]) -> None:
        """Keeps jobs that still run for another `LEASE_S`; a lease that somebody else has taken stays theirs."""
        until = to_text(self._clock.now() + timedelta(seconds=LEASE_S))
        with self._database.mark() as connection:
            for job in sorted(jobs, key=lambda each: each.id):  # in one order, so that no two runners wait in a ring
                driver.change(connection, self._prolong, (until, job.id, job.holder))

    def longest(self, job: LeasedJob) -> float:
        """Seconds after which a job that still runs is left to whoever wants to try it again."""
        kind = self.jobs.kinds.get(job.kind)
        return (kind.timeout if kind else 0.0) + MARGIN_S

    def next_run_at(self) -> str | None:
        """The moment (RFC 3339 text) at which the next job falls due; None when none waits."""
        with self._database.read() as connection:
            ((found,),) = driver.rows(connection, self._next)
        return None if found is None else str(found)

    def run(self, app: Any, job: LeasedJob) -> bool:
        """Runs a leased job and records how it ended; True when it is done. Never raises for what the job raised."""
        crash_point(f"{self._database.service}/job-{job.kind}/start")
        try:
            self.jobs[job.kind].run(app, job.payload)
        except Exception as error:  # noqa: BLE001 - whatever a job raises is recorded, retried and at last parked
            self.fail(job, error)
            return False
        crash_point(f"{self._database.service}/job-{job.kind}/end")
        self.complete(job)
        return True

    def run_due(self, app: Any, *, limit: int = 1000) -> int:
        """Runs what is due, one after the other, until nothing is or `limit` jobs were run; returns how many."""
        count = 0
        while count < limit:
            leased = self.lease("run_due")
            if not leased:
                break
            for job in leased:
                self.run(app, job)
                count += 1
        return count

    def complete(self, job: LeasedJob) -> None:
        """Removes a job that is done; one that was scheduled anew meanwhile stays and is free to run again."""
        sql = self._database.sql
        with self._database.mark() as connection:
            statement = sql("DELETE FROM jobs WHERE id = ? AND revision = ? AND holder = ?")
            if not driver.change(connection, statement, (job.id, job.revision, job.holder)):
                self._free(connection, job)

    def fail(self, job: LeasedJob, error: BaseException) -> None:
        """Records a failed attempt: the job runs again after the kind's backoff, or is parked after its last attempt.

        A refusal that can never work (see `retries.REFUSALS`) is parked after three attempts.
        """
        kind = self.jobs.kinds.get(job.kind)
        attempts, backoff = (kind.attempts, kind.backoff) if kind else (8, (60.0, 600.0))
        attempt = job.attempt
        if isinstance(error, Retry):
            delay = error.after_s
            attempt -= 1 if error.free else 0
        else:
            delay = backoff[min(job.attempt - 1, len(backoff) - 1)] if backoff else 0.0
        if isinstance(error, ServiceError) and error.code in REFUSALS:
            attempts = min(attempts, 3)
        free = isinstance(error, Retry) and error.free
        parked = attempt >= attempts and not free
        now = self._clock.now()
        with self._database.write() as connection:
            connection.exec_driver_sql(
                self._database.sql(
                    "UPDATE jobs SET status = ?, run_at = ?, attempts = ?, error = ?, holder = NULL, "
                    "leased_until = NULL, last_failed_at = ?, first_failed_at = coalesce(first_failed_at, ?) "
                    "WHERE id = ? AND revision = ? AND holder = ?"
                ),
                (
                    "parked" if parked else "waiting",
                    to_text(now + timedelta(seconds=delay)),
                    attempt,
                    describe(error),
                    to_text(now),
                    to_text(now),
                    job.id,
                    job.revision,
                    job.holder,
                ),
            )
            self._free(connection, job)

    def _free(self, connection: sa.Connection, job: LeasedJob) -> None:
        statement = self._database.sql("UPDATE jobs SET holder = NULL, leased_until = NULL WHERE id = ? AND holder = ?")
        connection.exec_driver_sql(statement, (job.id, job.holder))
