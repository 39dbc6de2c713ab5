# SPDX-License-Identifier: Apache-2.0
"""What one order owes, and how its payment went: pure decisions and their fold (stream `charge-<order_id>`).

An order is paid once: the first capture that arrives counts, whatever attempt it belongs to; any other money that comes
is a surplus and goes back. A charge that was paid is given back at most once (quality bar, invariants I7 and I8).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from services.billing.model.intent import Intent, IntentStatus
from shared.contracts.billing import (
    ChargeCancelled,
    ChargeOpened,
    ChargeRefused,
    Payer,
    PaymentCaptured,
    PaymentDeclined,
    PaymentIntentCreated,
    PaymentStarted,
    RefundIssued,
    RefundStarted,
    SurplusReceived,
    SurplusReturned,
    VoucherReleased,
    VoucherUsed,
)
from shared.errors import Code, ServiceError, not_found
from shared.eventsourcing.event import Event
from shared.eventsourcing.fold import Fold


def stream(order_id: str) -> str:
    """The stream that holds the charge of one order."""
    return f"charge-{order_id}"


@dataclass(frozen=True)
class Attempt:
    """One try to pay by the provider: its idempotency key, and the intent once the provider knows it."""

    key: str
    intent_id: str = ""
    checkout_url: str = ""
    declined: bool = False
    payer: Payer | None = None


@dataclass(frozen=True)
class Charge:
    """`status`: "" (nothing known), open, started, paid, refunding, refunded, cancelled or refused."""

    status: str = ""
    order_id: str = ""
    number: int = 0
    account_id: str = ""
    purpose: str = ""
    amount: int = 0
    tax: int = 0
    currency: str = ""
    source: str = ""
    intent_id: str = ""  # of the capture that counted
    attempts: dict[int, Attempt] = field(default_factory=dict)
    surplus: dict[str, bool] = field(default_factory=dict)  # intent id → whether it was returned
    quote_id: str = ""
    voucher: str = ""  # that counts a use for this order

    @property
    def attempt(self) -> int:
        """The number of the last attempt; 0 before the first."""
        return max(self.attempts, default=0)

    @property
    def current(self) -> Attempt | None:
        """The last attempt, while it may still be paid."""
        return self.attempts[self.attempt] if self.status == "started" else None


CHARGE: Fold[Charge] = Fold(Charge)


@CHARGE.on(ChargeOpened)
def _opened(state: Charge, event: ChargeOpened) -> Charge:
    return replace(
        state,
        status="open",
        order_id=event.order_id,
        number=event.number,
        account_id=event.account_id,
        purpose=event.purpose,
        amount=event.amount,
        tax=event.tax,
        currency=event.currency,
        quote_id=event.quote_id,
    )


@CHARGE.on(VoucherUsed)
def _voucher_used(state: Charge, event: VoucherUsed) -> Charge:
    return replace(state, voucher=event.code)


@CHARGE.on(VoucherReleased)
def _voucher_released(state: Charge, _event: VoucherReleased) -> Charge:
    return replace(state, voucher="")


@CHARGE.on(ChargeRefused)
def _refused(state: Charge, event: ChargeRefused) -> Charge:
    return replace(state, status="refused", order_id=event.order_id, account_id=event.account_id)


@CHARGE.on(PaymentStarted)
def _started(state: Charge, event: PaymentStarted) -> Charge:
    attempts = {**state.attempts, event.attempt: Attempt(event.idempotency_key, payer=event.payer)}
    return replace(state, status="started", attempts=attempts)


@CHARGE.on(PaymentIntentCreated)
def _created(state: Charge, event: PaymentIntentCreated) -> Charge:
    known = replace(state.attempts[event.attempt], intent_id=event.intent_id, checkout_url=event.checkout_url)
    return replace(state, attempts={**state.attempts, event.attempt: known})


@CHARGE.on(PaymentDeclined)
def _declined(state: Charge, event: PaymentDeclined) -> Charge:
    declined = replace(state.attempts[event.attempt], declined=True)
    return replace(state, status="open", attempts={**state.attempts, event.attempt: declined})


@CHARGE.on(PaymentCaptured)
def _captured(state: Charge, event: PaymentCaptured) -> Charge:
    return replace(state, status="paid", source=event.source, intent_id=event.intent_id)


@CHARGE.on(ChargeCancelled)
def _cancelled(state: Charge, event: ChargeCancelled) -> Charge:
    return replace(state, status="cancelled", order_id=event.order_id)


@CHARGE.on(RefundStarted)
def _refund_started(state: Charge, _event: RefundStarted) -> Charge:
    return replace(state, status="refunding")


@CHARGE.on(RefundIssued)
def _refund_issued(state: Charge, _event: RefundIssued) -> Charge:
    return replace(state, status="refunded")


@CHARGE.on(SurplusReceived)
def _surplus_received(state: Charge, event: SurplusReceived) -> Charge:
    return replace(state, surplus={**state.surplus, event.intent_id: False})


@CHARGE.on(SurplusReturned)
def _surplus_returned(state: Charge, event: SurplusReturned) -> Charge:
    return replace(state, surplus={**state.surplus, event.intent_id: True})


def start(charge: Charge, payer: Payer | None = None) -> list[Event]:
    """The intention to ask the provider; nothing when an attempt is under way.

    Raises ServiceError `not_found` or `action_not_allowed`.
    """
    if not charge.status:
        raise not_found("order to pay")
    if charge.status == "started":
        return []
    if charge.status != "open":
        paid = "The order is paid." if charge.status == "paid" else "The order has ended."
        raise ServiceError(Code.ACTION_NOT_ALLOWED, f"{paid} There is nothing to pay any more.")
    attempt = charge.attempt + 1
    key = f"{charge.order_id}:{attempt}"
    return [PaymentStarted(order_id=charge.order_id, attempt=attempt, idempotency_key=key, payer=payer)]


def capture(charge: Charge, source: str, intent_id: str = "") -> PaymentCaptured:
    """The fact that an open charge is paid."""
    return PaymentCaptured(
        order_id=charge.order_id,
        account_id=charge.account_id,
        purpose=charge.purpose,
        amount=charge.amount,
        currency=charge.currency,
        source=source,
        intent_id=intent_id,
    )


def settle(charge: Charge, intent: Intent) -> list[Event]:
    """What is new in the provider's word about a payment; nothing when all of it is known, however often it is told.

    An intent made with a key that is not ours says nothing about this charge.
    """
    number = next((n for n, attempt in charge.attempts.items() if attempt.key == intent.key), None)
    if number is None:
        return []
    facts: list[Event] = []
    attempt = charge.attempts[number]
    if not attempt.intent_id:
        facts.append(
            PaymentIntentCreated(
                order_id=charge.order_id,
                attempt=number,
                intent_id=intent.intent_id,
                checkout_url=intent.checkout_url,
            )
        )
    if intent.status is IntentStatus.CAPTURED:
        facts += _settle_capture(charge, intent)
    elif intent.status.final and number == charge.attempt and charge.status == "started":
        facts.append(
            PaymentDeclined(
                order_id=charge.order_id, attempt=number, intent_id=intent.intent_id, reason=intent.reason or "declined"
            )
        )
    return facts


def _settle_capture(charge: Charge, intent: Intent) -> list[Event]:
    if intent.intent_id == charge.intent_id or intent.intent_id in charge.surplus:
        return []
    fits = (intent.amount, intent.currency) == (charge.amount, charge.currency)
    if charge.status in {"open", "started"} and fits:
        return [capture(charge, "card", intent.intent_id)]
    return [
        SurplusReceived(
            order_id=charge.order_id,
            account_id=charge.account_id,
            intent_id=intent.intent_id,
            amount=intent.amount,
            currency=intent.currency,
            idempotency_key=f"surplus:{intent.intent_id}",
        )
    ]


def give_up(charge: Charge, order_id: str) -> list[Event]:
    """What follows when the order is cancelled or rejected.

    A charge that was not paid is cancelled, also one that is not open yet, because messages may come in any order. A
    paid one is given back the way it came. A paid top-up stays: its money is in the customer's deposit. Where nothing
    was paid, the voucher may be used again.
    """
    if charge.status in {"", "open", "started"} or (charge.status == "paid" and charge.source == "free"):
        return [ChargeCancelled(order_id=order_id), *_release(charge)]
    if charge.status != "paid" or charge.purpose == "topup":
        return []
    started = RefundStarted(
        order_id=charge.order_id,
        amount=charge.amount,
        currency=charge.currency,
        target=charge.source,
        idempotency_key=f"refund:{charge.order_id}",
    )
    return [started, refunded(charge)] if charge.source == "funds" else [started]


def _release(charge: Charge) -> list[Event]:
    if not charge.voucher:
        return []
    return [VoucherReleased(code=charge.voucher, order_id=charge.order_id, account_id=charge.account_id)]


def refunded(charge: Charge) -> RefundIssued:
    """The fact that a paid charge was given back the way it was paid."""
    return RefundIssued(
        order_id=charge.order_id,
        account_id=charge.account_id,
        amount=charge.amount,
        currency=charge.currency,
        target=charge.source,
    )
