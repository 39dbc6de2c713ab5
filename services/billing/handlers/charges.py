# SPDX-License-Identifier: Apache-2.0
"""What orders do to money: an order opens its charge, a cancelled one closes it or gets its money back."""

from __future__ import annotations

from services.billing.handlers import vouchers
from services.billing.model import charge, ledger, quote
from services.billing.projections import find_deposit, order_of_quote
from shared.contracts import orders
from shared.contracts.billing import ChargeOpened, ChargeRefused, LedgerLine, RefundIssued, RefundStarted, VoucherUsed
from shared.eventsourcing.envelope import Envelope
from shared.eventstore.streams import Loaded
from shared.eventstore.unit_of_work import UnitOfWork


def on_order_placed(uow: UnitOfWork, envelope: Envelope[orders.OrderPlaced]) -> None:
    """Opens the charge, or refuses it; free orders are paid at once, and those of deposit customers from their funds.

    A deposit that does not suffice any more, because another order was faster, leaves the charge open: StartPayment
    draws it after a top-up.
    """
    order = envelope.data
    loaded = uow.load(charge.stream(order.order_id), charge.CHARGE)
    if loaded.state.status:
        return
    tax, used, reason = _check(uow, order, envelope.occurred_at)
    if reason:
        uow.append(loaded, ChargeRefused(order_id=order.order_id, account_id=order.account_id, reason=reason))
        return
    opened = ChargeOpened(
        order_id=order.order_id,
        number=order.number,
        account_id=order.account_id,
        purpose="topup" if order.kind == "topup" else "order",
        amount=order.amount,
        currency=order.currency,
        quote_id=order.quote_id,
        tax=tax,
    )
    uow.append(loaded, opened, *([used] if used else []))
    if order.amount == 0:
        uow.append(loaded, charge.capture(loaded.state, "free"))
    elif order.deposit:
        draw(uow, loaded)


def _check(uow: UnitOfWork, order: orders.OrderPlaced, placed_at: str) -> tuple[int, VoucherUsed | None, str]:
    """The tax that the order's amount contains, its use of a voucher, and why the order cannot be charged, or an empty
    text."""
    if order.kind == "topup":
        deposit = find_deposit(uow.connection, order.account_id)
        if not 0 < order.amount <= ledger.MAX_TOPUP:
            return 0, None, "A deposit is at least 0.01 and at most 100,000.00."
        if deposit and deposit.currency != order.currency:
            return 0, None, f"The deposit account is kept in {deposit.currency}."
        return 0, None, ""
    given = uow.load(quote.stream(order.quote_id), quote.QUOTE).state
    reason = quote.why_refused(
        given,
        account_id=order.account_id,
        amount=order.amount,
        currency=order.currency,
        at=placed_at,
        used=order_of_quote(uow.connection, order.quote_id) is not None,
    )
    if reason or given is None:
        return 0, None, reason
    used, reason = vouchers.use(uow, given, order.order_id)
    return given.tax, used, reason


def draw(uow: UnitOfWork, loaded: Loaded[charge.Charge]) -> int:
    """Pays an open order's charge from the deposit when its funds suffice. Returns what is missing, 0 when it is paid.

    The ledger is held until the end of the transaction, so that buyers of one balance take turns and none of them
    decides on a balance that another has spent. The balance is read from the read model, which is part of the same
    transaction, since folding a ledger of thousands of sales for each sale would make every sale dearer than the last.
    """
    owed = loaded.state
    uow.lock(ledger.stream(owed.account_id))
    deposit = find_deposit(uow.connection, owed.account_id)
    balance = deposit.balance if deposit and deposit.currency == owed.currency else 0
    if balance < owed.amount:
        return owed.amount - balance
    uow.append(loaded, charge.capture(owed, "funds"))
    text = f"Order {owed.number}"
    lines = ledger.sale(ledger.funds(owed.account_id), owed.amount, owed.tax)
    post(uow, owed, "sale", text, lines)
    return 0


def post(uow: UnitOfWork, owed: charge.Charge, purpose: str, text: str, lines: list[LedgerLine]) -> None:
    """Posts a transaction of a charge in its customer's ledger."""
    posted = ledger.transaction(purpose, owed.order_id, owed.account_id, owed.currency, text, *lines)
    uow.append_anywhere(ledger.stream(owed.account_id), posted)


def on_order_given_up(
    uow: UnitOfWork, envelope: Envelope[orders.OrderCancelled] | Envelope[orders.OrderRejected]
) -> None:
    """Cancels the charge of a cancelled or rejected order, or gives back what billing knows to have been paid."""
    order_id = envelope.data.order_id
    loaded = uow.load(charge.stream(order_id), charge.CHARGE)
    for fact in charge.give_up(loaded.state, order_id):
        uow.append(loaded, fact)
        if isinstance(fact, RefundStarted) and fact.target == "card":
            uow.schedule("refund", order_id, {"order_id": order_id})
        if isinstance(fact, RefundIssued):
            post_refund(uow, loaded.state, ledger.funds(loaded.state.account_id))


def post_refund(uow: UnitOfWork, owed: charge.Charge, credit: str) -> None:
    """Posts that an order was given back through the ledger account `credit`."""
    lines = ledger.refund(credit, owed.amount, owed.tax)
    post(uow, owed, "refund", f"Order {owed.number} given back", lines)
