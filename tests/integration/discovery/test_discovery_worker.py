# SPDX-License-Identifier: Apache-2.0
"""Scans by the real worker process of real listeners on 127.0.0.0/8; and how the service leads it."""

import contextlib
import os
import socket
import ssl
import sys
import time
from functools import partial

import pytest

from services.discovery.adapters.hosts import open_hosts
from services.discovery.adapters.worker import WorkerProber, WorkerSession
from services.discovery.handlers import scans
from services.discovery.ports import End, Found, Surveyed, WorkerError
from shared.contracts import discovery
from shared.egress.settings import EgressSettings
from tests.support.agent_by_hand import key_file, strangers_certificate
from tests.support.discovery_room import room
from tests.support.rooms import customer
from tests.support.tls_listeners import context_for, listen, serving

NET = "127.45.17.0/28"


@pytest.fixture
def app(tmp_path):
    built = room(tmp_path, allowed=(NET,), talk_timeout_s=2.0)
    built.prober = WorkerProber()
    built.hosts = open_hosts(built.own, EgressSettings())
    yield built
    built.room.database.close()


def serve(stack, folder, names, port=0):
    """Listeners by their last octet; the port that all of them have."""
    for octet, (name, version) in names.items():
        listener = listen(f"127.45.17.{octet}", port)
        port = listener.getsockname()[1]
        context = None
        if name:
            certificate = folder / f"{name}.pem"
            if not certificate.exists():
                certificate.write_text(strangers_certificate(name))
            context = context_for(certificate, key_file(folder), version)
        stack.enter_context(serving(listener, context))
    return port


def scan(app, port, targets=(NET,), **fields):
    request = discovery.StartScan(targets=list(targets), ports=[port], **fields)
    handler = partial(scans.start_scan, settings=app.own, hosts=app.hosts)
    scan_id = app.room.execute(handler, request, customer("a1")).scan_id
    app.room.queue.run_due(app)
    view = scans.get_scan(app.room, discovery.GetScan(scan_id=scan_id), customer("a1"))
    asked = discovery.ListScanResults(scan_id=scan_id)
    found = scans.results(app.room, asked, customer("a1")).items
    return view, {one.address: (one.certificate.common_name, one.state) for one in found}


def test_real_listeners_are_found_and_the_next_scan_tells_what_changed(app, tmp_path):
    names = {1: ("one.example.com", ssl.TLSVersion.TLSv1_2), 2: ("two.example.com", ssl.TLSVersion.TLSv1_3),
        3: ("three.example.com", None), 9: ("", None)}  # fmt: skip
    with contextlib.ExitStack() as stack:
        port = serve(stack, tmp_path, names)
        view, found = scan(app, port)
        assert (view.state, view.progress.done, view.progress.total) == ("finished", 16, 16), view
        assert found == {f"127.45.17.{octet}": (name, "new") for octet, (name, _) in names.items() if name}
        assert sum(view.progress.failures.values()) == 13
    with contextlib.ExitStack() as stack:
        serve(stack, tmp_path, {1: ("one.example.com", None), 2: ("other.example.com", None), 3: ("", None)}, port)
        view, found = scan(app, port)
    assert view.state == "finished"
    assert found == {
        "127.45.17.1": ("one.example.com", "same"),
        "127.45.17.2": ("other.example.com", "changed"),
        "127.45.17.3": ("three.example.com", "unseen"),  # it takes connections and says nothing
    }
    view, found = scan(app, port)  # all refuse now
    assert {address: state for address, (_, state) in found.items()} == dict.fromkeys(found, "gone")


def test_a_running_worker_ends_when_it_is_told_to():
    order = {"scan": {"include": ["127.45.18.0/24"], "ports": [9], "rate": 20, "from": 0}}
    with WorkerProber().run(order) as session:
        said = []
        for line in session.lines():
            if line is None:
                continue
            said.append(line)
            session.stop()
        process = session._worker.process
    assert isinstance(said[-1], End)
    assert said[-1].stopped
    assert said[-1].done < said[-1].total == 256
    assert process.poll() is not None


