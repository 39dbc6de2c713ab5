# SPDX-License-Identifier: Apache-2.0
"""Pages for people without a console: plain, rendered here, without a script. What changes something is a button.

Mail scanners follow every link: the page behind a mailed link only shows, and the button sends (quality bar S4).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache, wraps
from typing import Any

import msgspec
from flask import Flask, Response, render_template, request

from gateway import asyncapi, openapi, reference
from gateway.decoding import read_query
from gateway.exchange import Exchange
from gateway.identity import refuse_foreign_write, session_cookie
from gateway.operation import Ground, read_body
from gateway.problems import KINDS, RefusedError
from gateway.route import JSON
from gateway.traffic import ROUTE
from shared.contracts import accounts, billing, dcv
from shared.errors import Code, ServiceError

POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
MAX_FORM = 16 << 10
_TOKEN = re.compile(r"[A-Za-z0-9_.-]{16,200}")
CHARGE_TEXTS = {
    "paid": ("Paid", "Thank you. The order goes on by itself."),
    "refused": ("The payment was refused", "Nothing was taken. Open the order to pay in another way."),
    "cancelled": ("Cancelled", "Nothing was taken."),
    "refunded": ("Refunded", "What was paid has been given back."),
}
CONFIRMED = "Thank you. The certificate for this name can be issued now."


def add(flask: Flask, ground: Ground) -> None:
    """Adds the rules of all pages."""

    def rule(path: str, name: str, view: Callable[..., Response], *methods: str) -> None:
        flask.add_url_rule(path, f"page_{name}", _page(name, view, ground), methods=list(methods or ("GET",)))

    rule("/docs", "docs", lambda: html("docs.html", document=_reference()))
    rule("/openapi.json", "openapi", lambda: Response(_openapi(), content_type=JSON))
    rule("/asyncapi.json", "asyncapi", lambda: Response(_asyncapi(), content_type=JSON))
    rule("/problems/<code>", "problem", _problem)
    rule("/livez", "livez", lambda: Response(b'{"status":"ok"}', content_type=JSON))
    rule("/payment/return", "payment_return", lambda: _payment_return(ground))
    rule("/validation/<token>", "validation", lambda token: _dcv_confirm(ground, token), "GET", "POST")
    rule("/first-run", "first_run", lambda: _first_run(ground), "GET", "POST")


@cache
def _openapi() -> bytes:
    return msgspec.json.encode(openapi.document())


@cache
def _asyncapi() -> bytes:
    return msgspec.json.encode(asyncapi.document())


@cache
def _reference() -> reference.Reference:
    return reference.of(openapi.document())


def html(template: str, status: int = 200, *, script: bool = False, **values: Any) -> Response:
    """A rendered page. With `script`, one of our own files may run in it."""
    return Response(
        render_template(template, **values),
        status=status,
        content_type="text/html; charset=utf-8",
        headers={"Content-Security-Policy": f"{POLICY}; script-src 'self'" if script else POLICY},
    )


def message(title: str, text: str, status: int = 200, **values: Any) -> Response:
    """A page that says one thing."""
    return html("message.html", status, title=title, text=text, bad=status >= 400, **values)


def _page(name: str, view: Callable[..., Response], ground: Ground) -> Callable[..., Response]:
    @wraps(view)
    def serve(**path: str) -> Response:
        request.environ[ROUTE] = f"page_{name}"
        try:
            refuse_foreign_write(request.environ, ground.url)
            return view(**path)
        except (ServiceError, RefusedError) as error:
            kind = KINDS[error.code]
            return message(kind.title, error.detail, kind.status)

    return serve


def _problem(code: str) -> Response:
    kind = KINDS.get(code)
    if kind is None:
        return message("Not found", "There is no such kind of problem.", 404)
    return html("problem.html", kind=kind, code=code)


def _writing(ground: Ground) -> Exchange:
    exchange = ground.exchange(request.environ)
    exchange.context = msgspec.structs.replace(exchange.context, command_id=ground.ids.new())
    return exchange


def _form() -> dict[str, str]:
    if request.mimetype != "application/x-www-form-urlencoded":
        raise RefusedError("unsupported_media_type", "Use the form of this page.")
    try:
        text = read_body(request.environ, MAX_FORM).decode("ascii")
    except UnicodeDecodeError:
        raise RefusedError("malformed", "The form cannot be read.") from None
    return {name: values[0] for name, values in read_query(text).items()}


def _payment_return(ground: Ground) -> Response:
    intent = request.args.get("intent_id") or request.args.get("intent") or ""
    if not re.fullmatch(r"[A-Za-z0-9_.-]{8,200}", intent):
        return message("Not found", "There is no such payment.", 404)
    charge = _writing(ground).send(billing.ConfirmReturn(intent_id=intent))
    if charge.status == "open" and charge.decline_reason:
        text = f"{charge.decline_reason} Nothing was taken."
        return message("Not paid", text, link=(f"/console/orders/{charge.order_id}/payment", "Pay again"))
    title, text = CHARGE_TEXTS.get(charge.status, ("The payment is being checked", "Reload this page in a moment."))
    return message(title, text, link=(f"/console/orders/{charge.order_id}", "To the order"))


def _dcv_confirm(ground: Ground, token: str) -> Response:
    if not _TOKEN.fullmatch(token):
        return message("Not found", "This link is not known.", 404)
    if request.method == "POST":
        read_body(request.environ, MAX_FORM)
        shown = _writing(ground).send(dcv.ConfirmDCVMail(token=token))
    else:
        shown = ground.exchange(request.environ).send(dcv.GetMailConfirmation(token=token))
    if shown.state == "open":
        return html("confirm.html", fqdn=shown.fqdn, address=shown.address)
    if shown.state == "confirmed":
        return message(f"{shown.fqdn} is confirmed", CONFIRMED)
    if shown.state == "expired":
        return message("This link has expired", "Whoever ordered the certificate can have a new mail sent.", 410)
    return message("Not found", "This link is not known.", 404)


def _first_run(ground: Ground) -> Response:
    if request.method == "GET":
        # The token stands behind `#` in the link, where no log sees it; a script moves it into the form.
        return html("first_run.html", script=True, token="", login="", email="", problem="")
    form = _form()
    values = {name: form.get(name, "") for name in ("token", "login", "password", "email")}
    try:
        _writing(ground).send(accounts.ClaimOperator(**values))
    except ServiceError as error:
        if error.code not in {Code.INVALID, Code.UNAUTHENTICATED, Code.CONFLICT, Code.ACTION_NOT_ALLOWED}:
            raise
        shown = {name: value for name, value in values.items() if name != "password"}
        return html("first_run.html", KINDS[error.code].status, script=True, problem=error.detail, **shown)
    return _into_the_console(ground, values["login"], values["password"])


def _into_the_console(ground: Ground, login: str, password: str) -> Response:
    exchange = _writing(ground)
    asked = accounts.SignIn(login=login, password=password, remote_address=exchange.remote_address)
    try:
        signed_in = exchange.send(asked)
    except ServiceError:  # the operator is made whatever happens to this
        link = ("/console/sign-in", "To the sign-in page")
        return message("You are the operator", "Sign in with your login and password now.", link=link)
    cookie = session_cookie(signed_in.session_token, secure=exchange.secure)
    return Response(status=303, headers=[("Location", "/console/"), ("Set-Cookie", cookie)])
