# SPDX-License-Identifier: Apache-2.0
"""`certwright replace` against an API that says what a test wants: words, JSON, exit codes, and what is asked."""

from __future__ import annotations

import json

import msgspec
import pytest
from typer.testing import CliRunner

from certwright.cli import app
from shared.contracts import orders
from shared.contracts.base import Page
from tests.support.canned_http import CannedHTTP, answer

STATES = ("waiting", "making", "installing", "failed", "seen", "unseen", "ended", "withdrawn")


def view(status="running", **changes):
    fields = {
        "replacement_id": "r-1", "account_id": "a", "status": status, "exercise": False, "reason": "RSA has to go.",
        "selection": orders.ReplacementSelection(key_type="rsa-2048"), "started_at": "2026-11-26T12:00:00.000000Z",
        "started_by": "user:nora", "due_24h": "2026-11-27T12:00:00.000000Z", "due_5d": "2126-12-01T12:00:00.000000Z",
        "ended_at": None, "last_seen_at": None, "orders": 3, "sites": 4,
        "by_state": {**dict.fromkeys(STATES, 0), "seen": 1, "failed": 2}, "open": 2, "revocation_reason": "",
        "revoked": 0, "actions": ["pause"],
    }  # fmt: skip
    return orders.ReplacementView(**{**fields, **changes})


def late():
    return orders.ReplacementOrder(
        order_id="o", number=2000001, account_id="a", common_name="www.example.com", way="agent", state="failed",
        old_serial="0A", new_serial="", server_id="s", sites=1, open_sites=[], begun_at=None, issued_at=None,
        seen_at=None, old_revoked_at=None, reason="Late.", code="agent_late",
        blocked_on=[orders.BlockedOn(reason="csr_rejected", actor="customer", text="Start the agent again.")],
    )  # fmt: skip


def candidate(**changes):
    fields = {
        "order_id": "o", "number": 2000001, "account_id": "a", "common_name": "www.example.com", "serial": "0A",
        "issuer": "CN=Old", "key_type": "rsa-2048", "way": "agent",
        "sites": [orders.PlacedSite(server_id="s", site_id="t")],
    }  # fmt: skip
    return orders.ReplacementCandidate(**{**fields, **changes})


PREVIEW = orders.ReplacementPreview(
    orders=1, sites=1, servers=1, by_way={"agent": 1, "client": 0, "hand": 0}, candidates=[candidate()],
    left_out=[candidate(serial="BEEF", obstacle="no_such_certificate", text="There is no such certificate.")],
    left_out_total=1, issuers=[orders.ReplacementChoice(value="CN=Old", certificates=1)], key_types=[],
)  # fmt: skip


@pytest.fixture
def run(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("CERTWRIGHT_TOKEN", "token")
    monkeypatch.setenv("COLUMNS", "160")

    def invoke(found, *arguments):
        body = msgspec.json.encode(found)
        with CannedHTTP(answer(body, headers=["Content-Type: application/json"])) as api:
            result = CliRunner().invoke(app, ["replace", *arguments, "--url", f"http://127.0.0.1:{api.port}"])
            return result, api.request.decode()

    return invoke


def test_a_preview_names_what_is_hit_and_what_cannot_be_replaced(run):
    result, request = run(PREVIEW, "preview", "--issuer", "CN=Old", "--serial", "0A", "--serial", "BEEF")
    assert result.exit_code == 0
    assert "1 certificates on 1 sites of 1 servers: 1 by agents" in result.stdout
    assert "www.example.com" in result.stdout
    assert "There is no such certificate." in result.stdout
    assert json.loads(request.partition("\r\n\r\n")[2]) == {
        "issuer": "CN=Old", "key_type": "", "serials": ["0A", "BEEF"], "everything": False,
    }  # fmt: skip


def test_without_a_selection_it_says_what_there_is_to_choose_from(run):
    result, _ = run(PREVIEW, "preview")
    assert "CN=Old" in result.stdout
    assert "No certificate in use has a known key type." in result.stdout


@pytest.mark.parametrize(("flags", "path"), [((), "/replacements "), (("--operator",), "/operator/replacements ")])
def test_a_start_says_why_and_that_it_is_an_exercise(run, flags, path):
    result, request = run(view(exercise=True), "start", "--all", "--reason", "A drill.", "--exercise", "--yes", *flags)
    assert result.exit_code == 0
    assert f"POST /api/v1{path}" in request
    sent = json.loads(request.partition("\r\n\r\n")[2])
    assert (sent["everything"], sent["exercise"], sent["reason"]) == (True, True, "A drill.")
    assert "exercise, running" in result.stdout


def test_show_counts_states_and_says_what_is_left_of_both_clocks(run):
    result, _ = run(view(), "show", "r-1")
    assert "1     seen on the wire" in result.stdout
    assert "2     failed" in result.stdout
    assert "24 hours" in result.stdout
    assert "5 days" in result.stdout
    assert "left" in result.stdout


@pytest.mark.parametrize(("status", "code"), [("completed", 0), ("cancelled", 2)])
def test_watch_ends_when_it_is_over_and_says_by_its_status_how(run, status, code):
    result, _ = run(view(status, last_seen_at="2026-11-26T12:04:05.000000Z"), "watch", "r-1", "--json")
    assert result.exit_code == code
    assert json.loads(result.stdout)["status"] == status


def test_stragglers_are_named_with_what_to_do(run):
    result, request = run(Page(items=[late()]), "stragglers", "r-1")
    assert "state=open" in request
    assert "Start the agent again." in result.stdout
    assert "Nobody is late" in run(Page(items=[]), "stragglers", "r-1")[0].stdout


@pytest.mark.parametrize("name", ["pause", "resume", "cancel", "retry", "revoke-old"])
def test_it_is_steered(run, name):
    result, request = run(view(revocation_reason="superseded", revoked=1), name, "r-1")
    assert result.exit_code == 0
    assert json.loads(request.partition("\r\n\r\n")[2])["action"] == name.replace("-", "_")
    assert "POST /api/v1/replacements/r-1/actions" in request


def test_an_empty_list_says_what_to_do(run):
    assert "certwright replace preview" in run(Page(items=[]), "list")[0].stdout
    listed = run(Page(items=[view()]), "list")[0].stdout
    assert "1 of 3" in listed
