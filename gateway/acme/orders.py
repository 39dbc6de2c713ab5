# SPDX-License-Identifier: Apache-2.0
"""Orders, authorizations, challenges and certificates (RFC 8555 §7.4, §7.5), made of what `orders` and `dcv` say.

Both rooms learn of one another by events, some milliseconds later. A client is not told of that: where an answer
depends on it, it is waited for.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from flask import Response

from gateway.acme import jwk as keys
from gateway.acme.desk import Desk, Signed
from gateway.acme.refusal import PREFIX, ACMERefusedError
from gateway.acme.reply import json_reply
from shared.contracts import dcv, orders
from shared.errors import Code, ServiceError
from shared.pki.csr import to_pem

PEM_CHAIN = "application/pem-certificate-chain"
METHODS = {"http-01": "acme_http_01", "dns-01": "acme_dns_01"}
WAIT_S, STEP_S = 5.0, 0.02
RETRY_AFTER = ("Retry-After", "1")
# What a look said, as an error type of RFC 8555 §6.7.
_DNS = frozenset({"dns_no_record", "dns_failed"})
_CONNECTION = frozenset({"host_unreachable", "address_refused"})


def create(desk: Desk, signed: Signed) -> Response:
    """new-order."""
    account = signed.by_account()
    content = signed.message.content()
    if "notBefore" in content or "notAfter" in content:
        raise ACMERefusedError("malformed", "The validity is that of the rules; leave notBefore and notAfter out.")
    replaces = content.get("replaces", "")
    if not isinstance(replaces, str):
        raise ACMERefusedError("malformed", "`replaces` names a certificate by a text.")
    order = signed.exchange.send(
        orders.OpenACMEOrder(
            thumbprint=account.thumbprint,
            names=_names(content.get("identifiers")),
            product=account.product,
            term_years=account.term_years,
            replaces=replaces,
        )
    )
    return _shown(desk, order, 201, location=True)


def show(desk: Desk, signed: Signed, acme_order_id: str) -> Response:
    """An order, as POST-as-GET."""
    _read_only(signed)
    return _shown(desk, _order(signed, acme_order_id))


def finalize(desk: Desk, signed: Signed, acme_order_id: str) -> Response:
    """The CSR; the certificate mostly is there before the answer."""
    signed.by_account()
    der = keys.decode(signed.message.content().get("csr"))
    order = _until(
        lambda: _order(signed, acme_order_id),
        lambda one: one.status != "pending" or not all(name.authorized for name in one.names),
    )
    if order.status in {"pending", "ready"}:
        order = _submit(signed, order, der)
    elif order.status == "invalid":
        raise ACMERefusedError("orderNotReady", order.error)
    order = _until(lambda: _order(signed, acme_order_id), lambda one: one.status != "processing")
    return _shown(desk, order, location=True)


def _submit(signed: Signed, order: orders.ACMEOrderView, der: bytes) -> orders.ACMEOrderView:
    ask = orders.FinalizeACMEOrder(
        acme_order_id=order.acme_order_id, csr=to_pem(der), account_spki_sha256=keys.spki_sha256(signed.jwk)
    )
    try:
        return signed.exchange.send(ask)
    except ServiceError as error:
        if error.code is Code.INVALID and error.pointer == "/csr":
            raise ACMERefusedError("badCSR", error.detail) from None
        raise


def certificate(_desk: Desk, signed: Signed, acme_order_id: str) -> Response:
    """The certificate with its issuers, the root left out (RFC 8555 §7.4.2)."""
    _read_only(signed)
    signed.by_account()
    file = signed.exchange.send(orders.GetACMECertificate(acme_order_id=acme_order_id))
    text = "".join(f"{part.strip()}\n" for part in (file.pem, file.chain_pem) if part.strip())
    return Response(text, content_type=PEM_CHAIN)


def authorization(desk: Desk, signed: Signed, acme_order_id: str, number: int) -> Response:
    """One name of an order; a client may give it up by `deactivated` (§7.5.2)."""
    order = _order(signed, acme_order_id)
    name = _name(order, number)
    if signed.message.empty:
        order, found = _settled(signed, order, number)
    elif signed.message.content().get("status") == "deactivated":
        ask = dcv.EndACMEAuthorization(order_id=order.order_id, fqdn=name.fqdn, csr_version=order.csr_version)
        found = signed.exchange.send(ask)
    else:
        raise ACMERefusedError("malformed", "The only change of an authorization is `deactivated`.")
    document = authorization_document(desk, order, number, found)
    return json_reply(document, headers=[RETRY_AFTER] if document["status"] == "pending" else [])


def challenge(desk: Desk, signed: Signed, acme_order_id: str, number: int, kind: str) -> Response:
    """A challenge: shown by POST-as-GET, answered by any object (§7.5.1)."""
    order = _order(signed, acme_order_id)
    name = _name(order, number)
    if kind not in _kinds(name.fqdn):
        raise ACMERefusedError("malformed", "There is no such challenge.", status=404)
    if signed.message.empty:
        order, found = _settled(signed, order, number)
    else:
        signed.message.content()
        if order.status == "invalid":
            raise ACMERefusedError("malformed", order.error)
        ask = dcv.AnswerACMEChallenge(
            order_id=order.order_id, fqdn=name.fqdn, csr_version=order.csr_version, method=METHODS[kind]
        )
        found = signed.exchange.send(ask)
    document = challenge_document(desk, order, number, found, kind)
    up = f'<{desk.url("authz", order.acme_order_id, str(number))}>;rel="up"'
    waits = [RETRY_AFTER] if document["status"] == "processing" else []
    return json_reply(document, headers=[("Link", up), *waits])


def _settled(
    signed: Signed, order: orders.ACMEOrderView, number: int
) -> tuple[orders.ACMEOrderView, dcv.ACMEAuthorizationView | None]:
    """The order with what `dcv` says of a name, once both agree. None when the order is over."""
    fqdn = _name(order, number).fqdn
    ask = dcv.GetACMEAuthorization(order_id=order.order_id, fqdn=fqdn, csr_version=order.csr_version)

    def look() -> tuple[orders.ACMEOrderView, dcv.ACMEAuthorizationView | None]:
        try:
            found = signed.exchange.send(ask)
        except ServiceError as error:
            if error.code is not Code.NOT_FOUND:
                raise
            found = None
        return _order(signed, order.acme_order_id), found

    def agree(both: tuple[orders.ACMEOrderView, dcv.ACMEAuthorizationView | None]) -> bool:
        seen, found = both
        if seen.status not in {"pending", "ready"}:
            return True
        return found is not None and (found.status != "valid" or seen.names[number].authorized)

    seen, found = _until(look, agree)
    if found is None and seen.status in {"pending", "ready"}:
        raise ACMERefusedError("serverInternal", "The challenge is not there yet.", status=503, headers=[RETRY_AFTER])
    return seen, found


def _until(look: Callable[[], Any], done: Callable[[Any], bool]) -> Any:
    found = look()
    waited = 0.0
    while not done(found) and waited < WAIT_S:
        time.sleep(STEP_S)  # green in a running gateway
        waited += STEP_S
        found = look()
    return found


def _order(signed: Signed, acme_order_id: str) -> orders.ACMEOrderView:
    signed.by_account()
    return signed.exchange.send(orders.GetACMEOrder(acme_order_id=acme_order_id))


def _name(order: orders.ACMEOrderView, number: int) -> orders.ACMEName:
    if not 0 <= number < len(order.names):
        raise ACMERefusedError("malformed", "There is no such authorization.", status=404)
    return order.names[number]


def _read_only(signed: Signed) -> None:
    if not signed.message.empty:
        raise ACMERefusedError("malformed", "Ask for this with an empty payload (POST-as-GET).")


def _names(identifiers: Any) -> list[str]:
    if not isinstance(identifiers, list) or not identifiers:
        raise ACMERefusedError("malformed", "An order has a list of identifiers.")
    names = []
    for one in identifiers:
        if not isinstance(one, dict) or not isinstance(one.get("type"), str) or not isinstance(one.get("value"), str):
            raise ACMERefusedError("malformed", "An identifier has a type and a value.")
        if one["type"] != "dns":
            raise ACMERefusedError("unsupportedIdentifier", "Only DNS names can be ordered.")
        names.append(one["value"])
    return names


def _kinds(fqdn: str) -> tuple[str, ...]:
    return ("dns-01",) if fqdn.startswith("*.") else ("http-01", "dns-01")  # BR 3.2.2.4.19 proves no wildcard


def _identifier(fqdn: str) -> dict[str, str]:
    return {"type": "dns", "value": fqdn.removeprefix("*.")}


def _shown(desk: Desk, order: orders.ACMEOrderView, status: int = 200, *, location: bool = False) -> Response:
    url = desk.url("order", order.acme_order_id)
    document: dict[str, Any] = {
        "status": order.status,
        "expires": order.expires_at,
        "identifiers": [{"type": "dns", "value": name.fqdn} for name in order.names],
        "authorizations": [desk.url("authz", order.acme_order_id, str(at)) for at in range(len(order.names))],
        "finalize": f"{url}/finalize",
    }
    if order.status == "valid":
        document["certificate"] = desk.url("certificate", order.acme_order_id)
    if order.replaces:
        document["replaces"] = order.replaces  # RFC 9773 §5
    if order.status == "invalid":
        kind = "orderNotReady" if order.error_code in {"expired", "superseded"} else "serverInternal"
        document["error"] = {"type": PREFIX + kind, "detail": order.error}
    headers = [("Location", url)] if location else []
    if order.status == "processing":
        headers.append(RETRY_AFTER)
    return json_reply(document, status, headers)


def authorization_document(
    desk: Desk, order: orders.ACMEOrderView, number: int, found: dcv.ACMEAuthorizationView | None
) -> dict[str, Any]:
    """The authorization object of a name (RFC 8555 §7.1.4)."""
    name = order.names[number]
    if name.authorized:
        status = "valid"
    elif found is not None and found.status == "ended":
        status = "deactivated"
    elif order.status == "invalid" or found is None or found.status == "failed":
        status = "invalid"
    else:
        status = "pending"
    kinds = _kinds(name.fqdn)
    chosen = [kind for kind in kinds if found is not None and METHODS[kind] == found.method]
    if status == "valid":
        kinds = tuple(chosen) or kinds[-1:]
    document: dict[str, Any] = {
        "status": status,
        "expires": name.expires_at or order.expires_at,
        "identifier": _identifier(name.fqdn),
        "challenges": [challenge_document(desk, order, number, found, kind) for kind in kinds] if found else [],
    }
    if name.fqdn.startswith("*."):
        document["wildcard"] = True
    return document


def challenge_document(
    desk: Desk, order: orders.ACMEOrderView, number: int, found: dcv.ACMEAuthorizationView | None, kind: str
) -> dict[str, Any]:
    """The challenge object (RFC 8555 §8)."""
    document: dict[str, Any] = {
        "type": kind,
        "url": desk.url("challenge", order.acme_order_id, str(number), kind),
        "status": "pending",
        "token": found.token if found else "",
    }
    if found is None:
        return document
    mine = found.method == METHODS[kind]
    if order.names[number].authorized:
        document["status"] = "valid"
        document["validated"] = found.validated_at
    elif mine and found.status == "failed":
        document["status"] = "invalid"
    elif mine and found.status in {"validating", "valid"}:
        document["status"] = "processing"
    if mine and found.reason and document["status"] != "valid":
        document["error"] = {"type": PREFIX + _kind_of(found.reason), "detail": found.advice}
    return document


def _kind_of(reason: str) -> str:
    if reason in _DNS:
        return "dns"
    return "connection" if reason in _CONNECTION else "incorrectResponse"
