# SPDX-License-Identifier: Apache-2.0
"""The calls to the payment provider: always after the intention is recorded, always outside a transaction.

Every function may run twice or die anywhere: the provider's idempotency keys make a repetition the same payment, and
what is left open is asked about until the provider's word is final.
"""

from __future__ import annotations

from typing import Any, Protocol

from services.billing.handlers import payments
from services.billing.model import charge
from services.billing.model.intent import Intent
from services.billing.model.money import money
from services.billing.ports import (
    BadSignatureError,
    PaymentProvider,
    Printer,
    ProviderRefusedError,
    ProviderUnavailableError,
)
from services.billing.projections import find_charge, find_invoice, order_of_intent
from shared.clock import from_text
from shared.context import Context, system
from shared.contracts.base import Done
from shared.contracts.billing import ChargeView, ConfirmReturn, RecordProviderNotice, StartPayment, SurplusReceived
from shared.errors import Code, ServiceError, not_found
from shared.eventstore.jobs import Jobs, Retry
from shared.eventstore.room import Room
from shared.mail.message import Attachment, Mail, Mailer
from shared.settings import Settings

jobs = Jobs()

BACKOFF = (1.0, 5.0, 30.0, 120.0, 600.0, 3600.0)


class PaymentApp(Protocol):
    """What these functions need of the service."""

    room: Room
    provider: PaymentProvider
    return_url: str
    webhook_url: str
    settings: Settings
    printer: Printer
    mailer: Mailer


# --- asked for by people and by the provider -------------------------------------------------------------------------


def start_payment(app: PaymentApp, request: StartPayment, context: Context) -> ChargeView:
    """Records the intention, then opens the payment at the provider; a repetition finds the same page.

    Errors: those of the handler; unavailable when the provider does not answer (a job keeps asking it).
    """
    app.room.execute(payments.start_payment, request, context)
    current = _charge(app, request.order_id)
    attempt = current.current
    if attempt is not None and not attempt.intent_id:
        try:
            _open_intent(app, current, current.attempt)
        except ProviderUnavailableError as error:
            detail = "The payment provider does not answer. Try again in a moment; nothing was charged."
            raise ServiceError(Code.UNAVAILABLE, detail) from error
        except ProviderRefusedError as error:
            detail = "The payment provider does not accept this payment. The operator of this installation must look."
            raise ServiceError(Code.UNAVAILABLE, detail) from error
    return _view(app, request.order_id)


def confirm_return(app: PaymentApp, request: ConfirmReturn, context: Context) -> ChargeView:
    """Asks the provider how a payment ended, because its customer came back. Errors: not_found, unavailable."""
    with app.room.query() as connection:
        order_id = order_of_intent(connection, request.intent_id)
    if order_id is None:
        raise not_found("payment")
    try:
        intent = app.provider.get(request.intent_id)
    except ProviderUnavailableError:
        return _view(app, order_id)  # the notice or the reconcile job will say it; the page shows what is known
    return _settle(app, intent, context)


def record_notice(app: PaymentApp, request: RecordProviderNotice, context: Context) -> Done:
    """Takes over a signed notice of the provider, once however often it comes. Errors: unauthenticated."""
    try:
        intent = app.provider.verify_webhook(
            body=request.body,
            notice_id=request.notice_id,
            timestamp=request.timestamp,
            signature=request.signature,
        )
    except BadSignatureError as error:
        raise ServiceError(Code.UNAUTHENTICATED, "The notice is not signed by the payment provider.") from error
    if intent is not None and _charge(app, intent.order_id).account_id:
        _settle(app, intent, context)
    return Done(id=request.notice_id)


# --- jobs ------------------------------------------------------------------------------------------------------------


@jobs.kind("open_intent", attempts=40, backoff=BACKOFF, timeout=60)
def open_intent(app: PaymentApp, payload: dict[str, Any]) -> None:
    """Asks the provider again where the call after StartPayment was not heard of."""
    current = _charge(app, payload["order_id"])
    attempt = current.attempts.get(payload["attempt"])
    if attempt is not None and not attempt.intent_id and not attempt.declined:
        _open_intent(app, current, payload["attempt"])


