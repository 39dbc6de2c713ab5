# SPDX-License-Identifier: Apache-2.0
"""Every metric of Certwright, declared once with what its labels mean. Labels never hold tenants, names or addresses.

`service` is the room (`orders`), `method` a request in snake case, `code` a `shared.errors.Code` or `ok`, `handler` a
subscription (`orders.on_payment_captured`), `kind` a kind of job, `route` an operation id of the HTTP API.
"""

from __future__ import annotations

from prometheus_client import REGISTRY, Counter, Gauge, Histogram, Info
from prometheus_client.registry import Collector

_QUICK = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_SLOW = (0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0, 30.0, 60.0, 300.0)

registry = REGISTRY

BUILD = Info("certwright_build", "Version of the running code.")

RPC_SECONDS = Histogram(
    "certwright_rpc_seconds",
    "Time a service took to answer a request, by its outcome.",
    ["service", "method", "code"],
    buckets=_QUICK,
)
RPC_CLIENT_SECONDS = Histogram(
    "certwright_rpc_client_seconds",
    "Time that a caller waited for the answer to a request, by its outcome.",
    ["service", "method", "code"],
    buckets=_QUICK,
)
RPC_EXPIRED = Counter(
    "certwright_rpc_expired_total", "Requests dropped because nobody waited for the answer any more.", ["service"]
)
EVENTS_HANDLED = Counter(
    "certwright_events_handled_total",
    "Events that a handler took. `path` is how they came: broker, catchup or retry.",
    ["handler", "path"],
)
EVENTS_FAILED = Counter("certwright_events_failed_total", "Handler runs that failed and are tried again.", ["handler"])
EVENTS_PARKED = Counter(
    "certwright_events_parked_total", "Events given up by a handler: dead letters for an operator.", ["handler"]
)
EVENT_SECONDS = Histogram("certwright_event_seconds", "Time that a handler took.", ["handler"], buckets=_QUICK)
EVENTS_PUBLISHED = Counter("certwright_events_published_total", "Events confirmed by the broker.", ["service"])
RELAY_LAG_EVENTS = Gauge(
    "certwright_relay_lag_events", "Events in the log that the relay has not published yet (it counts to 1000).",
    ["service"],
)  # fmt: skip
RELAY_LAG_SECONDS = Gauge(
    "certwright_relay_lag_seconds", "Age of the oldest event that is not published yet.", ["service"]
)
SUBSCRIPTION_LAG_EVENTS = Gauge(
    "certwright_subscription_lag_events",
    "Events of the publisher that the handler has neither done nor recorded as failing.",
    ["handler", "publisher"],
)
SUBSCRIPTION_LAG_SECONDS = Gauge(
    "certwright_subscription_lag_seconds", "Age of the oldest event that the handler has not seen.",
    ["handler", "publisher"],
)  # fmt: skip
DEAD_LETTERS = Gauge("certwright_dead_letters", "Parked events and jobs that wait for an operator.", ["service"])
JOB_SECONDS = Histogram(
    "certwright_job_seconds", "Time that a job took. `outcome` is done or failed.", ["service", "kind", "outcome"],
    buckets=_SLOW,
)  # fmt: skip
JOBS_RUNNING = Gauge("certwright_jobs_running", "Jobs that this process runs now.", ["service"])
TIMERS_FIRED = Counter("certwright_timers_fired_total", "Timer runs by outcome: done or failed.", ["timer", "outcome"])
SHARED_KEYS = Gauge(
    "certwright_keys_in_several_accounts", "Keys that are used on sites of more than one account: copied, or leaked."
)
HTTP_SECONDS = Histogram(
    "certwright_http_seconds", "Time to answer an HTTP request. `status` is the three-digit code.",
    ["route", "method", "status"], buckets=_QUICK,
)  # fmt: skip


_collectors: dict[str, Collector] = {}


def set_collector(name: str, collector: Collector) -> None:
    """Adds what a service computes when it is asked, such as certificates by status; replaces the one of that name."""
    former = _collectors.pop(name, None)
    if former is not None:
        registry.unregister(former)
    _collectors[name] = collector
    registry.register(collector)


ORDERS = Gauge("certwright_orders", "Orders by kind (certificate, topup) and status.", ["kind", "status"])
CERTIFICATE_NOT_AFTER = Gauge(
    "certwright_certificate_not_after_seconds",
    "Unix time at which the newest certificate of an order ends, while it is in use. `order` is the order number.",
    ["order"],
)
