# SPDX-License-Identifier: Apache-2.0
"""Pages for people: no script, nothing from elsewhere, and nothing happens by looking."""

import json
import re

import pytest

from gateway.problems import KINDS
from shared.contracts import accounts, billing, dcv
from shared.errors import Code, ServiceError

TOKEN = "t" * 43
FORM_MEDIA = "application/x-www-form-urlencoded"
FORM = {"token": TOKEN, "login": "root", "password": "correct horse 7", "email": "root@example.com"}


def confirmation(state):
    return dcv.MailConfirmation(fqdn="www.example.com", address="<img src=x onerror=alert(1)>", state=state)


@pytest.mark.parametrize("path", ["/docs", f"/validation/{TOKEN}", "/problems/invalid"])
def test_a_page_has_no_script_and_loads_nothing_from_elsewhere(client, rpc, path):
    rpc.answers[dcv.GetMailConfirmation] = confirmation("open")
    answer = client.get(path)
    assert answer.status_code == 200
    assert "<script" not in answer.text
    assert "onerror=alert" not in answer.text.replace("&lt;img src=x onerror=alert(1)&gt;", "")
    assert not re.search(r"""(?:src|href)=["'](?:https?:)?//""", answer.text)
    assert "script-src" not in answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert "unsafe" not in answer.headers["Content-Security-Policy"]


def test_the_front_page_is_the_console(client):
    answer = client.get("/")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/console/")


def test_the_reference_shows_every_operation(client, gateway):
    text = client.get("/docs").text
    for operation in gateway.operations:
        assert f'id="{operation.route.operation_id}"' in text


def test_the_documents_are_served(client):
    assert json.loads(client.get("/openapi.json").data)["openapi"] == "3.1.0"
    assert json.loads(client.get("/asyncapi.json").data)["asyncapi"] == "3.1.0"
    style = client.get("/static/page.css")
    assert style.headers["Content-Type"].startswith("text/css")
    style.close()
    assert client.get("/livez").status_code == 200


def test_every_type_of_problem_has_its_page(client):
    for code in KINDS:
        assert KINDS[code].title in client.get(f"/problems/{code}").text
    assert client.get("/problems/nothing").status_code == 404


def test_looking_at_a_mailed_link_confirms_nothing(client, rpc):
    rpc.answers[dcv.GetMailConfirmation] = confirmation("open")
    for _ in range(20):
        assert client.get(f"/validation/{TOKEN}").status_code == 200
    assert {type(request) for request in rpc.asked} == {dcv.GetMailConfirmation}


def test_the_button_confirms(client, rpc):
    rpc.answers[dcv.ConfirmDCVMail] = confirmation("confirmed")
    answer = client.post(f"/validation/{TOKEN}", data={}, headers={"Origin": "http://localhost"})
    assert "is confirmed" in answer.text
    assert rpc.asked == [dcv.ConfirmDCVMail(token=TOKEN)]
    assert rpc.contexts[0].command_id


@pytest.mark.parametrize(("state", "status"), [("expired", 410), ("unknown", 404), ("confirmed", 200)])
def test_a_used_or_old_link_says_so(client, rpc, state, status):
    rpc.answers[dcv.GetMailConfirmation] = confirmation(state)
    answer = client.get(f"/validation/{TOKEN}")
    assert answer.status_code == status
    assert "<form" not in answer.text
    assert client.get("/validation/short").status_code == 404


def test_who_becomes_the_operator_is_signed_in(client, rpc):
    user = accounts.UserView(
        user_id="u", account_id=None, login="ops", email="o@example.com", permissions=["operator"], totp=False,
        created_at="2026-11-23T12:00:00Z",
    )  # fmt: skip
    rpc.answers[accounts.SignIn] = accounts.SignedIn(session_token="secret", expires_at="later", user=user)
    answer = client.post("/first-run", data=FORM)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/console/")
    assert "certwright=secret; Path=/; HttpOnly" in answer.headers["Set-Cookie"]


def test_another_site_cannot_press_the_button(client, rpc):
    answer = client.post(f"/validation/{TOKEN}", headers={"Origin": "https://evil.example"})
    assert answer.status_code == 403
    assert rpc.asked == []


def test_coming_back_from_the_payment_page_asks_how_it_ended(client, rpc):
    rpc.answers[billing.ConfirmReturn] = billing.ChargeView(order_id="x", status="paid", amount=1, currency="USD")
    assert "Paid" in client.get("/payment/return?intent_id=pi_0123456789").text
    assert rpc.asked == [billing.ConfirmReturn(intent_id="pi_0123456789")]
    assert client.get("/payment/return?intent_id=%3Cb%3E").status_code == 404
    rpc.answers[billing.ConfirmReturn] = ServiceError(Code.NOT_FOUND, "There is no such payment.")
    assert client.get("/payment/return?intent_id=pi_0123456789").status_code == 404


def test_the_first_run_makes_an_operator_once(client, rpc):
    page = client.get("/first-run")
    assert page.headers["Content-Security-Policy"].endswith("script-src 'self'")
    assert page.text.count("<script") == 1
    rpc.answers[accounts.SignIn] = ServiceError(Code.UNAVAILABLE, "Not now.")
    answer = client.post("/first-run", data=FORM)
    assert "You are the operator" in answer.text
    claim, sign_in = rpc.asked
    assert claim == accounts.ClaimOperator(**FORM)
    assert (sign_in.login, sign_in.password) == (FORM["login"], FORM["password"])
    rpc.answers[accounts.ClaimOperator] = ServiceError(Code.INVALID, "The password is too short.")
    answer = client.post("/first-run", data=FORM)
    assert answer.status_code == 422
    assert "The password is too short." in answer.text
    assert FORM["password"] not in answer.text
    assert client.post("/first-run", data=b"\xff", content_type="application/x-www-form-urlencoded").status_code == 400
    assert (
        client.post("/first-run", data="token=%FF", content_type="application/x-www-form-urlencoded").status_code == 400
    )
    assert client.post("/first-run", json=FORM).status_code == 415
