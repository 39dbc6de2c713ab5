# SPDX-License-Identifier: Apache-2.0
"""The worker program and `certwright scan` as processes: what they print, how they stop, what they refuse."""

import base64
import csv
import datetime as dt
import io
import json
import os
import signal
import subprocess
import sys

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from certwright.servers.nginx import Nginx
from certwright.servers.process import free_port
from certwright.servers.webserver import TLSFiles
from tests.support.odd_listeners import address, listening
from tests.support.small_ca import SmallCA


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    with listening(tmp_path_factory.mktemp("lab"), free_port()) as running:
        yield running


def start(job):
    argv = [sys.executable, "-m", "shared.probe"]
    worker = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=os.environ)
    worker.stdin.write(job if isinstance(job, bytes) else json.dumps(job).encode() + b"\n")
    worker.stdin.flush()
    return worker


def lines(worker):
    found = [json.loads(line) for line in worker.stdout]
    worker.stdin.close()
    worker.stdout.close()
    return found, worker.wait(20)


def run_scan(*options):
    argv = [sys.executable, "-m", "certwright", "scan", *options]
    return subprocess.run(argv, capture_output=True, text=True, env={**os.environ, "COLUMNS": "200"}, check=False)


def test_a_scan_by_include(lab):
    job = {
        "include": ["127.77.0.0/27"],
        "ports": [lab.port],
        "exclude": ["127.77.0.2", "127.77.0.20-24"],
        "talk_s": 2.5,
        "rate": 500,
    }
    said, code = lines(start({"scan": job}))
    found = [one["found"] for one in said if "found" in one]
    leaves = {one["address"]: base64.b64decode(one["chain"][0]) for one in found}
    expected = {at: der for at, der in lab.leaves.items() if at not in map(address, (2, *range(20, 25)))}
    assert leaves == expected
    one = next(one for one in found if one["address"] == address(3))
    assert (one["port"], one["protocol"], one["proved"], one["server_name"]) == (lab.port, "TLSv1.3", False, None)
    assert one["suite"].startswith("TLS_")
    end = said[-1]["end"]
    assert (end["done"], end["total"], end["found"], end["stopped"]) == (26, 26, len(expected), False)
    assert sum(end["failures"].values()) == 26 - len(expected)
    assert code == 0


def test_a_scan_by_endpoints_goes_on_from_an_index(lab):
    endpoints = [
        [address(1), lab.port, "rsa.example", None],
        [address(20), lab.port, None, "smtp"],
        [address(21), lab.port, "imap.example", "imap"],
    ]
    said, code = lines(start({"scan": {"endpoints": endpoints, "from": 1, "talk_s": 5}}))
    found = [one["found"] for one in said if "found" in one]
    assert {(one["index"], one["address"], one["starttls"]) for one in found} == {
        (1, address(20), "smtp"),
        (2, address(21), "imap"),
    }
    assert said[-1]["end"]["done"] == 3
    assert code == 0


def test_tells_what_has_no_certificate_one_by_one_when_asked(lab):
    endpoints = [[address(1), lab.port, None, None], [address(250), lab.port, "none.example", None]]
    said, code = lines(start({"scan": {"endpoints": endpoints, "tell_missed": True}}))
    missed = {"index": 1, "address": address(250), "port": lab.port, "server_name": "none.example", "reason": "refused"}
    assert [one["missed"] for one in said if "missed" in one] == [missed]
    assert said[-1]["end"]["failures"] == {"refused": 1}
    assert code == 0


def test_counts_failures_only_up_to_where_another_run_would_go_on(lab):
    # The first is silent for as long as anybody would wait; all behind it are refused meanwhile.
    job = {"endpoints": [[address(52), lab.port, None, None]] + [[address(250), lab.port, None, None]] * 20}
    worker = start({"scan": {**job, "talk_s": 100}})
    progress = {"ended": 0}
    while progress["ended"] < 20:
        progress = json.loads(worker.stdout.readline())["progress"]
    assert (progress["done"], progress["failures"]) == (0, {})
    worker.stdin.close()
    *_, last = [json.loads(line) for line in worker.stdout]
    assert (last["end"]["done"], last["end"]["failures"]) == (0, {})
    assert worker.wait(20) == 0
    worker.stdout.close()


@pytest.mark.parametrize("how", ["signal", "closed input"])
def test_stops_when_told(lab, how):
    # Silent listeners, one at a time, for as long as anybody would wait.
    job = {"endpoints": [[address(1), lab.port, None, None]] + [[address(52), lab.port, None, None]] * 100}
    worker = start({"scan": {**job, "in_flight": 1, "talk_s": 100}})
    assert "found" in json.loads(worker.stdout.readline())
    progress = json.loads(worker.stdout.readline())["progress"]
    assert (progress["done"], progress["total"], progress["found"]) == (1, 101, 1)
    assert set(progress) >= {"rate", "seconds_left", "failures"}
    if how == "signal":
        worker.send_signal(signal.SIGTERM)
    else:
        worker.stdin.close()
    *_, last = [json.loads(line) for line in worker.stdout]
    assert last == {"end": {"done": 1, "total": 101, "found": 1, "stopped": True, "failures": {}}}
    assert worker.wait(20) == 0
    worker.stdin.close()
    worker.stdout.close()


