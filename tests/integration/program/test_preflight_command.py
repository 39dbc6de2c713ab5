# SPDX-License-Identifier: Apache-2.0
"""`certwright preflight` against an API that says what a test wants: words, JSON, exit codes, and what is asked."""

import json
from datetime import date

import msgspec
import pytest
from typer.testing import CliRunner

from certwright.cli import app
from services.dcv.model.preflight import finding, judge_name, worst_of
from shared.contracts.preflight import CAASeen, DNSAnswer, PerspectiveSeen, PortSeen, PreflightView
from shared.pki.rules import Rules
from tests.support.canned_http import CannedHTTP, answer

RULES = Rules.at(date(2026, 11, 26))


def seen(*, reachable=True, caa=None, addresses=("127.0.0.1",)):
    return PerspectiveSeen(
        name="Berlin", region="RIPE", primary=True, addresses=list(addresses), alias="web.example.net", dnssec="secure",
        caa=caa, ports=[PortSeen(port=80, reachable=reachable, address="127.0.0.1")],
        answers=[DNSAnswer(question="www.example.com. A", status="ok", records=list(addresses))],
    )  # fmt: skip


def view(*names):
    return PreflightView(
        method="http_csr_hash", profile="private", rules_version=RULES.version,
        checked_at="2026-11-26T12:00:00.000000Z", verdict=worst_of(names), names=list(names),
    )  # fmt: skip


def judged(one, *, method="http_csr_hash", caa=None):
    return judge_name(
        "www.example.com", method, [one], caa, None, option=None, rules=RULES, profile="private"
    )  # fmt: skip


READY = judged(seen())
WARNED = judged(seen(reachable=False), method="")
FORBIDDEN = CAASeen(
    allowed=False, code="other_issuer", reason="Another CA stands there.",
    cure='example.com. IN CAA 0 issue "ca.example"'
)  # fmt: skip
BLOCKED = judged(seen(caa=FORBIDDEN), caa=FORBIDDEN)


@pytest.fixture
def run(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("CERTWRIGHT_TOKEN", "token")

    def invoke(found, *arguments):
        body = msgspec.json.encode(found)
        with CannedHTTP(answer(body, headers=["Content-Type: application/json"])) as api:
            result = CliRunner().invoke(app, ["preflight", *arguments, "--url", f"http://127.0.0.1:{api.port}"])
            return result, api.request.decode(), api.hits

    return invoke


@pytest.mark.parametrize(("name", "status"), [(READY, 0), (WARNED, 3), (BLOCKED, 4)])
def test_the_exit_code_says_whether_an_order_would_come_through(run, name, status):
    result, request, _ = run(view(name), "www.example.com", "--method", "http_csr_hash")
    assert result.exit_code == status, result.output
    assert "GET /api/v1/preflight?names=www.example.com&method=http_csr_hash HTTP/1.1" in request
    assert "www.example.com" in result.stdout
    for each in name.findings:
        assert each.severity in result.stdout


def test_cures_and_perspectives_are_shown(run):
    result, _, _ = run(view(BLOCKED), "www.example.com")
    text = " ".join(result.stdout.split())
    assert 'example.com. IN CAA 0 issue "ca.example"' in text
    assert "Berlin 127.0.0.1 · by way of web.example.net · DNSSEC secure · port 80 open · CAA other_issuer" in text


def test_json_is_one_document_and_many_names_are_asked_ten_at_a_time(run):
    names = [f"n{number}.example.com" for number in range(21)]
    result, _, hits = run(view(BLOCKED), *names, "--json")
    assert (result.exit_code, hits) == (4, 3)
    document = json.loads(result.stdout)
    assert len(document["names"]) == 3
    assert document["verdict"] == "blocked"


def test_a_finding_has_the_words_of_its_kind():
    told = finding("port_open", port="80", address="127.0.0.1")
    assert (told.severity, told.text) == ("good", "Port 80 of 127.0.0.1 takes connections.")
