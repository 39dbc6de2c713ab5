# SPDX-License-Identifier: Apache-2.0
"""The worker's job `scan`: a sweep whose endpoints, limits and results travel as JSON.

Job: `include`, `ports` and `exclude` as in `targets.read_targets`, without names; or `endpoints`, each `[address, port,
server_name | null, starttls | null]`; `from`, the index to start at; `rate`, `in_flight`, `per_host`, `connect_s`,
`talk_s` as in `loop.Limits`; `syn` as in `sweep.Sweep`; `tell_missed`, whether endpoints without a certificate are told
one by one. Lines: `found`, `missed` if asked for, about twice a second `progress`, at last `end`. A scan that starts
from a line's `done` misses nothing that was not told before that line; `failures` counts what lies before `done`, so
that nothing counts twice.
"""

from __future__ import annotations

import base64
import dataclasses
import ipaddress
import time
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from typing import Any, Protocol

from shared.probe.chain import Chain
from shared.probe.hello import VERSION_NAMES
from shared.probe.loop import Limits
from shared.probe.outcome import Failed, Failure
from shared.probe.starttls import STARTTLS
from shared.probe.suites import suite
from shared.probe.sweep import Sighting, Sweep
from shared.probe.targets import DEFAULT_LIMIT, NO_STARTTLS, Endpoint, TargetError, read_targets

_EVERY_S = 0.5
_LIMITS = {
    "in_flight": (1, 50_000),
    "connect_s": (0.05, 120),
    "talk_s": (0.05, 120),
    "rate": (0, 1_000_000),
    "per_host": (0, 50_000),
}
_KEYS = {"include", "ports", "exclude", "endpoints", "from", "syn", "tell_missed", *_LIMITS}


class Teller(Protocol):
    """What a job needs of the worker."""

    @property
    def stopped(self) -> bool:
        """Whether somebody asked to stop."""

    def on_stop(self, end: Any) -> None:
        """Calls `end` when the job is to stop."""

    def say(self, kind: str, body: dict[str, Any]) -> None:
        """Writes a line."""


def run(job: Any, worker: Teller) -> None:
    """Does the job. Raises TargetError for one that cannot be meant."""
    if not isinstance(job, dict):
        raise TargetError("", "a scan is an object")
    unknown = sorted(set(job) - _KEYS)
    if unknown:
        raise TargetError(unknown[0], f"no such key; there are {', '.join(sorted(_KEYS))}")
    start = _number(job, "from", 0, 0, DEFAULT_LIMIT)
    endpoints, total = _endpoints(job, int(start))
    tell_missed = job.get("tell_missed") is True
    failures = _Failures()
    syn = job.get("syn", False)
    if not isinstance(syn, bool):
        raise TargetError("syn", "true or false")
    told = time.monotonic()

    def tell_progress() -> None:
        nonlocal told
        now = time.monotonic()
        if now - told >= _EVERY_S:
            told = now
            worker.say("progress", _progress(sweep, failures))

    limits = _limits(job)
    sweep = Sweep(endpoints, total=total, start=int(start), limits=limits, syn=syn, each_turn=tell_progress)
    worker.on_stop(sweep.stop)
    for sighting in sweep.run():
        if isinstance(sighting.outcome, Chain):
            worker.say("found", found(sighting, sighting.outcome))
            continue
        failures.add(sighting.position, sighting.outcome)
        if tell_missed:
            worker.say("missed", _missed(sighting, sighting.outcome))
    progress = sweep.progress()
    worker.say(
        "end",
        {
            "done": progress.done,
            "total": total,
            "found": progress.found,
            "stopped": worker.stopped,
            "failures": failures.before(progress.done),
        },
    )


def found(sighting: Sighting, chain: Chain) -> dict[str, Any]:
    """A certificate that was found, in plain values; `chain` as base64 of DER, leaf first."""
    endpoint = sighting.endpoint
    return {
        "index": sighting.position,
        "address": endpoint.address,
        "port": endpoint.port,
        "server_name": endpoint.server_name,
        "starttls": sighting.starttls or None,
        "protocol": VERSION_NAMES.get(chain.version, f"{chain.version:#06x}"),
        "suite": suite(chain.suite).name,
        "proved": chain.proved,
        "chain": [base64.b64encode(der).decode("ascii") for der in chain.certificates],
    }


