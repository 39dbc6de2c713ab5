# SPDX-License-Identifier: Apache-2.0
"""Accounts of clients: made, changed, given another key, ended (RFC 8555 §7.3)."""

from __future__ import annotations

from typing import Any

import msgspec
from flask import Response

from gateway.acme import jwk as keys
from gateway.acme import jws as messages
from gateway.acme.desk import Desk, Signed, refuse_ended
from gateway.acme.refusal import ACMERefusedError
from gateway.acme.reply import json_reply
from shared.contracts.accounts import ACMEAccountView, ChangeACMEAccount, CreateACMEAccount, FindACMEAccount
from shared.contracts.orders import ListACMEOrders
from shared.errors import Code, ServiceError

PAGE = 100


def create(desk: Desk, signed: Signed) -> Response:
    """new-account: finds the account of the key, or makes one that is bound by a credential."""
    if signed.account is not None:
        raise ACMERefusedError("malformed", "Sign a new account with the jwk of its key.")
    content = signed.message.content()
    thumbprint = keys.thumbprint(signed.jwk)
    try:
        found = signed.exchange.send(FindACMEAccount(thumbprint=thumbprint))
    except ServiceError as error:
        if error.code is not Code.NOT_FOUND:
            raise
    else:
        refuse_ended(found)
        return _shown(desk, found, 200)
    if content.get("onlyReturnExisting") is True:
        raise ACMERefusedError("accountDoesNotExist", "This key has no account.")
    binding = content.get("externalAccountBinding")
    if binding is None:
        detail = "Make a credential under Settings, ACME clients, and give its key id and HMAC key to the client."
        raise ACMERefusedError("externalAccountRequired", detail)
    if content.get("termsOfServiceAgreed") is not True:
        raise ACMERefusedError(
            "userActionRequired", "Agree to the terms of service.", instance=f"{desk.ground.url}/docs"
        )
    bound = messages.read_binding(binding, url=desk.url("new-account"))
    try:
        inner = msgspec.json.decode(bound.payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        inner = None
    if keys.thumbprint(inner) != thumbprint:
        raise ACMERefusedError("malformed", "The external account binding is for another key.")
    made = signed.exchange.send(
        CreateACMEAccount(
            jwk=msgspec.json.encode(keys.public_members(signed.jwk)).decode(),
            thumbprint=thumbprint,
            contact=_contact(content),
            credential_id=bound.kid,
            signed=bound.signed.hex(),
            mac=bound.mac.hex(),
        )
    )
    return _shown(desk, made, 201)


def update(desk: Desk, signed: Signed, account_id: str) -> Response:
    """The account itself: shown, given another contact, or ended."""
    account = _own(signed, account_id)
    content: dict[str, Any] = {} if signed.message.empty else signed.message.content()
    deactivate = content.get("status") == "deactivated"
    if deactivate or "contact" in content:
        account = desk_change(
            desk,
            signed,
            ChangeACMEAccount(
                acme_account_id=account.acme_account_id,
                contact=_contact(content) if "contact" in content else None,
                deactivate=deactivate,
            ),
        )
    return _shown(desk, account, 200, location=False)


def list_orders(desk: Desk, signed: Signed, account_id: str, cursor: str | None = None) -> Response:
    """The orders of the account, newest first, a hundred at a time; a link leads on (RFC 8555 §7.1.2.1).

    The place stands in the path, since the URL of a request is signed without a query.
    """
    _own(signed, account_id)
    if not signed.message.empty:
        raise ACMERefusedError("malformed", "Ask for this with an empty payload (POST-as-GET).")
    page = signed.exchange.send(ListACMEOrders(limit=PAGE, cursor=cursor))
    links = []
    if page.next_cursor is not None:
        links.append(("Link", f'<{desk.url("account", account_id, "orders", page.next_cursor)}>;rel="next"'))
    return json_reply({"orders": [desk.url("order", one) for one in page.items]}, headers=links)


def change_key(desk: Desk, signed: Signed) -> Response:
    """Another key for the account, which signs too (RFC 8555 §7.3.5)."""
    account = signed.by_account()
    inner = messages.read_inner(signed.message.content(), url=desk.url("key-change"))
    inner.verify(inner.jwk)
    content = inner.content()
    if content.get("account") != desk.url("account", account.acme_account_id):
        raise ACMERefusedError("malformed", "The inner message is about another account.")
    if keys.thumbprint(content.get("oldKey")) != account.thumbprint:
        raise ACMERefusedError("malformed", "The old key is not the account's.")
    change = ChangeACMEAccount(
        acme_account_id=account.acme_account_id,
        jwk=msgspec.json.encode(keys.public_members(inner.jwk)).decode(),
        thumbprint=keys.thumbprint(inner.jwk),
    )
    try:
        changed = desk_change(desk, signed, change)
    except ServiceError as error:
        if error.code is not Code.CONFLICT or "acme_account_id" not in error.extra:
            raise
        other = desk.url("account", error.extra["acme_account_id"])
        raise ACMERefusedError("malformed", error.detail, status=409, headers=[("Location", other)]) from None
    return _shown(desk, changed, 200, location=False)


def desk_change(desk: Desk, signed: Signed, change: ChangeACMEAccount) -> ACMEAccountView:
    """Asks `accounts` in the gateway's own name: the signature was the permission."""
    exchange = signed.exchange
    own = msgspec.structs.replace(exchange.context, permissions=frozenset({"internal"}))
    changed = exchange.rpc.send(change, own, timeout=exchange.timeout)
    desk.forget(change.acme_account_id)
    return changed


def _own(signed: Signed, account_id: str) -> ACMEAccountView:
    account = signed.by_account()
    if account.acme_account_id != account_id:
        raise ACMERefusedError("unauthorized", "This is not your account.")
    return account


def _contact(content: dict[str, Any]) -> list[str]:
    found = content.get("contact", [])
    if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
        raise ACMERefusedError("malformed", "`contact` is a list of URLs.")
    return found


def _shown(desk: Desk, account: ACMEAccountView, status: int, *, location: bool = True) -> Response:
    url = desk.url("account", account.acme_account_id)
    document = {
        "status": account.status,
        "contact": account.contact,
        "termsOfServiceAgreed": True,
        "orders": f"{url}/orders",
    }
    return json_reply(document, status, [("Location", url)] if location else [])
