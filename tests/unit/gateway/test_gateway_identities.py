# SPDX-License-Identifier: Apache-2.0
"""Every operation with every wrong identity, generated from the table: a new operation is tried without a new test."""

import json
import re

import pytest
from werkzeug.test import Client

from gateway.examples import example
from gateway.identity import Credential, Identities
from gateway.operations import ROUTES
from gateway.route import WITH_BODY, Input
from shared.contracts.accounts import Authenticate
from shared.contracts.base import Permission
from shared.contracts.installer import AuthenticateAgent
from shared.errors import Code, ServiceError
from tests.support.fake_rpc import ALL, example_path

PRIVATE = [route for route in ROUTES if route.request.PERMISSION is not Permission.PUBLIC]
PUBLIC = [
    route for route in ROUTES if route.request.PERMISSION is Permission.PUBLIC and route.request.SERVICE != "gateway"
]
OF_ACCOUNTS = [route for route in PRIVATE if route.request.PERMISSION is not Permission.OPERATOR]
each = pytest.mark.parametrize("route", PRIVATE, ids=lambda route: route.operation_id)


def ask(client, route, **headers):
    one = Input(route)
    query = {} if route.method in WITH_BODY else {
        field.name: example(field.type, "", field.name) for field in one.query_fields if field.required
    }  # fmt: skip
    body = example(one.body_type) if one.body_fields and route.form is None else None
    return client.open(
        example_path(route.path), method=route.method, query_string=query, json=body,
        headers={name.replace("_", "-"): value for name, value in headers.items()},
    )  # fmt: skip


def token_for(rpc, route, account="account-a", secret="right"):
    permission = route.request.PERMISSION
    if permission is Permission.AGENT:
        return rpc.agent(secret, account)
    if permission is Permission.OPERATOR:
        return rpc.person(secret, None, ["operator"])
    return rpc.person(secret, account, ALL)


@each
def test_with_the_right_identity_the_service_is_asked_for_its_account(client, rpc, route):
    answer = ask(client, route, Authorization=f"Bearer {token_for(rpc, route)}")
    assert answer.status_code == route.status, answer.text
    context = rpc.contexts[0]
    assert context.account_id == (None if route.request.PERMISSION is Permission.OPERATOR else "account-a")
    assert (context.command_id is not None) == route.writes
    answer.close()


@each
def test_nobody_is_told_to_sign_in(client, rpc, route):
    answer = ask(client, route)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert rpc.calls == []


@each
def test_a_revoked_credential_is_nobody(client, rpc, route):
    for headers in (
        {"Authorization": "Bearer revoked"},
        {"Cookie": "certwright=revoked"},
        {"Authorization": "Basic eDp5"},
    ):
        answer = ask(client, route, **headers)
        assert answer.status_code == 401
    assert rpc.asked == []


@each
def test_without_the_permission_it_is_forbidden(client, rpc, route):
    permission = route.request.PERMISSION
    lesser = [one for one in ALL if one != permission.value]
    if permission is Permission.SIGNED_IN:
        wrong = {"Authorization": f"Bearer {rpc.person('nothing', None, [])}"}
    else:
        wrong = {"Authorization": f"Bearer {rpc.person('lesser', 'account-a', lesser)}"}
    answer = ask(client, route, **wrong)
    if route.path.startswith("/api/agent/"):
        assert answer.status_code == 401  # a person's token is no agent's
    else:
        assert answer.status_code == 403
        assert json.loads(answer.data)["code"] == "forbidden"
    assert rpc.asked == []


@each
def test_an_agent_is_no_person_and_an_operator_no_customer(client, rpc, route):
    rpc.agent("agent")
    if not route.path.startswith("/api/agent/"):
        assert ask(client, route, Authorization="Bearer agent").status_code == 401
    operator = rpc.person("operator", None, ["operator"])
    answer = ask(client, route, Authorization=f"Bearer {operator}")
    reads = route.request.PERMISSION in {Permission.VIEW, Permission.SIGNED_IN, Permission.OPERATOR}
    assert answer.status_code == (401 if route.path.startswith("/api/agent/") else route.status if reads else 403)
    answer.close()


