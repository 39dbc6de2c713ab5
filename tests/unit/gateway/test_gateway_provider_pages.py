# SPDX-License-Identifier: Apache-2.0
"""The way to the sign-in provider and back: redirects and cookies only, and never a page of an error."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from werkzeug.test import Client

from gateway.app import Gateway
from gateway.settings import GatewaySettings
from shared.contracts import accounts
from shared.errors import Code, ServiceError
from tests.support.fake_rpc import FakeRpc

BROWSER = "b" * 43
FROM = {"REMOTE_ADDR": "192.0.2.7"}
ELSEWHERE = ["//evil.test", "/\\evil.test", "https://evil.test", "/a b", "/ä", "x", "/" + "x" * 600]
BEGUN = accounts.OIDCBegun(
    url="https://login.example/authorize?state=s", browser=BROWSER, expires_at="2026-11-26T12:00:00.000000Z"
)


def signed_in(*due):
    user = accounts.UserView(
        user_id="u", account_id="a", login="nora", email="n@example.com", permissions=["view"], totp=False,
        created_at="2026-11-26T12:00:00.000000Z",
    )  # fmt: skip
    texts = [accounts.AgreementText(kind=kind, version="1", text="…") for kind in due]
    return accounts.SignedIn(
        session_token="new-session", expires_at="2026-11-26T12:00:00.000000Z", user=user, agreements_due=texts
    )


def cookies(answer):
    return answer.headers.getlist("Set-Cookie")


def test_the_browser_goes_to_the_provider_with_a_cookie_that_binds_it(client, rpc):
    rpc.answers[accounts.BeginOIDCSignIn] = BEGUN
    answer = client.get("/sign-in/oidc?next=/orders%3Fa=1", environ_overrides=FROM)
    assert (answer.status_code, answer.headers["Location"]) == (302, BEGUN.url)
    assert cookies(answer) == [f"certwright-oidc={BROWSER}; Path=/; Max-Age=600; HttpOnly; SameSite=Lax"]
    (asked,) = rpc.asked
    assert (asked.browser, asked.next_path, asked.remote_address) == ("", "/orders?a=1", "192.0.2.7")
    client.get("/sign-in/oidc", headers={"Cookie": f"x=1; certwright-oidc={BROWSER}"})
    assert rpc.asked[-1].browser == BROWSER


@pytest.mark.parametrize(
    "path", ["//evil.test", "/\\evil.test", "https://evil.test", "/a b", "/ä", "x", "/" + "x" * 600]
)
def test_it_never_leads_elsewhere(client, rpc, path):
    rpc.answers[accounts.BeginOIDCSignIn] = BEGUN
    client.get(f"/sign-in/oidc?next={quote(path, safe='')}")
    assert rpc.asked[-1].next_path == "/"
    rpc.answers[accounts.FinishOIDC] = accounts.OIDCFinished(signed_in=signed_in(), next_path=path)
    assert client.get("/sign-in/oidc/callback?state=s&code=c").headers["Location"] == "/console/"


def test_the_way_back_gives_a_session_and_takes_the_binding_away(client, rpc):
    rpc.answers[accounts.FinishOIDC] = accounts.OIDCFinished(signed_in=signed_in(), next_path="/orders")
    back = "/sign-in/oidc/callback?state=s&code=c&iss=https%3A%2F%2Flogin.example&session_state=ignored&x=1&x=2"
    answer = client.get(back, headers={"Cookie": f"certwright-oidc={BROWSER}"}, environ_overrides=FROM)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/console/orders")
    assert cookies(answer) == [
        "certwright=new-session; Path=/; HttpOnly; SameSite=Lax",
        "certwright-oidc=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax",
    ]
    assert rpc.asked == [
        accounts.FinishOIDC(
            state="s", browser=BROWSER, code="c", issuer="https://login.example", remote_address="192.0.2.7"
        )
    ]
    assert answer.headers["Cache-Control"] == "no-store"


def test_over_tls_both_cookies_are_of_this_host_only():
    gateway = Gateway(FakeRpc(), GatewaySettings(_env_file=None), public_url="https://c.example")
    safe = Client(gateway, use_cookies=False)
    fake = gateway.ground.rpc
    fake.answers[accounts.FinishOIDC] = accounts.OIDCFinished(signed_in=signed_in())
    answer = safe.get("/sign-in/oidc/callback?state=s", headers={"Cookie": f"__Host-certwright-oidc={BROWSER}"})
    assert [one.partition("=")[0] for one in cookies(answer)] == ["__Host-certwright", "__Host-certwright-oidc"]
    assert all("; Secure" in one for one in cookies(answer))
    assert fake.asked[0].browser == BROWSER


def test_agreements_that_are_due_come_first(client, rpc):
    rpc.answers[accounts.FinishOIDC] = accounts.OIDCFinished(
        signed_in=signed_in("eula", "subscriber"), next_path="/orders"
    )
    answer = client.get("/sign-in/oidc/callback?state=s&code=c")
    assert answer.headers["Location"] == "/console/sign-in?accept=eula%2Csubscriber&next=%2Forders"


def test_who_is_signed_in_comes_back_to_the_profile(client, rpc):
    rpc.answers[accounts.FinishOIDC] = accounts.OIDCFinished(next_path="/profile")
    answer = client.get("/sign-in/oidc/callback?state=s&code=c", headers={"Cookie": f"certwright={rpc.person('full')}"})
    assert answer.headers["Location"] == "/console/profile?oidc=connected"
    assert (rpc.contexts[-1].actor, rpc.contexts[-1].permissions) == ("user:full", {"internal"})


def test_a_session_that_has_ended_does_not_stand_in_the_way(client, rpc):
    rpc.answers[accounts.FinishOIDC] = accounts.OIDCFinished(signed_in=signed_in())
    answer = client.get("/sign-in/oidc/callback?state=s&code=c", headers={"Cookie": "certwright=ended"})
    assert answer.headers["Location"] == "/console/"
    assert (rpc.contexts[-1].actor, rpc.contexts[-1].account_id) == ("public", None)


@pytest.mark.parametrize(
    ("error", "target"),
    [
        (ServiceError(Code.UNAUTHENTICATED, "…", extra={"oidc": "stale", "for": "sign_in"}), "sign-in?oidc=stale"),
        (ServiceError(Code.CONFLICT, "…", extra={"oidc": "taken", "for": "link"}), "profile?oidc=taken"),
        (ServiceError(Code.CREDENTIALS_EXPIRED, "…", extra={"for": "sign_in"}), "sign-in?oidc=password_expired"),
        (ServiceError(Code.RATE_LIMITED, "…", extra={"retry_after": "2"}), "sign-in?oidc=busy"),
        (ServiceError(Code.UNAVAILABLE, "…"), "sign-in?oidc=unavailable"),
        (ServiceError(Code.DEADLINE_EXCEEDED, "…"), "sign-in?oidc=unavailable"),
        (ServiceError(Code.INTERNAL, "…"), "sign-in?oidc=refused"),
    ],
)
def test_every_refusal_ends_on_a_page_that_says_it(client, rpc, error, target):
    rpc.answers[accounts.FinishOIDC] = rpc.answers[accounts.BeginOIDCSignIn] = error
    for path in ("/sign-in/oidc", "/sign-in/oidc/callback?state=s&error=access_denied"):
        answer = client.get(path)
        assert (answer.status_code, answer.headers["Location"]) == (303, f"/console/{target}")
        assert cookies(answer) == []


@pytest.mark.parametrize("query", ["state=a&state=b", "state=%ff", "code=%00", f"code={'x' * 5000}", "next=/&next=/x"])
def test_what_cannot_be_read_is_refused_without_asking_anybody(client, rpc, query):
    for path in ("/sign-in/oidc", "/sign-in/oidc/callback"):
        answer = client.get(f"{path}?{query}")
        assert answer.headers["Location"] == "/console/sign-in?oidc=invalid"
    assert rpc.asked == []


def test_nothing_else_than_looking_is_answered(client, rpc):
    for path in ("/sign-in/oidc", "/sign-in/oidc/callback"):
        assert client.post(path).status_code == 405
    assert rpc.asked == []


def test_connecting_begins_in_the_api_and_the_secret_is_in_the_cookie_only(client, rpc):
    rpc.answers[accounts.BeginOIDCLink] = BEGUN
    headers = {"Cookie": f"certwright={rpc.person('full')}"}
    answer = client.post("/api/v1/me/identities/begin", json={"current_password": "x"}, headers=headers)
    assert answer.json == {"url": BEGUN.url, "expires_at": BEGUN.expires_at}
    assert BROWSER in cookies(answer)[0]
    assert BROWSER not in answer.text
