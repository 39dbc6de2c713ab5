# SPDX-License-Identifier: Apache-2.0
"""A process of the runner: how it starts, what it says of itself, and how it ends."""

import json
import signal
import socket

import pytest

from shared.context import Context
from tests.support.two_rooms import builder, record


def test_a_ready_process_says_so_and_is_measured(launch, until, tmp_path):
    running = launch("ping", "pong")
    assert running.get("/livez")[0] == 200
    status, body = running.get("/readyz")
    assert status == 200
    parts = json.loads(body)["parts"]
    assert parts["pong"] == {"database": "ok", "broker": "ok", "relay": "ok"}
    until(lambda: 'certwright_subscription_lag_events{handler="pong.on_pinged"' in running.get("/metrics")[1])
    metrics = running.get("/metrics")[1]
    for name in (
        "certwright_build_info{",
        'certwright_rpc_seconds_count{code="ok",method="read_log",service="ping"}',
        'certwright_relay_lag_events{service="ping"}',
        'certwright_dead_letters{service="pong"}',
        'certwright_timers_fired_total{outcome="done",timer="ping.tick"}',
    ):
        assert name in metrics
    assert running.get("/nothing")[0] == 404


def test_what_happened_is_counted(launch, until, tmp_path):
    running = launch("ping", "pong")
    from shared.settings import Settings

    app = builder("ping")(Settings(data_dir=tmp_path))
    record(app.room, ["a", "b"])
    app.room.database.close()
    wanted = 'certwright_events_handled_total{handler="pong.on_pinged",path="broker"} 2.0'
    until(lambda: wanted in running.get("/metrics")[1])
    assert 'certwright_events_published_total{service="ping"} 2.0' in running.get("/metrics")[1]


@pytest.mark.parametrize("sig", [signal.SIGTERM, signal.SIGINT])
def test_told_to_stop_it_ends_in_order(launch, sig):
    running = launch("ping", "pong")
    assert running.end(sig) == 0
    messages = [line["message"] for line in running.lines()]
    assert messages[0].startswith("Certwright")
    assert "ping, pong (SQLite, broker embedded)" in messages[0]
    assert any(message.startswith("stopping") for message in messages)
    assert messages[-1].startswith("stopped after")


def test_without_a_broker_it_lives_but_is_not_ready(launch, until):
    nobody, ops = free_address(), free_address()
    running = launch("pong", ready=False, AMQP_URI=f"amqp://a:b@{nobody}//", CERTWRIGHT_OPS_ADDRESS=ops)
    until(lambda: any("does not answer" in line["message"] for line in running.lines()), "it to look for the broker")
    running.url = lambda: f"http://{ops}"
    assert running.get("/livez")[0] == 200
    assert running.get("/readyz")[0] == 503
    assert all("a:b" not in line["message"] for line in running.lines())
    assert running.end() == 0


def free_address():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{probe.getsockname()[1]}"


def test_a_port_in_use_is_named_when_it_cannot_start(launch):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        running = launch("pong", ready=False, CERTWRIGHT_OPS_ADDRESS=address)
        assert running.process.wait(60) == 1
    (line,) = [line for line in running.lines() if line["level"] == "critical"]
    assert address in line["message"]
    assert "CERTWRIGHT_OPS_ADDRESS" in line["message"]


def test_log_lines_carry_the_ids_of_the_work(launch, until, tmp_path):
    (tmp_path / "failing").write_text("bug")
    running = launch("ping", "pong")
    from shared.settings import Settings

    app = builder("ping")(Settings(data_dir=tmp_path))

    def handler(uow, _request):
        from tests.support.two_rooms import Pinged

        uow.append(uow.new_id(), Pinged(text="a"))

    app.room.execute(handler, None, Context(account_id="acc", trace_id="tr", correlation_id="co"))
    app.room.database.close()
    until(lambda: any("pong.on_pinged failed" in line["message"] for line in running.lines()))
    line = next(line for line in running.lines() if "pong.on_pinged failed" in line["message"])
    assert (line["trace"], line["correlation"], line["account"]) == ("tr", "co", "acc")
    assert line["level"] == "warning"