@pytest.mark.parametrize(
    "route",
    [one for one in PRIVATE if one.request.PERMISSION is not Permission.OPERATOR],
    ids=lambda one: one.operation_id,
)
def test_the_thing_of_another_account_does_not_exist(client, rpc, route):
    """A service answers by the account of the context; nothing in the request can change which one that is."""

    def owned(request, context):
        if context.account_id != "account-a":
            return ServiceError(Code.NOT_FOUND, "There is no such thing.")
        raise AssertionError("the other account was let in")

    rpc.answers[route.request] = owned
    other = token_for(rpc, route, "account-b", "other")
    answer = ask(client, route, Authorization=f"Bearer {other}", X_Account_Id="account-a", Account="account-a")
    assert answer.status_code == 404
    assert all(context.account_id == "account-b" for context in rpc.contexts)
    answer = client.open(
        example_path(route.path) + "?account_id=account-a", method=route.method, json={"account_id": "account-a"}
        if route.method in WITH_BODY else None, headers={"Authorization": f"Bearer {other}"},
    )  # fmt: skip
    assert answer.status_code in {404, 422}


@pytest.mark.parametrize("route", PUBLIC, ids=lambda route: route.operation_id)
def test_a_public_operation_acts_for_nobody(client, rpc, route):
    rpc.person("full")
    answer = ask(client, route, Authorization="Bearer full", Cookie="certwright=full")
    assert answer.status_code in {route.status, 500}, answer.text  # example certificates are none
    assert rpc.contexts or route.request.SERVICE == "gateway"  # which answers by itself
    for context in rpc.contexts[:1]:
        assert (context.actor, context.account_id, context.permissions) == ("public", None, frozenset())


def test_every_operation_has_a_permission_and_a_unique_place():
    places = [(route.method, re.sub(r"\{\w+\}", "{}", route.path)) for route in ROUTES]
    assert len(places) == len(set(places))
    assert all(isinstance(route.request.PERMISSION, Permission) for route in ROUTES)


@pytest.mark.parametrize(("headers", "status"), [
    ({"Origin": "http://127.0.0.1:8080"}, 204), ({"Origin": "http://localhost"}, 204), ({}, 204),
    ({"Sec-Fetch-Site": "same-origin"}, 204), ({"Sec-Fetch-Site": "none"}, 204),
    ({"Origin": "https://evil.example"}, 403), ({"Origin": "null"}, 403), ({"Origin": ""}, 403),
    ({"Sec-Fetch-Site": "cross-site"}, 403), ({"Sec-Fetch-Site": "same-site"}, 403),
    ({"Origin": "http://127.0.0.1:8080.evil.example"}, 403),
])  # fmt: skip
def test_a_write_that_another_site_began_is_refused(client, rpc, headers, status):
    rpc.person("full")
    answer = client.delete("/api/v1/session", headers={"Cookie": "certwright=full", **headers})
    assert answer.status_code == status
    assert len(rpc.asked) == (status == 204)


def test_another_site_cannot_sign_anybody_in(client):
    answer = client.post(
        "/api/v1/session", json={"login": "a", "password": "b"}, headers={"Origin": "https://evil.example"}
    )
    assert answer.status_code == 403


def test_a_token_needs_no_origin(client, bearer):
    answer = client.delete("/api/v1/session", headers={**bearer, "Origin": "https://app.example"})
    assert answer.status_code == 204


def test_the_cookie_of_another_scheme_is_not_read(rpc):
    from gateway.app import Gateway
    from gateway.settings import GatewaySettings

    rpc.person("full")
    client = Client(Gateway(rpc, GatewaySettings(_env_file=None), public_url="https://cw.example"), use_cookies=False)
    assert client.get("/api/v1/me", headers={"Cookie": "certwright=full"}).status_code == 401
    assert client.get("/api/v1/me", headers={"Cookie": "x=1; __Host-certwright=full"}).status_code == 200


