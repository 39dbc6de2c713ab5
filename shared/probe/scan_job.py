# SPDX-License-Identifier: Apache-2.0
"""The worker's job `scan`: a sweep whose endpoints, limits and results travel as JSON.

Job: `include`, `ports` and `exclude` as in `targets.read_targets`, without names; or `endpoints`, each `[address, port,
server_name | null, starttls | null]`; `from`, the index to start at; `rate`, `in_flight`, `connect_s`, `talk_s`
as in `loop.Limits`; `syn` as in `sweep.Sweep`. Lines: `found`, about twice a second `progress`, at last `end`. A scan
that starts from a line's `done` misses nothing that was not told before that line.
"""

from __future__ import annotations

import base64
import dataclasses
import ipaddress
import time
from collections.abc import Iterator
from itertools import islice
from typing import Any, Protocol

from shared.probe.chain import Chain
from shared.probe.hello import VERSION_NAMES
from shared.probe.loop import Limits
from shared.probe.starttls import STARTTLS
from shared.probe.suites import suite
from shared.probe.sweep import Sighting, Sweep
from shared.probe.targets import DEFAULT_LIMIT, NO_STARTTLS, Endpoint, TargetError, read_targets

_EVERY_S = 0.5
_LIMITS = {"in_flight": (1, 50_000), "connect_s": (0.05, 120), "talk_s": (0.05, 120), "rate": (0, 1_000_000)}
_KEYS = {"include", "ports", "exclude", "endpoints", "from", "syn", *_LIMITS}


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
    syn = job.get("syn", False)
    if not isinstance(syn, bool):
        raise TargetError("syn", "true or false")
    told = time.monotonic()

    def tell_progress() -> None:
        nonlocal told
        now = time.monotonic()
        if now - told >= _EVERY_S:
            told = now
            worker.say("progress", _progress(sweep))

    limits = _limits(job)
    sweep = Sweep(endpoints, total=total, start=int(start), limits=limits, syn=syn, each_turn=tell_progress)
    worker.on_stop(sweep.stop)
    for sighting in sweep.run():
        if isinstance(sighting.outcome, Chain):
            worker.say("found", found(sighting, sighting.outcome))
    progress = sweep.progress()
    worker.say(
        "end",
        {
            "done": progress.done,
            "total": total,
            "found": progress.found,
            "stopped": worker.stopped,
            "failures": progress.failures,
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


def _progress(sweep: Sweep) -> dict[str, Any]:
    progress = dataclasses.asdict(sweep.progress())
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
    )


def _number(job: dict[str, Any], key: str, usual: float, low: float, high: float) -> float:
    value = job.get(key, usual)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
        raise TargetError(key, f"a number from {low} to {high}")
    return float(value)
