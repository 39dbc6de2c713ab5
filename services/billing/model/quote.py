# SPDX-License-Identifier: Apache-2.0
"""A quote: the price that was shown is the price that is charged, for 30 minutes and for one order."""

from __future__ import annotations

from datetime import timedelta

from shared.contracts.billing import QuoteGiven, QuoteView
from shared.eventsourcing.fold import Fold

VALID_FOR = timedelta(minutes=30)


def stream(quote_id: str) -> str:
    """The stream that holds one quote."""
    return f"quote-{quote_id}"


QUOTE: Fold[QuoteGiven | None] = Fold(lambda: None)


@QUOTE.on(QuoteGiven)
def _given(_state: QuoteGiven | None, event: QuoteGiven) -> QuoteGiven:
    return event


def why_refused(quote: QuoteGiven | None, *, account_id: str, amount: int, currency: str, at: str, used: bool) -> str:
    """Why an order may not stand on `quote`, in words for people, or an empty text.

    `at` is when the order was placed (RFC 3339 as `to_text` writes it), not when this is asked: messages may be late.
    """
    if quote is None or quote.account_id != account_id:
        return "There is no such quote."
    if used:
        return "The quote was used by another order."
    if at > quote.expires_at:
        return "The quote had expired when the order was placed."
    if (amount, currency) != (quote.total, quote.currency):
        return "The order's price is not the quoted price."
    return ""


def view(
    quote: QuoteGiven,
    *,
    created_at: str,
    now: str,
    used_by: str | None,
    deposit: bool,
    balance: int,
    voucher_refused: str = "",
) -> QuoteView:
    """The quote as its customer sees it. `balance` is that of the deposit account in the quote's currency."""
    return QuoteView(
        quote_id=quote.quote_id,
        account_id=quote.account_id,
        product=quote.product,
        product_name=quote.product_name,
        form=quote.form,
        validation_level=quote.validation_level,
        names=quote.names,
        term_years=quote.term_years,
        lines=quote.lines,
        tax=quote.tax,
        total=quote.total,
        currency=quote.currency,
        created_at=created_at,
        expires_at=quote.expires_at,
        expired=now > quote.expires_at,
        used_by_order_id=used_by,
        deposit=deposit,
        funds_missing=max(0, quote.total - balance) if deposit else 0,
        voucher=quote.voucher,
        discount=quote.discount,
        voucher_refused=voucher_refused,
    )
