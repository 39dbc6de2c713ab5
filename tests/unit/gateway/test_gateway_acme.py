# SPDX-License-Identifier: Apache-2.0
"""The ACME server over services that only exist in the test: who is let in, for what, and what others are told."""

import base64
import json

import pytest

from gateway.acme.jwk import thumbprint
from shared.contracts import accounts, dcv, orders
from shared.contracts.base import Done, Page
from shared.errors import Code, ServiceError
from tests.support.acme_signer import Signer

BASE = "http://127.0.0.1:8080"
JOSE = "application/jose+json"
SIGNER, OTHER = Signer(), Signer()
KEYS = {"acme-1": (SIGNER, "account-a"), "acme-2": (OTHER, "account-b")}


@pytest.fixture(autouse=True)
def services(gateway, rpc):
    """Two ACME accounts of two customers; nonces are good once; orders are those of the first."""
    gateway.acme._known.clear()
    used, status = set(), {}

    def find(request, _context):
        for name, (signer, account) in KEYS.items():
            if request.acme_account_id == name or request.thumbprint == thumbprint(signer.jwk):
                return accounts.ACMEAccountView(
                    acme_account_id=name, account_id=account, credential_id="key-1",
                    status=status.get(name, "valid"), jwk=json.dumps(signer.jwk), thumbprint=thumbprint(signer.jwk),
                    contact=[], product="dv-single", term_years=1, created_at="2026-11-26T00:00:00Z",
                )  # fmt: skip
        raise ServiceError(Code.NOT_FOUND, "There is no such ACME account.")

    def use(request, _context):
        if request.nonce_hash in used:
            raise ServiceError(Code.CONFLICT, "used")
        used.add(request.nonce_hash)
        return Done()

    def order(request, context):
        assert context.permissions == {"acme"}
        if context.account_id != "account-a":
            raise ServiceError(Code.NOT_FOUND, "There is no such order.")
        return view()

    rpc.answers |= {
        accounts.FindACMEAccount: find,
        accounts.UseACMENonce: use,
        accounts.GetACMENonceKey: accounts.ACMENonceKey(key="61" * 32),
        orders.GetACMEOrder: order,
        orders.OpenACMEOrder: lambda _request, _context: view(),
        dcv.GetACMEAuthorization: proof(),
        dcv.AnswerACMEChallenge: proof(status="validating", method="acme_http_01"),
    }
    return status


def view(**changes):
    fields = {
        "acme_order_id": "order-1", "order_id": "ours-1", "number": 2000001, "csr_version": 1, "status": "pending",
        "names": [orders.ACMEName(fqdn="www.example.com", authorized=False)], "paid": True,
        "expires_at": "2026-12-03T00:00:00Z",
    }  # fmt: skip
    return orders.ACMEOrderView(**{**fields, **changes})


def proof(**changes):
    return dcv.ACMEAuthorizationView(
        **{"fqdn": "www.example.com", "csr_version": 1, "token": "token-1", "status": "open", **changes}
    )


def nonce(client):
    return client.head("/acme/new-nonce").headers["Replay-Nonce"]


def post(client, path, payload, *, signer=SIGNER, kid="acme-1", url=None, given=None, media=JOSE, body=None):
    account = f"{BASE}/acme/account/{kid}" if kid else None
    message = body or signer.sign(url or f"{BASE}/acme/{path}", payload, given or nonce(client), account)
    return client.post(f"/acme/{path}", data=message, content_type=media)


def refusal(answer, status, kind):
    assert answer.status_code == status, answer.text
    document = json.loads(answer.data)
    assert document["type"] == f"urn:ietf:params:acme:error:{kind}", document
    assert answer.content_type == "application/problem+json"
    return document


def writes(rpc):
    return [one for one in rpc.asked if type(one).WRITES]


def test_the_directory_and_nonces_need_no_signature(client):
    directory = json.loads(client.get("/acme/directory").data)
    assert directory["meta"]["externalAccountRequired"] is True
    assert all(directory[name].startswith(f"{BASE}/acme/") for name in (
        "newNonce", "newAccount", "newOrder", "revokeCert", "keyChange", "renewalInfo"))  # fmt: skip
    head, get = client.head("/acme/new-nonce"), client.get("/acme/new-nonce")
    assert (head.status_code, get.status_code) == (200, 204)
    assert head.headers["Replay-Nonce"] != get.headers["Replay-Nonce"]
    assert head.headers["Cache-Control"] == "no-store"
    assert f'<{BASE}/acme/directory>;rel="index"' in head.headers.get_all("Link")


