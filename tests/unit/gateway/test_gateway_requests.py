# SPDX-License-Identifier: Apache-2.0
"""Requests reach the right service with exactly what was said, and every wrong one is refused with its reason."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from werkzeug.test import Client

from gateway.app import Gateway
from gateway.operations.accounts import NewSession
from gateway.operations.operator import SERVICES
from gateway.settings import GatewaySettings
from shared.contracts import accounts, billing, dcv, installer, orders
from shared.errors import Code, ServiceError
from tests.support.fake_rpc import FakeRpc

ORDER = "0b6f2a54-5d0e-4a3c-9b7e-6a4f1c2d3e4f"


def problem(answer, status, code):
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    document = json.loads(answer.data)
    assert document["status"] == status
    assert document["code"] == code
    assert document["type"] == f"/problems/{code}"
    assert len(document["trace_id"]) == 32
    return document


def test_fields_come_from_path_and_body(client, rpc, bearer):
    answer = client.put(
        f"/api/v1/orders/{ORDER}/authorizations/www.example.com/method", json={"method": "email"}, headers=bearer
    )
    assert answer.status_code == 200
    assert rpc.asked == [dcv.ChooseMethod(order_id=ORDER, fqdn="www.example.com", method="email")]


def test_fields_come_from_the_query(client, rpc, bearer):
    answer = client.get("/api/v1/orders?limit=7&status=issued&search=%C3%A9", headers=bearer)
    assert answer.status_code == 200
    assert rpc.asked == [orders.ListOrders(limit=7, status="issued", search="é")]
    assert json.loads(answer.data)["next_cursor"] is None


def test_a_new_thing_says_where_it_is(client, bearer):
    answer = client.post("/api/v1/quotes", json={"product": "single-dv", "names": ["a.example"]}, headers=bearer)
    assert answer.status_code == 201
    assert answer.headers["Location"] == f"/api/v1/quotes/{json.loads(answer.data)['quote_id']}"


def test_an_operation_without_fields_takes_no_body_or_an_empty_one(client, rpc, bearer):
    path = f"/api/v1/orders/{ORDER}/cancel"
    assert client.post(path, headers=bearer).status_code == 200
    assert client.post(path, json={}, headers=bearer).status_code == 200
    problem(client.post(path, json={"order_id": ORDER}, headers=bearer), 422, "invalid")
    assert rpc.asked == [orders.CancelOrder(order_id=ORDER)] * 2


def test_nothing_to_say_is_no_content(client, bearer):
    answer = client.delete("/api/v1/tokens/" + ORDER, headers=bearer)
    assert (answer.status_code, answer.data) == (204, b"")


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        (b'{"names":["a"]}', "/product"),
        (b'{"product":"x","names":["a",1]}', "/names/1"),
        (b'{"product":"x","names":["a"],"term_years":true}', "/term_years"),
        (b'{"product":"x","names":["a"],"term_years":1.5}', "/term_years"),
        (b'{"product":"x","names":["a"],"account_id":"other"}', "/account_id"),
        (b'{"product":"x","names":["a"],"a/b~c":1}', "/a~1b~0c"),
        (b'{"product":"x","names":["a\\u0000"]}', "/names/0"),
        (b'{"product":"x","names":["a"],"term_years":100000000000000000000000000}', "/term_years"),
        (b'{"product":"x","names":["a"],"term_years":9007199254740992}', "/term_years"),
        (b"[]", None),
    ],
)
def test_a_wrong_body_is_refused_with_the_place(client, rpc, bearer, body, pointer):
    answer = client.post("/api/v1/quotes", data=body, content_type="application/json", headers=bearer)
    document = problem(answer, 422, "invalid")
    if pointer:
        assert document["errors"][0]["pointer"] == pointer
    assert document["detail"]
    assert rpc.asked == []


def test_a_nested_fault_is_found(client, bearer):
    answer = client.patch("/api/v1/account", json={"company": {"name": "x"}}, headers=bearer)
    assert problem(answer, 422, "invalid")["errors"][0]["pointer"] == "/company/address1"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"nonsense",
        b'{"product":"\xff"}',
        b'{"product":"\\ud800 "}',
        b'{"product":"\x00"}',
        b'{"product":NaN}',
        b'{"product":' + b"[" * 33 + b"]" * 33 + b"}",
        b'{"product":' + b"[" * 200_000 + b"]" * 200_000 + b"}",
        b"[" * 500_000,
        b"\xef\xbb\xbf{}",
    ],
)
def test_what_is_no_json_is_malformed(client, rpc, bearer, body):
    answer = client.post("/api/v1/quotes", data=body, content_type="application/json", headers=bearer)
    problem(answer, 400, "malformed")
    assert rpc.asked == []


def test_deep_text_is_no_depth(client, bearer):
    body = {"product": "[" * 100, "names": ['"{' * 50]}
    assert client.post("/api/v1/quotes", json=body, headers=bearer).status_code == 201


@pytest.mark.parametrize(
    "media", ["text/plain", "", "application/x-www-form-urlencoded", "application/json; charset=latin-1"]
)
def test_another_media_type_is_unsupported(client, bearer, media):
    answer = client.post("/api/v1/quotes", data=b"{}", content_type=media, headers=bearer)
    problem(answer, 415, "unsupported_media_type")


def test_a_large_body_is_not_read(client, bearer):
    answer = client.post(
        "/api/v1/quotes", data=b" " * (1 << 20) + b"{}", content_type="application/json", headers=bearer
    )
    problem(answer, 413, "too_large")


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("limit=1e3", "limit"),
        ("limit=", "limit"),
        ("limit=99999999999999999999", "limit"),
        ("limit=%D9%A3", "limit"),
        ("limit=1&limit=2", "limit"),
        ("account_id=other", "account_id"),
    ],
)
def test_a_wrong_query_is_refused_with_the_parameter(client, rpc, bearer, query, name):
    document = problem(client.get(f"/api/v1/orders?{query}", headers=bearer), 422, "invalid")
    assert document["errors"] == [{"detail": document["detail"], "parameter": name}]
    assert rpc.asked == []


@pytest.mark.parametrize("query", ["search=%FF", "search=%00", "search=%ED%A0%80", "%C3=1"])
def test_a_query_that_is_no_text_is_malformed(client, bearer, query):
    problem(client.get(f"/api/v1/orders?{query}", headers=bearer), 400, "malformed")


@pytest.mark.parametrize("order", ["1", "%00", "%FF", ORDER.upper(), ORDER + "%0A", "..", "a" * 5000])
def test_an_id_that_cannot_exist_is_not_found(client, rpc, bearer, order):
    problem(client.get(f"/api/v1/orders/{order}", headers=bearer), 404, "not_found")
    assert rpc.asked == []


def test_an_unknown_path_is_a_problem_too(client):
    problem(client.get("/api/v1/nothing"), 404, "not_found")
    problem(client.get("/api/v1//orders"), 404, "not_found")


def test_an_unknown_method_names_those_that_are_allowed(client, bearer):
    answer = client.open("/api/v1/orders", method="DELETE", headers=bearer)
    problem(answer, 405, "method_not_allowed")
    assert answer.headers["Allow"] == "GET, HEAD, OPTIONS, POST"
    problem(client.open("/api/v1/orders", method="BREW", headers=bearer), 405, "method_not_allowed")


@pytest.mark.parametrize(("code", "status"), [
    (Code.INVALID, 422), (Code.NOT_FOUND, 404), (Code.UNAUTHENTICATED, 401), (Code.FORBIDDEN, 403),
    (Code.CONFLICT, 409), (Code.ACTION_NOT_ALLOWED, 409), (Code.IDEMPOTENCY_MISMATCH, 422),
    (Code.IDEMPOTENCY_IN_FLIGHT, 409), (Code.INSUFFICIENT_FUNDS, 402), (Code.QUOTE_EXPIRED, 409),
    (Code.PAYMENT_DECLINED, 402), (Code.RATE_LIMITED, 429), (Code.TOO_LARGE, 413), (Code.DEADLINE_EXCEEDED, 504),
    (Code.UNAVAILABLE, 503), (Code.INTERNAL, 500),
])  # fmt: skip
def test_every_code_of_a_service_has_its_status(client, rpc, bearer, code, status):
    rpc.answers[orders.GetOrder] = ServiceError(code, "So it is.", extra={"missing": "1250"})
    answer = client.get(f"/api/v1/orders/{ORDER}", headers=bearer)
    document = problem(answer, status, code)
    assert document["detail"] == "So it is."
    assert document["extra"] == {"missing": "1250"}
    assert ("WWW-Authenticate" in answer.headers) == (status == 401)
    assert ("Retry-After" in answer.headers) == (status in {429, 503})


def test_a_service_names_the_parameter_or_the_place_in_the_body(client, rpc, bearer):
    rpc.answers[orders.GetOrder] = ServiceError(Code.INVALID, "No such moment.", pointer="/as_of")
    assert problem(client.get(f"/api/v1/orders/{ORDER}?as_of=x", headers=bearer), 422, "invalid")["errors"] == [
        {"detail": "No such moment.", "parameter": "as_of"}
    ]
    rpc.answers[billing.CreateQuote] = ServiceError(Code.INVALID, "No FQDN.", pointer="/names/1")
    answer = client.post("/api/v1/quotes", json={"product": "x", "names": ["a", "b"]}, headers=bearer)
    assert problem(answer, 422, "invalid")["errors"] == [{"detail": "No FQDN.", "pointer": "/names/1"}]


def test_a_bug_shows_nothing_of_itself(client, rpc, bearer, caplog):
    rpc.answers[orders.GetOrder] = RuntimeError("SELECT secret FROM /home")
    answer = client.get(f"/api/v1/orders/{ORDER}", headers=bearer)
    problem(answer, 500, "internal")
    assert b"SELECT" not in answer.data
    assert b"Traceback" not in answer.data
    assert "SELECT secret" in caplog.text


def test_a_repeated_key_is_the_same_command_and_no_key_is_a_new_one(client, rpc, bearer):
    def cancel(**headers):
        client.post(f"/api/v1/orders/{ORDER}/cancel", headers={**bearer, **headers})
        return rpc.contexts[-1].command_id

    first = cancel(**{"Idempotency-Key": "k1"})
    assert cancel(**{"Idempotency-Key": "k1"}) == first
    assert cancel(**{"Idempotency-Key": '"k1"'}) == first
    assert cancel(**{"Idempotency-Key": "k2"}) != first
    assert cancel() not in {first, cancel(), None}


def test_a_key_is_of_one_person_and_one_operation(client, rpc, bearer):
    other = {"Authorization": f"Bearer {rpc.person('other')}", "Idempotency-Key": "k"}
    own = {**bearer, "Idempotency-Key": "k"}
    for headers, action in ((own, "cancel"), (other, "cancel"), (own, "reissue")):
        client.post(f"/api/v1/orders/{ORDER}/{action}", json={}, headers=headers)
    assert len({context.command_id for context in rpc.contexts}) == 3


@pytest.mark.parametrize("key", ["", "x" * 256, "ü", "a\tb"])
def test_a_bad_key_is_malformed(client, bearer, key):
    headers = {**bearer, "Idempotency-Key": key}
    problem(client.post(f"/api/v1/orders/{ORDER}/cancel", headers=headers), 400, "malformed")


def test_reading_names_no_command(client, rpc, bearer):
    client.get("/api/v1/orders", headers={**bearer, "Idempotency-Key": "k"})
    assert rpc.contexts[-1].command_id is None


def test_the_secret_of_a_session_is_in_the_cookie_only(client, rpc):
    answer = client.post("/api/v1/session", json={"login": "ada", "password": "x"})
    secret = rpc.send(accounts.SignIn(login="ada", password="x"), None).session_token
    assert answer.status_code == 201
    assert secret.encode() not in answer.data
    assert answer.headers["Set-Cookie"] == f"certwright={secret}; Path=/; HttpOnly; SameSite=Lax"
    assert set(json.loads(answer.data)) == set(NewSession.__struct_fields__)


def test_over_tls_the_cookie_is_bound_to_the_host(rpc):
    client = Client(Gateway(rpc, GatewaySettings(_env_file=None), public_url="https://cw.example"), use_cookies=False)
    answer = client.post("/api/v1/session", json={"login": "ada", "password": "x"})
    assert answer.headers["Set-Cookie"].startswith("__Host-certwright=")
    assert answer.headers["Set-Cookie"].endswith("; Secure")
    assert "max-age" in answer.headers["Strict-Transport-Security"]


def test_signing_in_tells_where_from(client, rpc):
    client.post("/api/v1/session", json={"login": "a", "password": "b"}, environ_base={"REMOTE_ADDR": "192.0.2.7"})
    assert rpc.asked[0].remote_address == "192.0.2.7"
    problem(client.post("/api/v1/session", json={"login": "a", "password": "b", "remote_address": "x"}), 422, "invalid")


def test_a_notice_of_the_provider_arrives_as_it_was_sent(client, rpc):
    body = b'{ "type":"payment.captured" }\n'
    headers = {"webhook-signature": "v1,ab", "webhook-id": "n1", "webhook-timestamp": "1"}
    answer = client.post("/api/v1/payments/notices", data=body, headers=headers)
    assert answer.status_code == 204
    assert rpc.asked == [
        billing.RecordProviderNotice(body=body.decode(), signature="v1,ab", notice_id="n1", timestamp="1")
    ]
    problem(client.post("/api/v1/payments/notices", data=b"\xff"), 400, "malformed")


def test_files_come_as_files(client, rpc, bearer):
    answer = client.get(f"/api/v1/orders/{ORDER}/certificate.pem", headers=bearer)
    assert answer.headers["Content-Type"] == "application/x-pem-file"
    assert answer.text.count("BEGIN CERTIFICATE") == 2
    rpc.answers[installer.DownloadAgent] = installer.AgentDownload(
        file_name='a"\n/../é.zip', content_base64="UEs=", sha256="00"
    )
    answer = client.get(f"/api/v1/agents/{ORDER}/download", headers=bearer)
    assert answer.data == b"PK"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="a___..__.zip"'


def test_health_of_all_tells_which_service_is_away(client, rpc):
    operator = {"Authorization": f"Bearer {rpc.person('root', None, ['operator'])}"}
    from shared.contracts.operations import GetHealth, Health

    def health(request, context):
        if len(rpc.calls) % 2:
            return ServiceError(Code.UNAVAILABLE, "away")
        return Health(service="x", ready=True, version="1", parts={}, lags=[], dead_letters=0)

    rpc.answers[GetHealth] = health
    found = json.loads(client.get("/api/v1/operator/services", headers=operator).data)
    assert len(found["services"]) == 8
    assert not found["ready"]
    assert {service for _, _, service in rpc.calls if service} == set(SERVICES)


def test_dead_letters_are_asked_of_the_named_service(client, rpc):
    operator = {"Authorization": f"Bearer {rpc.person('root', None, ['operator'])}"}
    assert client.get("/api/v1/operator/services/dcv/dead-letters", headers=operator).status_code == 200
    assert rpc.calls[-1][2] == "dcv"
    problem(client.get("/api/v1/operator/services/gateway/dead-letters", headers=operator), 404, "not_found")


def test_the_trace_of_the_caller_goes_on(client, rpc, bearer):
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    answer = client.get("/api/v1/me", headers={**bearer, "traceparent": f"00-{trace}-00f067aa0ba902b7-01"})
    assert rpc.contexts[-1].trace_id == trace
    assert answer.headers["traceparent"].split("-")[1] == trace
    answer = client.get("/api/v1/me", headers={**bearer, "traceparent": f"00-{'0' * 32}-00f067aa0ba902b7-01"})
    assert answer.headers["traceparent"].split("-")[1] != "0" * 32


def test_browsers_are_told_to_be_careful(client):
    headers = client.get("/api/v1/products").headers
    assert headers["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cache-Control"] == "no-store"


_NAMES = st.sampled_from(["product", "names", "term_years", "currency", "x"]) | st.text()
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda part: st.lists(part, max_size=4) | st.dictionaries(_NAMES, part, max_size=4),
    max_leaves=8,
)
_rpc = FakeRpc()
_client = Client(Gateway(_rpc, GatewaySettings(_env_file=None)), use_cookies=False)
_rpc.person("full")


@settings(max_examples=300)
@given(st.binary(max_size=200) | _JSON.map(lambda value: json.dumps(value).encode()))
def test_no_body_is_a_fault_of_ours(body):
    answer = _client.post(
        "/api/v1/quotes", data=body, content_type="application/json", headers={"Authorization": "Bearer full"}
    )
    assert answer.status_code in {201, 400, 422}


@settings(max_examples=300)
@given(st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=60))
def test_no_query_and_no_path_is_a_fault_of_ours(text):
    for path in (f"/api/v1/orders?{text}", f"/api/v1/orders/{text}", f"/api/v1/mail-confirmations/{text}"):
        answer = _client.get(path.replace("#", ""), headers={"Authorization": "Bearer full"})
        assert answer.status_code in {200, 400, 404, 422}
