# SPDX-License-Identifier: Apache-2.0
"""A sweep over 254 addresses with forty odd listeners: all certificates are found, none is invented."""

import contextlib
import itertools
import os
import resource
import subprocess
import sys
from collections import Counter
from functools import partial

import pytest

from certwright.servers.process import free_port
from shared.probe import openssl
from shared.probe import sweep as sweeping
from shared.probe.chain import Chain
from shared.probe.conversation import Dial
from shared.probe.loop import Limits, Loop
from shared.probe.outcome import Failed, Failure
from shared.probe.sweep import Sweep
from shared.probe.targets import Endpoint, read_targets
from tests.support.odd_listeners import DEAD_AT, address, listening
from tests.support.tls_listeners import listen

QUICK = Limits(in_flight=300, connect_s=2, talk_s=2.5)


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    with listening(tmp_path_factory.mktemp("lab"), free_port()) as running:
        yield running


def every_endpoint(lab):
    return [Endpoint(address(at), lab.port, None, lab.starttls.get(address(at))) for at in range(1, 255)]


def found_by(sightings):
    return {one.endpoint.address: one.outcome.certificates[0] for one in sightings if isinstance(one.outcome, Chain)}


def failures(sightings):
    return {one.endpoint.address: one.outcome.failure for one in sightings if isinstance(one.outcome, Failed)}


@pytest.mark.parametrize("keys", ["own key schedule", "standard library"])
def test_all_certificates_and_no_other(lab, monkeypatch, keys):
    if keys == "standard library":
        monkeypatch.setattr(sweeping, "looks", openssl.looks)
    endpoints = every_endpoint(lab)
    sweep = Sweep(endpoints, total=len(endpoints), limits=QUICK)
    seen = list(sweep.run())

    assert Counter(one.position for one in seen) == Counter(range(254))
    assert all(endpoints[one.position] == one.endpoint for one in seen)
    assert found_by(seen) == lab.leaves
    why = failures(seen)
    assert {why[address(at)] for at in range(DEAD_AT, 255)} == {Failure.REFUSED}
    assert {at: why[address(at)] for at in (*range(30, 43), *range(50, 57))} == {
        30: Failure.NO_STARTTLS,
        31: Failure.NOT_TLS,
        32: Failure.NOT_TLS,
        33: Failure.NOT_TLS,
        34: Failure.CLOSED,
        35: Failure.MALFORMED,
        36: Failure.ALERT,
        37: Failure.NO_CERTIFICATE,
        38: Failure.BAD_CERTIFICATE,
        39: Failure.NO_CERTIFICATE,
        40: Failure.MALFORMED,
        41: Failure.MALFORMED,
        42: Failure.CLOSED,
        50: why[address(50)],
        51: why[address(51)],
        52: Failure.TIMEOUT,
        53: Failure.TIMEOUT,
        54: Failure.TOO_LONG,
        55: Failure.TOO_LONG,
        56: Failure.TIMEOUT,
    }
    assert why[address(50)] in {Failure.TIMEOUT, Failure.MALFORMED, Failure.NOT_TLS}
    assert why[address(51)] in {Failure.RESET, Failure.CLOSED}
    progress = sweep.progress()
    assert (progress.done, progress.ended, progress.total, progress.found) == (254, 254, 254, len(lab.leaves))
    assert progress.seconds_left == 0
    assert progress.connected == 254 - progress.failures["refused"]
    assert sum(progress.failures.values()) == 254 - len(lab.leaves)


def test_what_was_proved_is_told(lab, monkeypatch):
    only13 = [Endpoint(address(3), lab.port)]
    (own,) = Sweep(only13, total=1, limits=QUICK).run()
    monkeypatch.setattr(sweeping, "looks", openssl.looks)
    (whole,) = Sweep(only13, total=1, limits=QUICK).run()
    assert own.outcome.version == whole.outcome.version == 0x0304
    assert own.outcome.certificates == whole.outcome.certificates
    assert len(own.outcome.certificates) == 2
    assert not own.outcome.proved
    assert whole.outcome.proved


def test_one_certificate_in_many_places(lab):
    endpoints = [Endpoint(address(at), lab.port) for at in range(11, 20)]
    seen = list(Sweep(endpoints, total=9, limits=QUICK).run())
    assert len(set(found_by(seen).values())) == 1
    assert len(seen) == 9