@pytest.mark.parametrize(
    ("job", "entry"),
    [
        (b"\n", ""),
        (b"{}\n", ""),
        ({"else": {}}, ""),
        ({"scan": []}, ""),
        ({"scan": {}}, ""),
        ({"scan": {"include": ["www.example.com"]}}, "www.example.com"),
        ({"scan": {"include": ["10.0.0.1"], "exclude": ["www.example.com"]}}, "www.example.com"),
        ({"scan": {"include": "10.0.0.1"}}, "include"),
        ({"scan": {"include": ["10.0.0.1"], "ports": ["x"]}}, "x"),
        ({"scan": {"include": ["10.0.0.1"], "rate": -1}}, "rate"),
        ({"scan": {"include": ["10.0.0.1"], "rate": True}}, "rate"),
        ({"scan": {"include": ["10.0.0.1"], "speed": 1}}, "speed"),
        ({"scan": {"include": ["10.0.0.1"], "endpoints": [["10.0.0.1", 443, None, None]]}}, ""),
        ({"scan": {"endpoints": []}}, ""),
        ({"scan": {"endpoints": [["a.example", 443, None, None]]}}, "['a.example', 443, None, None]"),
        ({"scan": {"endpoints": [["10.0.0.1", 443, None, "gopher"]]}}, "['10.0.0.1', 443, None, 'gopher']"),
        ({"scan": {"endpoints": [["10.0.0.1", 0, None, None]]}}, "['10.0.0.1', 0, None, None]"),
        ({"scan": {"endpoints": [["10.0.0.1", 443, "ü", None]]}}, "['10.0.0.1', 443, 'ü', None]"),
        ({"scan": {"include": ["::/0"]}}, ""),
    ],
)
def test_refuses_what_cannot_be_meant(job, entry):
    (said,), code = lines(start(job))
    assert said["error"]["entry"] == entry
    assert said["error"]["message"]
    assert code == 2


def test_the_command_finds_what_nginx_serves_and_minds_what_expires(tmp_path):
    ca, port = SmallCA(), free_port()
    server = Nginx(tmp_path)
    server.prepare()
    for name, days in (("fresh.example", 80), ("ending.example", 10), ("ended.example", -2)):
        key = ec.generate_private_key(ec.SECP256R1())
        pem, _ = ca.sign(key.public_key(), [name, f"www.{name}"], days=days, started=30)
        (tmp_path / f"{name}.pem").write_text(pem + ca.chain_pem)
        (tmp_path / f"{name}.key").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        files = TLSFiles(port, tmp_path / f"{name}.pem", tmp_path / f"{name}.key")
        path = server.add_site(name, port=free_port(), tls=files)
        place = {"fresh": "127.78.0.1", "ending": "127.78.0.2", "ended": "127.78.0.3"}[name.partition(".")[0]]
        path.write_text(path.read_text().replace(f"127.0.0.1:{port} ssl", f"{place}:{port} ssl"))
    server.start()
    try:
        every = run_scan("127.78.0.1-4", "--ports", str(port), "--expiring", "0")
        assert every.returncode == 1
        assert "fresh.example +1" in every.stdout
        assert "unauthenticated" in every.stdout
        assert "4 of 4 endpoints, 3 with a certificate; 1 refused." in every.stderr

        sound = run_scan("127.78.0.1-4", "--exclude", "127.78.0.3", "--ports", str(port), "--expiring", "5", "--json")
        assert sound.returncode == 0
        *found, last = map(json.loads, sound.stdout.splitlines())
        assert {one["address"]: one["names"][0] for one in found} == {
            "127.78.0.1": "fresh.example",
            "127.78.0.2": "ending.example",
        }
        assert last["summary"] == {
            "endpoints": 3,
            "done": 3,
            "found": 2,
            "failures": {"refused": 1},
            "unresolved": {},
            "stopped": False,
        }
        assert run_scan("127.78.0.2", "--ports", str(port), "--expiring", "30", "--json").returncode == 1

        sheet = run_scan("127.78.0.1", "--ports", str(port), "--csv")
        (row,) = csv.DictReader(io.StringIO(sheet.stdout))
        assert (row["Address"], row["Port"], row["Name"]) == ("127.78.0.1", str(port), "fresh.example +1")
        assert dt.datetime.fromisoformat(row["Not after"]) > dt.datetime.now(dt.UTC)
        assert sheet.returncode == 0

        named = run_scan("localhost", "--exclude", "::1", "--ports", str(port), "--json")
        assert json.loads(named.stdout.splitlines()[-1])["summary"]["failures"] == {"refused": 1}
    finally:
        server.stop()


@pytest.mark.parametrize(
    "options",
    [["10.0.0.300"], ["10.0.0.1", "--ports", "x"], ["10.0.0.1", "--starttls", "gopher"], ["https://a.example"]],
)
def test_the_command_says_what_is_wrong_with_its_input(options):
    result = run_scan(*options)
    assert result.returncode == 2
    assert result.stdout == ""
    assert result.stderr


def test_ctrl_c_prints_what_was_found(lab):
    argv = ["127.77.0.1", "127.77.0.52", "--ports", str(lab.port), "--timeout", "100", "--expiring", "5", "--json"]
    command = [sys.executable, "-m", "certwright", "scan", *argv]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ) as process:
        assert json.loads(process.stdout.readline())["address"] == "127.77.0.1"
        process.send_signal(signal.SIGINT)
        summary = json.loads(process.stdout.readline())["summary"]
    assert summary["stopped"]
    assert (summary["found"], summary["done"]) == (1, 1)
    assert process.returncode == 0