@jobs.kind("reconcile", attempts=40, backoff=BACKOFF, timeout=60)
def reconcile(app: PaymentApp, payload: dict[str, Any]) -> None:
    """Asks the provider how a payment stands until it is final, so that no lost notice leaves a customer waiting.

    The older the payment, the rarer: after half its age again, between 5 seconds and an hour.
    """
    age = (app.room.clock.now() - from_text(payload["since"])).total_seconds()
    delay = min(max(age / 2, 5.0), 3600.0)
    try:
        intent = app.provider.get(payload["intent_id"])
    except ProviderUnavailableError as error:
        raise Retry(delay, f"the provider does not answer: {error}", free=True) from error
    _settle(app, intent, system("billing"))
    if not intent.status.final:
        raise Retry(delay, "not final yet", free=True)


@jobs.kind("refund", attempts=60, backoff=BACKOFF, timeout=60)
def refund(app: PaymentApp, payload: dict[str, Any]) -> None:
    """Gives a card payment back and records it."""
    owed = _charge(app, payload["order_id"])
    if owed.status != "refunding":
        return
    app.provider.refund(intent_id=owed.intent_id, amount=owed.amount, idem_key=f"refund:{owed.order_id}")
    app.room.execute(payments.finish_refund, owed.order_id, system("billing", account_id=owed.account_id))


@jobs.kind("return_surplus", attempts=60, backoff=BACKOFF, timeout=60)
def return_surplus(app: PaymentApp, payload: dict[str, Any]) -> None:
    """Gives back money that nothing was owed for and records it."""
    events = app.room.events(charge.stream(payload["order_id"]))
    fact = next(
        each.data
        for each in events
        if isinstance(each.data, SurplusReceived) and each.data.intent_id == payload["intent_id"]
    )
    app.provider.refund(intent_id=fact.intent_id, amount=fact.amount, idem_key=fact.idempotency_key)
    app.room.execute(payments.finish_surplus, fact, system("billing", account_id=fact.account_id))


# --- invoices --------------------------------------------------------------------------------------------------------


@jobs.kind("invoice_mail", attempts=30, backoff=(5, 30, 300, 1800, 7200, 14400), timeout=120)
def mail_invoice(app: PaymentApp, payload: dict[str, Any]) -> None:
    """Sends an invoice to one address; three days of tries, always the same Message-ID."""
    with app.room.query() as connection:
        found = find_invoice(connection, payload["order_id"])
    if found is None:
        return
    invoice = found[1]
    text = (
        f"The invoice for order {invoice.order_number} is attached.\n\n"
        f"Invoice number: {invoice.number}\n"
        f"Total: {money(invoice.total, invoice.currency)} {invoice.currency}, paid\n\n"
        f"You can load it again here: {app.settings.public_url.rstrip('/')}/console/orders/{invoice.order_id}\n"
    )
    file = Attachment(f"invoice-{invoice.number}.pdf", "application/pdf", app.printer(invoice))
    mail = Mail(
        to=payload["to"],
        subject=f"Invoice {invoice.number}",
        text=text,
        key=f"invoice-{payload['key']}",
        attachments=(file,),
    )
    app.mailer.send(mail, from_text(payload["at"]))


# --- shared ----------------------------------------------------------------------------------------------------------


def _open_intent(app: PaymentApp, current: charge.Charge, number: int) -> None:
    intent = app.provider.create_intent(
        amount=current.amount,
        currency=current.currency,
        order_id=current.order_id,
        label=str(current.number),
        idem_key=current.attempts[number].key,
        return_url=app.return_url,
        webhook_url=app.webhook_url,
        payer=current.attempts[number].payer,
    )
    _settle(app, intent, system("billing"))


def _settle(app: PaymentApp, intent: Intent, context: Context) -> ChargeView:
    """Records the provider's word for the account that owns the order, whoever carried it here."""
    account_id = _charge(app, intent.order_id).account_id
    told = Context(
        actor=context.actor,
        account_id=account_id,
        correlation_id=context.correlation_id,
        causation_id=context.causation_id,
        trace_id=context.trace_id,
    )
    return app.room.execute(payments.settle, intent, told)


def _charge(app: PaymentApp, order_id: str) -> charge.Charge:
    return charge.CHARGE(envelope.data for envelope in app.room.events(charge.stream(order_id)))


def _view(app: PaymentApp, order_id: str) -> ChargeView:
    with app.room.query() as connection:
        found = find_charge(connection, order_id)
    if found is None:
        raise not_found("charge")
    return found[1]