def test_goes_on_where_it_was_stopped(lab):
    endpoints = every_endpoint(lab)
    first = Sweep(endpoints, total=254, limits=Limits(in_flight=7, connect_s=2, talk_s=2.5))
    seen = list(itertools.islice(first.run(), 23))
    first.stop()
    at = first.progress()
    assert 0 < at.done <= 23 < at.total
    rest = Sweep(endpoints[at.done :], total=254, start=at.done, limits=QUICK)
    seen += rest.run()
    assert found_by(seen) == lab.leaves
    assert {one.position for one in seen} == set(range(254))


def test_stops_amid_the_silent(lab):
    endpoints = [Endpoint(address(52), lab.port)] * 50
    calls = []

    def each_turn():
        calls.append(1)
        if len(calls) == 10:
            sweep.stop()

    sweep = Sweep(endpoints, total=50, limits=Limits(in_flight=20, talk_s=120), each_turn=each_turn)
    assert list(sweep.run()) == []
    assert sweep.progress().done == 0
    assert len(calls) == 10


def test_the_rate_holds_for_connections(lab):
    now = [0.0]

    def clock():
        now[0] += 0.0005
        return now[0]

    before = len(lab.accepted)
    endpoints = [Endpoint(address(11 + at % 9), lab.port) for at in range(60)]
    seen = list(Sweep(endpoints, total=60, limits=Limits(rate=100, talk_s=1000, connect_s=1000), clock=clock).run())
    assert len(found_by(seen)) == 9
    assert len(lab.accepted) - before == 60
    assert now[0] >= (60 - 6) / 100  # a burst holds what a tick allows


MEASURE = """
import resource, sys
from shared.probe.loop import Limits
from shared.probe.sweep import Sweep
from shared.probe.targets import read_targets
targets = read_targets("127.90.0.0-127.91.200.0", sys.argv[1], limit=10**6)
count = int(sys.argv[2])
from itertools import islice
seen = sum(1 for _ in Sweep(islice(targets.endpoints(), count), total=count, limits=Limits(in_flight=500)).run())
assert seen == count, seen
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.parametrize(("allowed", "most"), [(3, 3), (0, 20)])
def test_one_host_gets_no_more_connections_at_once_than_allowed(allowed, most):
    now, peak, order = Counter(), Counter(), []

    def talk(address):
        now[address] += 1
        peak[address] = max(peak[address], now[address])
        received = yield b"?"
        now[address] -= 1
        return received

    with listen("127.77.9.1") as busy, listen("127.77.9.2", busy.getsockname()[1]) as idle:
        port = busy.getsockname()[1]
        dials = [Dial(name, port, partial(talk, name), name) for name in ("127.77.9.1",) * 20 + ("127.77.9.2",)]

        def answer():
            """The host behind is answered first, and the busy one only after it."""
            if now["127.77.9.2"]:
                answer_all(idle)
            elif peak["127.77.9.2"]:
                answer_all(busy)

        loop = Loop(Limits(in_flight=50, per_host=allowed), each_turn=answer)
        for dial, outcome in loop.run(dials):
            order.append(dial.tag)
            assert outcome == b"!"
    assert len(order) == 21
    assert order[0] == "127.77.9.2"  # it did not wait for its twenty predecessors
    assert peak["127.77.9.1"] == most


def answer_all(listener):
    """Takes every connection that waits, says a byte and hangs up."""
    listener.setblocking(False)
    with contextlib.suppress(BlockingIOError):
        while True:
            connection, _ = listener.accept()
            with connection:
                connection.setblocking(True)
                connection.recv(1)
                connection.sendall(b"!")


def test_a_hundred_thousand_addresses_take_no_more_memory_than_a_thousand():
    def peak(count):
        argv = [sys.executable, "-c", MEASURE, str(free_port()), str(count)]
        return int(subprocess.run(argv, check=True, capture_output=True, env=os.environ, text=True).stdout)

    few, many = peak(1000), peak(100_000)
    assert many < few + 2048  # KiB


def test_in_flight_is_bounded_by_what_the_process_may_open(lab):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    sweep = Sweep(every_endpoint(lab), total=254, limits=Limits(in_flight=100_000, connect_s=2, talk_s=2.5))
    try:
        assert found_by(sweep.run()) == lab.leaves
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_all_spans_are_dialled_ipv6_too():
    targets = read_targets("127.77.9.0/30, ::1", str(free_port()))
    seen = list(Sweep(targets.endpoints(), total=targets.count, limits=QUICK).run())
    assert {one.endpoint.address for one in seen} == {"127.77.9.0", "127.77.9.1", "127.77.9.2", "127.77.9.3", "::1"}
    assert set(failures(seen).values()) <= {Failure.REFUSED, Failure.UNREACHABLE}