def test_one_answer_counts_for_two_seconds_and_no_longer(rpc):
    now = [0.0]
    identities = Identities(rpc, monotonic=lambda: now[0])
    rpc.person("full")
    credential = Credential("token", "full")
    identities.caller(credential)
    now[0] = 1.9
    identities.caller(credential)
    assert len(rpc.calls) == 1
    del rpc.people["full"]
    now[0] = 2.0
    with pytest.raises(ServiceError, match="unauthenticated"):
        identities.caller(credential)


def test_signing_out_is_known_at_once(client, rpc):
    rpc.person("full")
    headers = {"Cookie": "certwright=full"}
    assert client.get("/api/v1/me", headers=headers).status_code == 200
    answer = client.delete("/api/v1/session", headers=headers)
    assert answer.headers["Set-Cookie"].endswith("Max-Age=0")
    assert rpc.asked[-1].session_id == "credential-full"
    del rpc.people["full"]
    assert client.get("/api/v1/me", headers=headers).status_code == 401


def test_an_answer_that_was_on_its_way_when_credentials_ended_is_not_kept(rpc):
    identities = Identities(rpc)
    rpc.person("full")
    identity = rpc.people["full"]

    def slowly(request, context):
        identities.forget()
        return identity

    rpc.answers[Authenticate] = slowly
    identities.caller(Credential("token", "full"))
    identities.caller(Credential("token", "full"))
    assert len(rpc.calls) == 2


def test_a_service_cannot_be_made_to_think_that_a_person_is_a_service(rpc, client):
    rpc.person("sly", "account-a", ["internal", "agent", "view"])
    client.get("/api/v1/orders", headers={"Authorization": "Bearer sly"})
    assert rpc.contexts[-1].permissions == {"view"}


def test_when_nobody_can_tell_who_asks_it_is_unavailable(client, rpc):
    rpc.answers[Authenticate] = ServiceError(Code.UNAVAILABLE, "away")
    rpc.answers[AuthenticateAgent] = ServiceError(Code.UNAVAILABLE, "away")
    assert client.get("/api/v1/me", headers={"Authorization": "Bearer full"}).status_code == 503
    answer = client.put("/api/agent/v1/sites", json={"sites": []}, headers={"Authorization": "Bearer full"})
    assert answer.status_code == 503


def test_the_forwarded_address_counts_behind_a_trusted_proxy_only(rpc):
    from gateway.app import Gateway
    from gateway.settings import GatewaySettings

    settings = GatewaySettings(_env_file=None, trusted_proxies=["10.0.0.0/8", "fd00::/8"])
    client = Client(Gateway(rpc, settings), use_cookies=False)

    def seen(peer, forwarded):
        client.post("/api/v1/session", json={"login": "a", "password": "b"},
            headers={"X-Forwarded-For": forwarded}, environ_base={"REMOTE_ADDR": peer})  # fmt: skip
        return rpc.asked[-1].remote_address

    assert seen("10.0.0.1", "198.51.100.9, 10.0.0.2") == "198.51.100.9"
    assert seen("10.0.0.1", "203.0.113.5, 198.51.100.9") == "198.51.100.9"
    assert seen("192.0.2.1", "198.51.100.9") == "192.0.2.1"
    assert seen("10.0.0.1", "nonsense") == "10.0.0.1"
    assert seen("10.0.0.1", "") == "10.0.0.1"


def test_no_secret_of_an_example_is_in_a_problem(rpc, client):
    """Quality bar S9: what was sent as a secret never comes back."""
    rpc.answers[next(route.request for route in ROUTES if route.operation_id == "sign_in")] = ServiceError(
        Code.UNAUTHENTICATED, "Login, password or second factor is wrong."
    )
    answer = client.post("/api/v1/session", json={"login": "ada", "password": "canary-7f3a", "code": "canary-7f3a"})
    assert b"canary" not in answer.data
    answer = client.post("/api/v1/session", json={"login": 1, "password": "canary-7f3a"})
    assert b"canary" not in answer.data