def test_a_signed_request_acts_for_the_account_of_its_credential(client, rpc):
    answer = post(client, "new-order", {"identifiers": [{"type": "dns", "value": "www.example.com"}]})
    assert answer.status_code == 201, answer.text
    assert answer.headers["Location"] == f"{BASE}/acme/order/order-1"
    assert answer.headers["Replay-Nonce"]
    asked, context = rpc.asked[-1], rpc.contexts[-1]
    assert (asked.names, asked.product, asked.thumbprint) == (
        ["www.example.com"], "dv-single", thumbprint(SIGNER.jwk))  # fmt: skip
    assert (context.actor, context.account_id, context.permissions) == ("acme:acme-1", "account-a", {"acme"})
    assert context.command_id


def test_a_nonce_is_good_once(client, rpc):
    given = nonce(client)
    assert post(client, "order/order-1", None, given=given).status_code == 200
    refusal(post(client, "order/order-1", None, given=given), 400, "badNonce")
    refusal(post(client, "order/order-1", None, given="AAAA"), 400, "badNonce")


def test_another_url_another_key_and_another_media_type_are_refused_and_nothing_is_written(client, rpc):
    refusal(post(client, "order/order-1", None, url=f"{BASE}/acme/order/order-2"), 403, "unauthorized")
    refusal(post(client, "order/order-1", None, url="https://other.example/acme/order/order-1"), 403, "unauthorized")
    refusal(post(client, "order/order-1", None, signer=OTHER), 403, "unauthorized")
    refusal(post(client, "order/order-1", None, media="application/json"), 415, "malformed")
    refusal(post(client, "order/order-1?x=1", None, url=f"{BASE}/acme/order/order-1"), 403, "unauthorized")
    assert writes(rpc) == []


def test_alg_none_hs256_and_both_signers_are_refused(client, rpc):
    url = f"{BASE}/acme/order/order-1"
    for header, kind in (
        ({"alg": "none"}, "badSignatureAlgorithm"),
        ({"alg": "HS256"}, "badSignatureAlgorithm"),
        ({"jwk": SIGNER.jwk}, "malformed"),
    ):
        body = SIGNER.message(
            {"url": url, "nonce": nonce(client), "kid": f"{BASE}/acme/account/acme-1", **header}, None
        )
        if header.get("alg") == "none":
            body["signature"] = ""
        refusal(post(client, "order/order-1", None, body=json.dumps(body).encode()), 400, kind)
    assert writes(rpc) == []


def test_an_oversized_message_is_refused(client):
    answer = post(client, "order/order-1", None, body=b"{" + b" " * (129 << 10))
    refusal(answer, 413, "malformed")


@pytest.mark.parametrize("kid", ["acme-9", "acme-1/orders", ""])
def test_an_unknown_account_does_not_exist(client, kid):
    url = f"{BASE}/acme/order/order-1"
    body = SIGNER.sign(url, None, nonce(client), f"{BASE}/acme/account/{kid}")
    refusal(post(client, "order/order-1", None, body=body), 400, "accountDoesNotExist")


@pytest.mark.parametrize("status", ["deactivated", "revoked"])
def test_an_ended_account_can_do_nothing(client, services, rpc, status):
    services["acme-1"] = status
    refusal(post(client, "order/order-1", None), 401, "unauthorized")
    assert writes(rpc) == []


OF_ORDERS = ["order/order-1", "authz/order-1/0", "challenge/order-1/0/http-01"]


@pytest.mark.parametrize("path", OF_ORDERS)
def test_the_order_of_another_account_does_not_exist(client, path):
    assert post(client, path, None).status_code == 200
    refusal(post(client, path, None, signer=OTHER, kid="acme-2"), 404, "malformed")


@pytest.mark.parametrize("path", [*OF_ORDERS, "order/order-1/finalize", "certificate/order-1", "new-order",
    "key-change", "account/acme-1", "account/acme-1/orders"])  # fmt: skip
def test_a_key_alone_is_no_account(client, path):
    refusal(post(client, path, {"csr": "AAAA", "identifiers": [{"type": "dns", "value": "a.example.com"}]}, kid=None),
        400, "malformed")  # fmt: skip


