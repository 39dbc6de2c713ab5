# SPDX-License-Identifier: Apache-2.0
"""The sandbox provider's HTTP interface: an API for shops, and the hosted page for payers."""

from __future__ import annotations

import hmac
import threading
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode, urlsplit

from flask import Flask, Response, jsonify, make_response, redirect, request
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as AnyResponse

from services.billing.adapters.sandbox_provider import pages
from services.billing.adapters.sandbox_provider.book import Book, IntentRow, RefusedError, describe
from services.billing.adapters.sandbox_provider.cards import Fault, UnknownCardError, find_card

MAX_BODY = 64 * 1024


class InFlight:
    """The idempotency keys that are being worked on: the second request of a pair gets 409 and comes again."""

    def __init__(self) -> None:
        self._keys: set[str] = set()
        self._lock = threading.Lock()

    def enter(self, key: str) -> None:
        """Raises RefusedError 409 when the same key is in work."""
        with self._lock:
            if key in self._keys:
                raise RefusedError(409, "The same request is in flight.")
            self._keys.add(key)

    def leave(self, key: str) -> None:
        """The key's request is answered."""
        with self._lock:
            self._keys.discard(key)


def create_app(  # noqa: C901, PLR0915 - a list of routes, each a few lines
    book: Book,
    *,
    api_key: str,
    base_url: Callable[[], str],
    notify: Callable[[bool], None],
    during_create: Callable[[], None] = lambda: None,
) -> Flask:
    """The WSGI application. `notify(now)` says that notices are due, and to send them before returning when `now`.

    `during_create` is called while a new payment's key is in flight: tests hold it there.
    """
    app = Flask("sandbox_provider")
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY
    in_flight = InFlight()

    def require_key() -> None:
        given = request.headers.get("Authorization", "")
        if not hmac.compare_digest(given.encode(), f"Bearer {api_key}".encode()):
            raise RefusedError(401, "The API key is missing or wrong.")

    def fields(**kinds: type) -> dict[str, Any]:
        body = request.get_json(silent=True)
        if not isinstance(body, dict) or any(type(body.get(name)) is not kind for name, kind in kinds.items()):
            raise RefusedError(400, f"A JSON object with {', '.join(kinds)} is expected.")
        return {name: body[name] for name in kinds}

    def idempotency_key() -> str:
        key = request.headers.get("Idempotency-Key", "")
        if not 1 <= len(key) <= 255:
            raise RefusedError(400, "An Idempotency-Key of 1 to 255 characters is required.")
        return key

    def answer(intent: IntentRow, status: int = 200) -> tuple[Response, int]:
        return jsonify(describe(intent, base_url())), status

    def pay(intent_id: str, number: str) -> IntentRow:
        intent, error = book.confirm(intent_id, find_card(number), base_url())
        if error:
            raise RefusedError(500, "Something went wrong. Try again.")
        if intent.fault == Fault.WEBHOOK_FIRST:
            notify(True)
        notify(False)
        if intent.fault == Fault.TIMEOUT_AFTER_CAPTURE:
            raise RefusedError(504, "No answer in time.")
        return intent

    @app.errorhandler(RefusedError)
    def refused(error: RefusedError) -> tuple[Response | str, int]:
        if request.path.startswith("/v1/"):
            return jsonify(error=str(error)), error.status
        return pages.page("message", "Not possible", message=str(error)), error.status

    @app.errorhandler(HTTPException)
    def http_error(error: HTTPException) -> tuple[Response, int]:
        return jsonify(error=error.name), error.code or 500

    @app.after_request
    def harden(response: Response) -> Response:
        # form-action names the shop too: browsers apply it to the redirect that follows the form.
        shop = response.headers.pop("X-Shop-Origin", "")
        response.headers["Content-Security-Policy"] = (
            f"default-src 'none'; style-src 'self'; form-action 'self' {shop}; base-uri 'none'; frame-ancestors 'none'"
        )
        response.headers["Referrer-Policy"] = "no-referrer"
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Cache-Control"] = "no-store"
        return response

    # --- for shops ---

    @app.post("/v1/intents")
    def create() -> tuple[Response, int]:
        require_key()
        key = idempotency_key()
        given = fields(order_id=str, label=str, amount=int, currency=str, return_url=str, webhook_url=str)
        payer = (request.get_json(silent=True) or {}).get("payer") or {}
        if not isinstance(payer, dict) or not all(isinstance(text, str) for text in payer.values()):
            raise RefusedError(400, "The payer is a JSON object of texts.")
        if given["amount"] <= 0 or len(given["currency"]) != 3:
            raise RefusedError(422, "The amount must be positive, the currency an ISO 4217 code.")
        in_flight.enter(key)
        try:
            during_create()
            return answer(book.create(key=key, payer=payer, **given), 201)
        finally:
            in_flight.leave(key)

    @app.get("/v1/intents/<intent_id>")
    def get(intent_id: str) -> tuple[Response, int]:
        require_key()
        return answer(book.get(intent_id))

    @app.post("/v1/intents/<intent_id>/refunds")
    def refund(intent_id: str) -> tuple[Response, int]:
        require_key()
        book.refund(intent_id, key=idempotency_key(), amount=fields(amount=int)["amount"])
        return jsonify(status="succeeded"), 200

    @app.get("/v1/movements")
    def movements() -> Response:
        require_key()
        return jsonify(book.movements())

    # --- for programs that pay: the id of the payment is the secret, as on the page ---

    @app.post("/v1/intents/<intent_id>/confirm")
    def confirm(intent_id: str) -> tuple[Response, int]:
        try:
            intent = pay(intent_id, fields(card_number=str)["card_number"])
        except UnknownCardError as error:
            return jsonify(error=str(error)), 422
        return answer(intent, 402 if intent.status == "declined" else 200)

    @app.post("/v1/intents/<intent_id>/authenticate")
    def authenticate(intent_id: str) -> tuple[Response, int]:
        intent = book.authenticate(intent_id, approve=fields(approve=bool)["approve"], base_url=base_url())
        notify(False)
        return answer(intent, 402 if intent.status == "declined" else 200)

    # --- for people ---

    @app.get("/")
    def front() -> str:
        return pages.page("cards", "Test cards")

    @app.get("/style.css")
    def style() -> Response:
        return Response(pages.STYLE, mimetype="text/css")

    def show(intent: IntentRow, message: str = "") -> Response:
        if intent.status == "pending":
            html = pages.page("form", "Secure payment", intent, message=message)
        elif intent.status == "requires_action":
            html = pages.page("bank", "Confirm the payment", intent)
        else:
            titles = {"captured": "Payment received", "declined": "Payment declined", "expired": "Payment expired"}
            html = pages.page("done", titles[intent.status], intent, message=intent.reason, back=back_to_shop(intent))
        response = make_response(html)
        shop = urlsplit(intent.return_url)
        response.headers["X-Shop-Origin"] = f"{shop.scheme}://{shop.netloc}"
        return response

    def on(intent: IntentRow) -> AnyResponse:
        """Paid: straight back to the shop; otherwise the page says what is next."""
        if intent.status != "captured":
            return show(intent)
        return redirect(back_to_shop(intent), 303)

    @app.get("/pay/<intent_id>")
    def payment_page(intent_id: str) -> Response:
        return show(book.get(intent_id))

    @app.post("/pay/<intent_id>")
    def pay_by_form(intent_id: str) -> AnyResponse:
        try:
            return on(pay(intent_id, request.form.get("number", "")))
        except UnknownCardError as error:
            response = show(book.get(intent_id), str(error))
            response.status_code = 422
            return response

    @app.post("/pay/<intent_id>/authenticate")
    def authenticate_by_form(intent_id: str) -> AnyResponse:
        approve = request.form.get("answer") == "yes"
        intent = book.authenticate(intent_id, approve=approve, base_url=base_url())
        notify(False)
        return on(intent)

    return app


def back_to_shop(intent: IntentRow) -> str:
    """Where the payer goes when all is said: the shop's return address with the payment's id."""
    return f"{intent.return_url}{'&' if '?' in intent.return_url else '?'}{urlencode({'intent_id': intent.id})}"
