# SPDX-License-Identifier: Apache-2.0
"""The way to the OpenID Connect provider and back: two addresses that browsers go to, each answered with a redirect.

Whatever goes wrong ends on a page of the console that says it by a word in the address; nothing that the provider sent
is shown or put into an address.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from functools import wraps
from urllib.parse import urlencode

import msgspec
from flask import Flask, Response, request

from gateway.decoding import read_query
from gateway.exchange import Exchange
from gateway.identity import binding_cookie, binding_of, session_cookie
from gateway.operation import Ground
from gateway.problems import RefusedError
from gateway.traffic import ROUTE
from shared.contracts import accounts
from shared.errors import Code, ServiceError

logger = logging.getLogger("certwright.gateway")
START = "/sign-in/oidc"
CALLBACK = "/sign-in/oidc/callback"
MOST_TEXT = 4096  # of one parameter; the longest codes have about two thousand characters
SIGN_IN_PAGE = "/console/sign-in"
PROFILE_PAGE = "/console/profile"
_NEXT = re.compile(r"/(?![/\\])[!-\[\]-~]{0,500}")
# Refusals without a word of their own.
WORDS = {
    Code.CREDENTIALS_EXPIRED: "password_expired",
    Code.RATE_LIMITED: "busy",
    Code.UNAVAILABLE: "unavailable",
    Code.DEADLINE_EXCEEDED: "unavailable",
}


def add(flask: Flask, ground: Ground) -> None:
    """Adds both rules."""
    flask.add_url_rule(START, "page_oidc_start", _redirecting("oidc_start", _start, ground), methods=["GET"])
    flask.add_url_rule(CALLBACK, "page_oidc_back", _redirecting("oidc_back", _back, ground), methods=["GET"])


def _redirecting(name: str, view: Callable[[Ground], Response], ground: Ground) -> Callable[[], Response]:
    @wraps(view)
    def serve() -> Response:
        request.environ[ROUTE] = f"page_{name}"
        try:
            return view(ground)
        except ServiceError as error:
            if error.code is Code.INTERNAL:
                logger.warning("page_%s: the service failed: %s", name, error.detail)
            word = error.extra.get("oidc") or WORDS.get(error.code, "refused")
            page = PROFILE_PAGE if error.extra.get("for") == "link" else SIGN_IN_PAGE
            return _redirect(f"{page}?{urlencode({'oidc': word})}")
        except RefusedError:
            return _redirect(f"{SIGN_IN_PAGE}?oidc=invalid")

    return serve


def _start(ground: Ground) -> Response:
    exchange = _writing(ground, ground.exchange(request.environ))
    asked = accounts.BeginOIDCSignIn(
        browser=binding_of(request.environ, secure=ground.secure),
        next_path=_safe(_parameters().get("next", "/")),
        remote_address=exchange.remote_address,
    )
    begun = exchange.send(asked)
    return _redirect(begun.url, binding_cookie(begun.browser, secure=ground.secure))


def _back(ground: Ground) -> Response:
    given = _parameters()
    exchange = _writing(ground, _whoever(ground))
    asked = accounts.FinishOIDC(
        state=given.get("state", ""),
        browser=binding_of(request.environ, secure=ground.secure),
        code=given.get("code", ""),
        error=given.get("error", ""),
        issuer=given.get("iss", ""),
        remote_address=exchange.remote_address,
    )
    done = exchange.send(asked)
    gone = binding_cookie("", secure=ground.secure)
    path = _safe(done.next_path)
    if done.signed_in is None:
        return _redirect(f"{PROFILE_PAGE}?oidc=connected", gone)
    ground.identities.forget()
    session = session_cookie(done.signed_in.session_token, secure=ground.secure)
    due = ",".join(one.kind for one in done.signed_in.agreements_due)
    target = f"{SIGN_IN_PAGE}?{urlencode({'accept': due, 'next': path})}" if due else f"/console{path}"
    return _redirect(target, session, gone)


def _whoever(ground: Ground) -> Exchange:
    """Who connects an identity is signed in; who signs in mostly is not, or by a session that has ended."""
    try:
        return ground.identified(request.environ)
    except (ServiceError, RefusedError):
        return ground.exchange(request.environ)


def _writing(ground: Ground, exchange: Exchange) -> Exchange:
    # Both requests are the gateway's own; of whoever is signed in, only who it is goes along.
    exchange.context = msgspec.structs.replace(
        exchange.context, command_id=ground.ids.new(), permissions=frozenset({"internal"})
    )
    return exchange


def _parameters() -> dict[str, str]:
    """Each parameter once (RFC 6749 §3.1), and none that is too long. Raises RefusedError."""
    found = {}
    for name, texts in read_query(request.environ.get("QUERY_STRING", "")).items():
        if name not in {"state", "code", "error", "iss", "next"}:
            continue
        if len(texts) != 1 or len(texts[0]) > MOST_TEXT:
            raise RefusedError("malformed", "A parameter is given twice, or is too long.")
        found[name] = texts[0]
    return found


def _safe(path: str) -> str:
    return path if _NEXT.fullmatch(path) else "/"


def _redirect(target: str, *cookies: str) -> Response:
    headers = [("Location", target), *(("Set-Cookie", one) for one in cookies)]
    return Response(status=303 if target.startswith("/") else 302, headers=headers)