def test_the_account_of_another_is_not_shown(client):
    refusal(post(client, "account/acme-1", {}, signer=OTHER, kid="acme-2"), 403, "unauthorized")
    refusal(post(client, "account/acme-1/orders", None, signer=OTHER, kid="acme-2"), 403, "unauthorized")


def test_a_new_account_needs_a_binding_of_its_own_key(client, rpc):
    fresh, key, url = Signer(), b"k" * 32, f"{BASE}/acme/new-account"
    refusal(post(client, "new-account", {}, signer=fresh, kid=None), 403, "externalAccountRequired")
    refusal(post(client, "new-account", {"onlyReturnExisting": True}, signer=fresh, kid=None), 400,
        "accountDoesNotExist")  # fmt: skip
    wanted = {"termsOfServiceAgreed": True, "externalAccountBinding": fresh.binding(url, "key-1", key)}
    refusal(post(client, "new-account", {**wanted, "termsOfServiceAgreed": False}, signer=fresh, kid=None), 403,
        "userActionRequired")  # fmt: skip
    foreign = {**wanted, "externalAccountBinding": OTHER.binding(url, "key-1", key)}
    refusal(post(client, "new-account", foreign, signer=fresh, kid=None), 400, "malformed")
    answer = post(client, "new-account", wanted, signer=fresh, kid=None)
    assert answer.status_code == 201
    asked = rpc.asked[-1]
    assert (asked.credential_id, asked.thumbprint) == ("key-1", thumbprint(fresh.jwk))
    existing = post(client, "new-account", {}, kid=None)
    assert (existing.status_code, existing.headers["Location"]) == (200, f"{BASE}/acme/account/acme-1")


def test_an_authorization_shows_its_challenges_and_what_went_wrong(client, rpc):
    answer = post(client, "authz/order-1/0", None)
    found = json.loads(answer.data)
    assert (found["status"], found["identifier"]["value"]) == ("pending", "www.example.com")
    assert [one["type"] for one in found["challenges"]] == ["http-01", "dns-01"]
    assert answer.headers["Retry-After"] == "1"
    rpc.answers[dcv.GetACMEAuthorization] = proof(
        status="failed", method="acme_http_01", reason="file_wrong_content", advice="The content is another."
    )
    found = json.loads(post(client, "authz/order-1/0", None).data)
    assert found["status"] == "invalid"
    assert found["challenges"][0]["error"] == {
        "type": "urn:ietf:params:acme:error:incorrectResponse", "detail": "The content is another."}  # fmt: skip
    assert found["challenges"][1]["status"] == "pending"
    refusal(post(client, "authz/order-1/7", None), 404, "malformed")


def test_a_wildcard_has_dns_01_only(client, rpc):
    rpc.answers[orders.GetACMEOrder] = view(names=[orders.ACMEName(fqdn="*.example.com", authorized=False)])
    found = json.loads(post(client, "authz/order-1/0", None).data)
    assert (found["wildcard"], found["identifier"]["value"]) == (True, "example.com")
    assert [one["type"] for one in found["challenges"]] == ["dns-01"]
    refusal(post(client, "challenge/order-1/0/http-01", {}), 404, "malformed")


def test_answering_a_challenge_has_it_looked_at(client, rpc):
    answer = post(client, "challenge/order-1/0/http-01", {})
    assert json.loads(answer.data)["status"] == "processing"
    assert f'<{BASE}/acme/authz/order-1/0>;rel="up"' in answer.headers.get_all("Link")
    [asked] = [one for one in rpc.asked if isinstance(one, dcv.AnswerACMEChallenge)]
    assert (asked.order_id, asked.fqdn, asked.csr_version, asked.method) == (
        "ours-1", "www.example.com", 1, "acme_http_01")  # fmt: skip


@pytest.mark.parametrize(("identifiers", "kind"), [
    (None, "malformed"), ([], "malformed"), ([{"type": "ip", "value": "10.0.0.1"}], "unsupportedIdentifier"),
    ([{"type": "dns"}], "malformed"), (["www.example.com"], "malformed"),
])  # fmt: skip
def test_strange_identifiers_are_refused(client, identifiers, kind):
    refusal(post(client, "new-order", {"identifiers": identifiers}), 400, kind)