def _missed(sighting: Sighting, outcome: Failed) -> dict[str, Any]:
    address, port, server_name, _ = sighting.endpoint
    where = {"index": sighting.position, "address": address, "port": port, "server_name": server_name}
    return {**where, "reason": outcome.failure.value}


class _Failures:
    """How many endpoints had no certificate, by reason. Looks end in no order: those that lie at or behind `done` are
    kept apart, since whoever goes on from there looks at them again. They are as many as the limits leave under way."""

    def __init__(self) -> None:
        self._counted: Counter[Failure] = Counter()
        self._ahead: dict[int, Failure] = {}

    def add(self, position: int, outcome: Failed) -> None:
        self._ahead[position] = outcome.failure

    def before(self, done: int) -> dict[str, int]:
        self._counted.update(reason for position, reason in self._ahead.items() if position < done)
        self._ahead = {position: reason for position, reason in self._ahead.items() if position >= done}
        return {reason.value: count for reason, count in sorted(self._counted.items())}


def _progress(sweep: Sweep, failures: _Failures) -> dict[str, Any]:
    progress = dataclasses.asdict(sweep.progress())
    progress["failures"] = failures.before(progress["done"])
    for name in ("rate", "seconds_left"):
        progress[name] = None if progress[name] is None else round(progress[name], 1)
    return progress


def _endpoints(job: dict[str, Any], start: int) -> tuple[Iterator[Endpoint], int]:
    listed = job.get("endpoints")
    if listed is None:
        targets = read_targets(_texts(job, "include"), _texts(job, "ports") or ["443"], _texts(job, "exclude"))
        for name in (*targets.names, *targets.excluded_names):
            raise TargetError(name, "a name; the worker takes addresses, resolve it before")
        return targets.endpoints(start), targets.count
    if job.keys() & {"include", "ports", "exclude"}:
        raise TargetError("", "either endpoints, or include, ports and exclude")
    if not isinstance(listed, list) or not listed:
        raise TargetError("", "endpoints is a list with at least one")
    return islice(map(_endpoint, listed), start, None), len([_endpoint(one) for one in listed])


def _endpoint(one: Any) -> Endpoint:
    shaped = isinstance(one, list) and len(one) == 4 and type(one[1]) is int and 0 < one[1] < 65536
    if not shaped or not isinstance(one[2], (str, type(None))) or one[3] not in (None, NO_STARTTLS, *STARTTLS):
        raise TargetError(
            str(one)[:80], "an endpoint is [address, port, server name or null, STARTTLS protocol or null]"
        )
    try:
        address = str(ipaddress.ip_address(one[0])) if isinstance(one[0], str) and "%" not in one[0] else ""
    except ValueError:
        address = ""
    name = one[2]
    if not address or (name is not None and not (name.isascii() and 0 < len(name) < 254)):
        raise TargetError(str(one)[:80], "the address is a literal, the server name is in A-labels")
    return Endpoint(address, one[1], name, one[3])


def _texts(job: dict[str, Any], key: str) -> list[str]:
    found = job.get(key, [])
    if not isinstance(found, list) or any(type(one) not in (str, int) for one in found):
        raise TargetError(key, "a list of texts")
    return [str(one) for one in found]


def _limits(job: dict[str, Any]) -> Limits:
    usual = Limits(in_flight=1000)
    chosen = {name: _number(job, name, getattr(usual, name), low, high) for name, (low, high) in _LIMITS.items()}
    return dataclasses.replace(
        usual,
        in_flight=int(chosen["in_flight"]),
        connect_s=chosen["connect_s"],
        talk_s=chosen["talk_s"],
        rate=chosen["rate"],
        per_host=int(chosen["per_host"]),
    )


def _number(job: dict[str, Any], key: str, usual: float, low: float, high: float) -> float:
    value = job.get(key, usual)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
        raise TargetError(key, f"a number from {low} to {high}")
    return float(value)
