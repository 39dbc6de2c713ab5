# SPDX-License-Identifier: Apache-2.0
"""What the agent makes of a scan: what its settings allow, what it tells of it and when it stops."""

import json
import socket
import sys
import time
from concurrent.futures import Future

import pytest
from certwright_agent import scanning
from certwright_agent.config import SettingsError, load
from certwright_agent.errors import GatewayError, Refused
from certwright_agent.outcome import Steps
from certwright_agent.reporting import Reports
from certwright_agent.scanning import Scanning
from certwright_agent.scans import Scans, check_networks, scan_file

SCAN = "01a20899-7c11-7d02-9a4e-3f0c1b2a4d5e"
LIMITS = {"rate": 500, "in_flight": 100, "connect_s": 1.0, "talk_s": 1.0}


def settings(folder, **fields):
    path = folder / "agent.json"
    path.write_text(json.dumps({"gateway": "http://127.0.0.1:1", "uid": "0" * 32, **fields}))
    return load(path)


class Gateway:
    """Answers from a list, the last answer again and again; keeps what was sent."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.sent = []

    def send(self, method, path, body, *, timeout=None):
        self.sent.append((path, body))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    def reports(self):
        return [body for path, body in self.sent if path.endswith("/reports")]


def found(number, *chain):
    return {
        "index": number, "address": f"10.0.0.{number}", "port": 443, "server_name": None, "starttls": None,
        "protocol": "TLSv1.2", "suite": "x", "proved": False, "chain": list(chain),
    }  # fmt: skip


def progress(done, **failures):
    return {"done": done, "total": 500, "rate": 5.0, "seconds_left": 1.0, "failures": failures}


@pytest.mark.parametrize(
    "target", ["10.1.0.0/16", "10.0.255.250-10.1.0.1", "::ffff:192.0.2.1", "fd00::1", "10.0.0.0/7"]
)
def test_what_lies_beyond_the_networks_of_the_settings_is_refused(tmp_path, target):
    allowed = settings(tmp_path, scan_networks=["10.0.0.0/16", "10.9.0.0/16"])
    check_networks(allowed, ["10.0.7.0/24", "10.9.0.1-10.9.0.9"])
    with pytest.raises(Refused) as refused:
        check_networks(allowed, ["10.0.0.1", target])
    assert refused.value.code == "scan_refused"


@pytest.mark.parametrize("target", ["www.example.com", "10.0.0", ""])
def test_what_is_no_address_is_no_target(tmp_path, target):
    with pytest.raises(Refused):
        check_networks(settings(tmp_path), [target or "-"])


def test_without_networks_there_are_no_scans_at_all(tmp_path):
    with pytest.raises(Refused):
        check_networks(settings(tmp_path, scan_networks=[]), [])
    check_networks(settings(tmp_path), ["127.0.0.1", "::1"])


@pytest.mark.parametrize("fields", [{"scan_networks": "10.0.0.0/8"}, {"scan_networks": ["x"]}, {"scan_rate": 0}])
def test_settings_that_cannot_be_meant_are_refused(tmp_path, fields):
    with pytest.raises(SettingsError):
        settings(tmp_path, **fields)


def test_a_scan_is_taken_up_in_a_file_and_a_process_and_begun_again_when_that_dies(tmp_path):
    told = tmp_path / "told"
    program = "import sys,pathlib; pathlib.Path(sys.argv[1]).open('a').write(sys.argv[2] + ' '); sys.stdin.read()"
    scans = Scans(settings(tmp_path), [sys.executable, "-c", program, str(told)])
    arguments = {"scan_id": SCAN, "targets": ["10.0.0.0/24"], "names": []}
    outcome = scans.accept(arguments, Steps())
    assert outcome.succeeded
    file = scan_file(tmp_path / "state", SCAN)
    assert json.loads(file.read_text()) == {"scan_id": SCAN}
    until(lambda: told.exists() and told.read_text() == f"{SCAN} ")
    scans.look()
    scans.close()
    assert told.read_text() == f"{SCAN} "
    scans.look()  # as the next start of the agent does
    until(lambda: told.read_text() == f"{SCAN} {SCAN} ")
    file.unlink()
    scans.close()
    scans.look()
    assert told.read_text() == f"{SCAN} {SCAN} "


@pytest.mark.parametrize(
    "arguments",
    [
        {"scan_id": "../../etc/passwd", "targets": [], "names": []},
        {"scan_id": SCAN, "targets": "10.0.0.0/8", "names": []},
        {"scan_id": SCAN, "targets": [], "names": [7]},
    ],
)
def test_a_scan_that_is_none_is_refused(tmp_path, arguments):
    scans = Scans(settings(tmp_path), [sys.executable, "-c", "raise SystemExit"])
    with pytest.raises(Refused):
        scans.accept(arguments, Steps())
    assert not (tmp_path / "state" / "scans").exists()


def until(condition):
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_reports_are_of_bounded_size_and_hold_each_certificate_once():
    gateway = Gateway({"order": "go_on"})
    reports = Reports(gateway, "/s/reports", 3, 7)
    for number in range(450):
        reports.say("found", found(number % 250, f"leaf{number % 3}", "ca"))
    reports.say("progress", progress(457, refused=2))
    reports.finish()
    sent = gateway.reports()
    assert [len(one["found"]) for one in sent] == [200, 200, 50]
    assert [one["number"] for one in sent] == [1, 2, 3]
    assert [one["done"] for one in sent] == [7, 7, 457]  # told only when all before it is
    assert [one.get("failures") for one in sent] == [None, None, {"refused": 2}]
    assert sent[0]["certificates"] == ["leaf0", "ca", "leaf1", "leaf2"]
    assert sent[0]["found"][4]["chain"] == [2, 1]
    assert {one["run"] for one in sent} == {3}


def test_large_certificates_make_smaller_reports():
    gateway = Gateway({"order": "go_on"})
    reports = Reports(gateway, "/s/reports", 1, 0)
    for number in range(4):
        reports.say("found", found(number, str(number) * 150_000))
    reports.finish()
    assert [len(one["found"]) for one in gateway.reports()] == [2, 2]


@pytest.mark.parametrize(("order", "last"), [("stop", True), ("over", None)])
def test_an_order_to_stop_stops_the_probe_and_what_is_left_is_told(order, last):
    gateway = Gateway({"order": order}, {"order": "over"})
    reports = Reports(gateway, "/s/reports", 1, 0)

    def look():
        reports.say("missed", {**found(1), "reason": "refused"})
        until(lambda: reports.stopped)
        reports.say("found", found(2, "leaf"))
        reports.say("end", progress(2))

    reports.during(look)
    reports.finish()
    first, *rest = gateway.reports()
    assert first["missed"] == [{"address": "10.0.0.1", "port": 443, "name": "", "reason": "refused"}]
    assert [(one["stopped"], one["done"], len(one["found"])) for one in rest] == ([(True, 2, 1)] if last else [])


def test_a_gateway_that_is_away_stops_the_probe_and_is_told_on():
    reports = Reports(Gateway(GatewayError("away")), "/s/reports", 1, 0)
    reports.during(lambda: until(lambda: reports.stopped))
    with pytest.raises(GatewayError, match="away"):
        reports.finish()


def test_looking_waits_for_telling_when_too_much_waits():
    reports = Reports(Gateway({"order": "go_on"}), "/s/reports", 1, 0)
    ended = []
    reports.on_stop(lambda: ended.append(True))
    for number in range(5000):
        reports.say("found", found(number % 250, "leaf"))
    assert reports.stopped
    assert ended


def part(kind, **fields):
    return {
        "part": kind, "run": 2, "names": [], "endpoints": [], "networks": [], "exclude": [], "ports": [443], "start": 0,
        **LIMITS, **fields,
    }  # fmt: skip


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.setattr(scanning.os, "nice", lambda _: 0)
    monkeypatch.setattr(scanning, "_AGAIN_S", 0.01)

    def scan(gateway, **fields):
        return Scanning(gateway, settings(tmp_path, **fields), SCAN, lambda text: None).run()

    return scan


def test_parts_are_looked_at_until_there_is_none(run):
    endpoint = {"address": "127.46.22.1", "port": 9, "name": "", "starttls": ""}
    gateway = Gateway(part("again", endpoints=[endpoint]), {"order": "go_on"}, {"part": ""})
    assert run(gateway) is True
    [report] = gateway.reports()
    assert report["missed"] == [{"address": "127.46.22.1", "port": 9, "name": "", "reason": "refused"}]
    assert (report["run"], report["done"], report["failures"]) == (2, 1, {"refused": 1})


def test_names_are_looked_up_here_and_where_they_may_not_lead_is_told(run, monkeypatch):
    answers = {"db.example": ["10.0.0.7"], "out.example": ["192.0.2.1"]}

    def look_up(name):
        if name not in answers:
            raise socket.gaierror(socket.EAI_NONAME, "no such name")
        return answers[name]

    monkeypatch.setattr(scanning, "_look_up", look_up)
    gateway = Gateway(
        part("names", names=[*answers, "none.example"]), {"order": "go_on"}, {"order": "go_on"}, {"part": ""}
    )
    assert run(gateway, scan_networks=["10.0.0.0/8"]) is True
    told = next(body for path, body in gateway.sent if path.endswith("/names"))["names"]
    assert told[0] == {"name": "db.example", "addresses": ["10.0.0.7"]}
    assert [one["reason"] for one in told[1:]] == ["address_refused", "dns_nxdomain"]


def test_a_name_that_takes_long_does_not_keep_a_stop_away(run, monkeypatch):
    slow = Future()
    monkeypatch.setattr(scanning, "_look_up", lambda name: slow.result(20))
    monkeypatch.setattr(scanning, "EVERY_S", 0.01)

    class Stopping(Gateway):
        def send(self, method, path, body, *, timeout=None):
            answer = super().send(method, path, body)
            if answer == {"order": "stop"}:
                slow.set_result([])
            return answer

    gateway = Stopping(part("names", names=["slow.example"]), {"order": "go_on"}, {"order": "stop"}, {"part": ""})
    assert run(gateway) is True
    assert not any(path.endswith("/names") for path, _ in gateway.sent)


@pytest.mark.parametrize(
    ("handed", "failure"),
    [
        (part("networks", networks=["10.0.0.0/8"]), "scan_refused"),
        (
            part("endpoints", endpoints=[{"address": "10.0.0.1", "port": 443, "name": "", "starttls": ""}]),
            "scan_refused",
        ),
        (part("networks", networks=["127.46.22.0/30"], ports=[]) | {"exclude": ["127.46.22.0/24"]}, "agent_failed"),
        ({"part": "networks"}, "agent_failed"),
    ],
)
def test_what_the_settings_forbid_or_nobody_can_do_is_told_as_a_failure(run, handed, failure):
    gateway = Gateway(handed, {"order": "over"})
    assert run(gateway, scan_networks=["127.0.0.0/8"]) is True
    assert [one["failure"] for one in gateway.reports()] == [failure]


def test_the_settings_bound_the_rate(tmp_path):
    scan = Scanning(Gateway({}), settings(tmp_path, scan_rate=20), SCAN, lambda text: None)
    rates = [scan._order(part("networks", networks=["127.0.0.1"], rate=rate))["rate"] for rate in (0, 5, 500)]
    assert rates == [20, 5, 20]


def test_a_gateway_that_is_away_is_asked_until_it_is_back_and_one_without_the_scan_ends_it(run):
    assert run(Gateway(GatewayError("away"), GatewayError("busy", 503), {"part": ""})) is True
    assert run(Gateway(GatewayError("gone", 404))) is True
    with pytest.raises(GatewayError):
        run(Gateway(GatewayError("who are you", 401)))