def test_lack_of_funds_leads_to_the_console(client, rpc):
    rpc.answers[orders.OpenACMEOrder] = ServiceError(Code.INSUFFICIENT_FUNDS, "Add funds, then try again.")
    wanted = {"identifiers": [{"type": "dns", "value": "www.example.com"}]}
    document = refusal(post(client, "new-order", wanted), 403, "userActionRequired")
    assert document["instance"].startswith(BASE)
    rpc.answers[orders.OpenACMEOrder] = ServiceError(Code.RATE_LIMITED, "Later.", extra={"retry_after": "17"})
    answer = post(client, "new-order", wanted)
    refusal(answer, 429, "rateLimited")
    assert answer.headers["Retry-After"] == "17"


def test_finalize_waits_for_no_proof_and_refuses_a_csr_with_a_reason(client, rpc):
    csr = {"csr": base64.urlsafe_b64encode(b"no csr").rstrip(b"=").decode()}
    rpc.answers[orders.FinalizeACMEOrder] = ServiceError(Code.ACTION_NOT_ALLOWED, "Not every name is proved.")
    refusal(post(client, "order/order-1/finalize", csr), 403, "orderNotReady")
    rpc.answers[orders.GetACMEOrder] = view(status="ready", names=[orders.ACMEName(fqdn="www.example.com",
        authorized=True)])  # fmt: skip
    rpc.answers[orders.FinalizeACMEOrder] = ServiceError(Code.INVALID, "It is damaged.", pointer="/csr")
    refusal(post(client, "order/order-1/finalize", csr), 400, "badCSR")
    rpc.answers[orders.GetACMEOrder] = view(status="invalid", error="Superseded.", error_code="superseded")
    refusal(post(client, "order/order-1/finalize", csr), 403, "orderNotReady")


def test_a_key_change_is_signed_by_both_keys(client, rpc):
    fresh, url = Signer("ES384"), f"{BASE}/acme/key-change"
    account = f"{BASE}/acme/account/acme-1"
    right = {"account": account, "oldKey": SIGNER.jwk}
    inner = fresh.message({"url": url, "jwk": fresh.jwk}, right)
    assert post(client, "key-change", inner).status_code == 200
    [change] = [one for one in rpc.asked if isinstance(one, accounts.ChangeACMEAccount)]
    assert (change.acme_account_id, change.thumbprint) == ("acme-1", thumbprint(fresh.jwk))
    for spoiled in (
        fresh.message({"url": url, "jwk": fresh.jwk}, {**right, "oldKey": OTHER.jwk}),
        fresh.message({"url": url, "jwk": fresh.jwk}, {**right, "account": f"{BASE}/acme/account/acme-2"}),
        fresh.message({"url": f"{url}/", "jwk": fresh.jwk}, right),
        fresh.message({"url": url, "jwk": fresh.jwk, "nonce": "n"}, right),
    ):
        refusal(post(client, "key-change", spoiled), 400, "malformed")
    refusal(post(client, "key-change", fresh.message({"url": url, "jwk": OTHER.jwk}, right)), 400,
        "badSignatureAlgorithm")  # fmt: skip


def test_orders_are_listed_page_by_page(client, rpc):
    made = [f"order-{number:03}" for number in range(250, 0, -1)]

    def listed(request, _context):
        rest = made if request.cursor is None else made[made.index(request.cursor) + 1 :]
        more = rest[request.limit - 1] if len(rest) > request.limit else None
        return Page(items=rest[: request.limit], next_cursor=more)

    rpc.answers[orders.ListACMEOrders] = listed
    path, found, sizes = "account/acme-1/orders", [], []
    while path:
        answer = post(client, path, None)
        page = json.loads(answer.data)["orders"]
        found += page
        sizes.append(len(page))
        following = [link for link in answer.headers.get_all("Link") if 'rel="next"' in link]
        path = following[0].partition(">")[0].removeprefix(f"<{BASE}/acme/") if following else ""
    assert found == [f"{BASE}/acme/order/{each}" for each in made]
    assert sizes == [100, 100, 50]
    refusal(post(client, "account/acme-1/orders/order-151", None, signer=OTHER, kid="acme-2"), 403, "unauthorized")
    refusal(post(client, "account/acme-1/orders", {}), 400, "malformed")