@pytest.mark.parametrize(
    "program",
    [
        "import sys; sys.exit(3)",
        "print('no json', flush=True)",
        'print(\'{"error": {"message": "cannot"}}\', flush=True)',
        'print(\'{"found": {"address": 7}}\', flush=True)',
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('[1]', flush=True); time.sleep(60)",
    ],
)
def test_a_worker_that_does_not_keep_to_the_protocol_is_told_and_gone(program):
    prober = WorkerProber((sys.executable, "-c", program))
    with pytest.raises(WorkerError), prober.run({"scan": {}}) as session:
        list(session.lines())
    assert session._worker.process.poll() is not None


ONE = {"scan": {"include": ["127.45.18.1"], "ports": [9], "from": 0}}


def run_one(prober):
    with prober.run(ONE) as session:
        *_, last = session.lines()
    assert isinstance(last, End)
    return session._worker


def test_a_worker_that_has_done_its_job_does_the_next_one_too():
    prober = WorkerProber()
    first = run_one(prober)
    assert first.process.poll() is None
    survey = {"address": "127.0.0.1", "port": 1, "server_name": "", "starttls": "", "depth": "basic"}
    with prober.run({"survey": survey}) as session:
        *_, last = session.lines()
        assert session._worker is first
    assert isinstance(last, Surveyed)
    assert run_one(prober) is first
    prober._kept.close()
    assert first.process.poll() is not None


def test_one_that_died_while_it_waited_is_replaced():
    prober = WorkerProber()
    first = run_one(prober)
    first.process.kill()
    first.process.wait(10)
    assert run_one(prober) is not first
    prober._kept.close()


def test_one_that_was_told_to_stop_and_one_that_broke_off_are_not_kept():
    prober = WorkerProber()
    with pytest.raises(ValueError, match="ours"), prober.run(ONE) as session:
        raise ValueError("ours")
    assert session._worker.process.poll() is not None
    with prober.run({"scan": {"include": ["127.45.18.0/24"], "ports": [9], "rate": 20, "from": 0}}) as session:
        for said in session.lines():
            if said is not None:  # it has begun
                session.stop()
    assert session._worker.process.poll() is not None


def test_no_worker_waits_for_ever_nor_longer_than_who_leads_it():
    prober = WorkerProber(kept_s=0.5)
    first = run_one(prober)
    assert first.process.wait(20) is not None  # its time is over
    prober = WorkerProber()
    second = run_one(prober)
    del prober
    assert second.process.wait(20) is not None


def test_a_worker_that_cannot_be_started_is_an_error_of_its_own():
    with pytest.raises(WorkerError), WorkerProber(("/nowhere/at/all",)).run({"scan": {}}):
        pass


def test_the_worker_gives_way_when_the_service_is_gone():
    with WorkerProber().run({"scan": {"include": ["127.45.18.0/24"], "ports": [9], "rate": 1, "from": 0}}) as session:
        session._worker.connection.close()
        deadline = time.monotonic() + 30
        while session._worker.process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.05)
        assert session._worker.process.poll() is not None


def test_a_chain_is_kept_as_it_was_sent(app, tmp_path):
    with contextlib.ExitStack() as stack:
        port = serve(stack, tmp_path, {1: ("one.example.com", None)})
        order = {"scan": {"endpoints": [["127.45.17.1", port, "one.example.com", ""]], "from": 0}}
        with app.prober.run(order) as session:
            found = [one for one in session.lines() if isinstance(one, Found)]
    [one] = found
    assert (one.server_name, len(one.chain)) == ("one.example.com", 1)


def test_the_worker_waits_for_its_order_where_sockets_do_not_block(monkeypatch):
    pair = socket.socketpair

    def cooperative():
        both = pair()
        for one in both:
            os.set_blocking(one.fileno(), False)
        return both

    monkeypatch.setattr(socket, "socketpair", cooperative)
    tell = WorkerSession.tell

    def late(session, order):
        time.sleep(1)
        tell(session, order)

    monkeypatch.setattr(WorkerSession, "tell", late)
    order = {"survey": {"address": "127.0.0.1", "port": 1, "server_name": "", "starttls": "", "depth": "basic"}}
    with WorkerProber().run(order) as session:
        *_, last = session.lines()
    assert isinstance(last, Surveyed)
    assert last.survey["failure"] == "refused"
