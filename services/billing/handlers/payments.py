# SPDX-License-Identifier: Apache-2.0
"""Payments by the provider, as facts: started, settled, given back. The provider itself is called by jobs.py."""

from __future__ import annotations

from datetime import timedelta

from services.billing.handlers.charges import draw, post, post_refund
from services.billing.model import charge, ledger
from services.billing.model.intent import Intent
from services.billing.model.payer import checked
from services.billing.projections import find_charge, find_deposit
from shared.clock import to_text
from shared.contracts.billing import (
    ChargeView,
    DepositOpened,
    LedgerLine,
    Payer,
    PaymentCaptured,
    PaymentIntentCreated,
    PaymentStarted,
    StartPayment,
    SurplusReceived,
    SurplusReturned,
)
from shared.contracts.tenancy import account_of
from shared.errors import Code, ServiceError, invalid, not_found
from shared.eventstore.unit_of_work import UnitOfWork
from shared.mail.message import MailRefusedError, check_address

ASK_AGAIN = timedelta(seconds=20)  # the provider is asked right after the commit; the job is for when that fails
FIRST_LOOK = timedelta(seconds=5)  # a webhook is nearly always faster


def start_payment(uow: UnitOfWork, request: StartPayment) -> ChargeView:
    """Records the intention to ask the provider, before it is asked; a deposit customer's order is drawn instead.

    Errors: not_found, action_not_allowed, invalid (payer), insufficient_funds (extra: missing, currency).
    """
    account_id = account_of(uow.context)
    loaded = uow.load(charge.stream(request.order_id), charge.CHARGE)
    if loaded.state.account_id != account_id:
        raise not_found("order to pay")
    owed = loaded.state
    if owed.status == "open" and owed.purpose == "order" and find_deposit(uow.connection, account_id):
        missing = draw(uow, loaded)
        if missing:
            extra = {"missing": str(missing), "currency": owed.currency}
            detail = "The deposit does not suffice for this order. Add funds, then pay again."
            raise ServiceError(Code.INSUFFICIENT_FUNDS, detail, extra=extra)
    else:
        for fact in charge.start(owed, _payer(request)):
            uow.append(loaded, fact)
            if isinstance(fact, PaymentStarted):
                job = {"order_id": owed.order_id, "attempt": fact.attempt}
                uow.schedule("open_intent", fact.idempotency_key, job, at=uow.now + ASK_AGAIN)
    return view_of(uow, owed.order_id)


def _payer(request: StartPayment) -> Payer | None:
    if request.payer is None:
        return None
    payer = checked(request.payer)
    if payer.email:
        try:
            check_address(payer.email)
        except MailRefusedError as error:
            raise invalid(str(error), "/payer/email") from None
    return payer


def view_of(uow: UnitOfWork, order_id: str) -> ChargeView:
    """The charge as this transaction leaves it."""
    found = find_charge(uow.connection, order_id)
    if found is None:
        raise not_found("charge")
    return found[1]


def settle(uow: UnitOfWork, intent: Intent) -> ChargeView:
    """Takes over what the provider says about a payment; what is known already changes nothing."""
    loaded = uow.load(charge.stream(intent.order_id), charge.CHARGE)
    if not loaded.state.account_id:
        raise not_found("charge")
    for fact in charge.settle(loaded.state, intent):
        uow.append(loaded, fact)
        if isinstance(fact, PaymentIntentCreated):
            uow.cancel_job("open_intent", intent.key)
            job = {"intent_id": intent.intent_id, "since": to_text(uow.now)}
            uow.schedule("reconcile", intent.intent_id, job, at=uow.now + FIRST_LOOK)
        elif isinstance(fact, PaymentCaptured):
            _book_capture(uow, loaded.state)
        elif isinstance(fact, SurplusReceived):
            _book_surplus(uow, loaded.state, fact)
    if intent.status.final:
        uow.cancel_job("reconcile", intent.intent_id)
    return view_of(uow, intent.order_id)


def _book_capture(uow: UnitOfWork, paid: charge.Charge) -> None:
    if paid.purpose == "order":
        post(uow, paid, "sale", f"Order {paid.number}", ledger.sale(ledger.CARD_CLEARING, paid.amount, paid.tax))
        return
    # The first top-up makes a deposit customer; of two at the same moment, the second one sees the first.
    uow.lock(ledger.stream(paid.account_id))
    if find_deposit(uow.connection, paid.account_id) is None:
        opened = DepositOpened(account_id=paid.account_id, currency=paid.currency)
        uow.append_anywhere(ledger.stream(paid.account_id), opened)
    lines = ledger.transfer(ledger.CARD_CLEARING, ledger.funds(paid.account_id), paid.amount)
    post(uow, paid, "topup", f"Top-up {paid.number}", lines)


def _book_surplus(uow: UnitOfWork, owed: charge.Charge, fact: SurplusReceived) -> None:
    lines = ledger.transfer(ledger.CARD_CLEARING, ledger.SURPLUS, fact.amount)
    _post_surplus(uow, fact, "received", f"Payment for order {owed.number} that was not owed", lines)
    uow.schedule("return_surplus", fact.intent_id, {"order_id": fact.order_id, "intent_id": fact.intent_id})


def _post_surplus(
    uow: UnitOfWork, fact: SurplusReceived | SurplusReturned, step: str, text: str, lines: list[LedgerLine]
) -> None:
    purpose = f"surplus {step} {fact.intent_id}"
    posted = ledger.transaction(purpose, fact.order_id, fact.account_id, fact.currency, text, *lines)
    uow.append_anywhere(ledger.stream(fact.account_id), posted)


def finish_refund(uow: UnitOfWork, order_id: str) -> None:
    """The provider has taken a refund on; recorded once."""
    loaded = uow.load(charge.stream(order_id), charge.CHARGE)
    if loaded.state.status == "refunding":
        uow.append(loaded, charge.refunded(loaded.state))
        post_refund(uow, loaded.state, ledger.CARD_CLEARING)


def finish_surplus(uow: UnitOfWork, fact: SurplusReceived) -> None:
    """The provider has taken the return of a surplus on; recorded once."""
    loaded = uow.load(charge.stream(fact.order_id), charge.CHARGE)
    if loaded.state.surplus.get(fact.intent_id) is not False:
        return
    returned = SurplusReturned(
        order_id=fact.order_id,
        account_id=fact.account_id,
        intent_id=fact.intent_id,
        amount=fact.amount,
        currency=fact.currency,
    )
    uow.append(loaded, returned)
    lines = ledger.transfer(ledger.SURPLUS, ledger.CARD_CLEARING, fact.amount)
    _post_surplus(uow, returned, "returned", f"Payment for order {loaded.state.number} given back", lines)
