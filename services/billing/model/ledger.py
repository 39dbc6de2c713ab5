# SPDX-License-Identifier: Apache-2.0
"""Double entries. Positive lines are debits, negative ones credits; the lines of a transaction sum to zero.

What a customer has on deposit is our debt, so `funds:<account>` carries a credit (negative) balance; `deposit_of` turns
it into the positive number that people see. Nothing is ever edited: a correction is a further transaction.
"""

from __future__ import annotations

from shared.clock import derived_id
from shared.contracts.billing import LedgerLine, TransactionPosted

CARD_CLEARING = "card_clearing"  # what the payment provider owes us
REVENUE = "revenue"
TAX_PAYABLE = "tax_payable"
REFUNDS = "refunds"  # revenue given back
SURPLUS = "surplus"  # money that came for nothing and is on its way back; 0 at rest

MAX_TOPUP = 10_000_000  # 100,000.00 in a currency with two digits (console checklist 17.04: refuses "over the limit")


def stream(account_id: str) -> str:
    """The stream that holds every transaction of one customer."""
    return f"ledger-{account_id}"


def funds(account_id: str) -> str:
    """The ledger account that holds a customer's deposit."""
    return f"funds:{account_id}"


def deposit_of(funds_balance: int) -> int:
    """The deposit that people see, from the signed balance of `funds:<account>`."""
    return -funds_balance


class UnbalancedError(AssertionError):
    """A transaction whose lines do not sum to zero: a bug, stopped before it is history."""


def transaction(
    purpose: str, order_id: str, account_id: str, currency: str, text: str, *lines: LedgerLine
) -> TransactionPosted:
    """A transaction of an order. Its id follows from order and purpose, so that the same one cannot be posted twice.

    Lines of 0 are left out. Raises UnbalancedError.
    """
    kept = [line for line in lines if line.amount]
    if sum(line.amount for line in kept) != 0:
        raise UnbalancedError(f"{purpose} of order {order_id} does not balance: {kept}")
    return TransactionPosted(
        transaction_id=derived_id("transaction", order_id, purpose),
        account_id=account_id,
        currency=currency,
        text=text,
        lines=kept,
        order_id=order_id,
    )


def sale(debit: str, amount: int, tax: int) -> list[LedgerLine]:
    """The lines of a sale that `debit` pays: revenue without tax, and the tax that is owed on."""
    return [
        LedgerLine(account=debit, amount=amount),
        LedgerLine(account=REVENUE, amount=-(amount - tax)),
        LedgerLine(account=TAX_PAYABLE, amount=-tax),
    ]


def refund(credit: str, amount: int, tax: int) -> list[LedgerLine]:
    """The lines that give a sale back through `credit`; its tax is owed no more."""
    return [
        LedgerLine(account=REFUNDS, amount=amount - tax),
        LedgerLine(account=TAX_PAYABLE, amount=tax),
        LedgerLine(account=credit, amount=-amount),
    ]


def transfer(debit: str, credit: str, amount: int) -> list[LedgerLine]:
    """The two lines of a movement without revenue, such as a deposit."""
    return [LedgerLine(account=debit, amount=amount), LedgerLine(account=credit, amount=-amount)]
