# SPDX-License-Identifier: Apache-2.0
"""The addresses of the ACME server. They stand beside the table of the API: their form is RFC 8555's, not ours."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial, wraps
from typing import Any

from flask import Flask, Response, request

from gateway.acme import account, orders, revocation
from gateway.acme.desk import Desk
from gateway.acme.refusal import ACMERefusedError, of_service
from gateway.acme.reply import json_reply, refusal_reply
from gateway.operation import Ground
from gateway.traffic import ROUTE
from shared.crashpoint import crash_point
from shared.errors import Code, ServiceError

logger = logging.getLogger("certwright.gateway")
View = Callable[..., Response]


def add(flask: Flask, ground: Ground) -> Desk:
    """Adds all rules."""
    desk = Desk(ground)

    def rule(path: str, name: str, view: View, *methods: str) -> None:
        flask.add_url_rule(
            f"/acme/{path}", f"acme_{name}", _answering(name, view, desk), methods=list(methods), merge_slashes=False
        )

    def signed(path: str, name: str, view: View) -> None:
        def serve(**parts: Any) -> Response:
            return view(desk, desk.receive(request.environ), **parts)

        rule(path, name, serve, "POST")

    rule("directory", "directory", partial(_directory, desk), "GET")
    rule("new-nonce", "new_nonce", _nonce, "GET")  # Flask adds HEAD
    rule("renewal-info/<certificate_id>", "renewal_info", partial(_renewal_info, desk), "GET")
    signed("new-account", "new_account", account.create)
    signed("account/<account_id>", "account", account.update)
    signed("account/<account_id>/orders", "account_orders", account.list_orders)
    signed("account/<account_id>/orders/<cursor>", "account_orders_page", account.list_orders)
    signed("key-change", "key_change", account.change_key)
    signed("new-order", "new_order", orders.create)
    signed("order/<acme_order_id>", "order", orders.show)
    signed("order/<acme_order_id>/finalize", "finalize", orders.finalize)
    signed("authz/<acme_order_id>/<int:number>", "authorization", orders.authorization)
    signed("challenge/<acme_order_id>/<int:number>/<kind>", "challenge", orders.challenge)
    signed("certificate/<acme_order_id>", "certificate", orders.certificate)
    signed("revoke-cert", "revoke", revocation.revoke)
    return desk


def _answering(name: str, view: View, desk: Desk) -> View:
    @wraps(view)
    def serve(**parts: Any) -> Response:
        request.environ[ROUTE] = f"acme_{name}"
        crash_point(f"gateway/acme_{name}/received")
        try:
            answer = view(**parts)
        except ACMERefusedError as error:
            answer = refusal_reply(error)
        except ServiceError as error:
            if error.code is Code.INTERNAL:
                logger.warning("acme_%s: the service failed: %s", name, error.detail)
            answer = refusal_reply(of_service(error, desk.ground.url))
        if name != "directory":
            answer.headers.add("Link", f'<{desk.url("directory")}>;rel="index"')
        if request.method == "POST" or name == "new_nonce":
            answer.headers["Replay-Nonce"] = desk.nonces.make()
        crash_point(f"gateway/acme_{name}/done")
        return answer

    return serve


def _directory(desk: Desk) -> Response:
    document = {
        "newNonce": desk.url("new-nonce"),
        "newAccount": desk.url("new-account"),
        "newOrder": desk.url("new-order"),
        "revokeCert": desk.url("revoke-cert"),
        "keyChange": desk.url("key-change"),
        "renewalInfo": desk.url("renewal-info"),
        "meta": {
            "termsOfService": f"{desk.ground.url}/api/v1/agreements",
            "website": desk.ground.url,
            "externalAccountRequired": True,
        },
    }
    return json_reply(document)


def _nonce() -> Response:
    return Response(status=200 if request.method == "HEAD" else 204)


def _renewal_info(desk: Desk, certificate_id: str) -> Response:
    return revocation.renewal_info(desk.internal(request.environ), certificate_id)
