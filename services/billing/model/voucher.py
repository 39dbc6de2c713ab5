# SPDX-License-Identifier: Apache-2.0
"""Vouchers: what a code takes off a price, and when it may not."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from services.billing.model.prices import PriceList
from shared.clock import from_text, to_text
from shared.contracts.billing import MakeVoucher, VoucherMade, VoucherView
from shared.errors import ServiceError, invalid

MAX_AMOUNT = 10_000_000
MAX_USES = 1_000_000
MAX_NOTE = 200
_CODE = re.compile(r"[A-Z0-9](?:[A-Z0-9-]{1,38})[A-Z0-9]")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
UNKNOWN = "There is no voucher with this code. Check how it is written."
USED_UP = "This voucher has been used as often as it may be."
ENDED = "This voucher has been ended and can be used no more."


def stream(code: str) -> str:
    """The stream of one voucher. Its uses stand with the charges of the orders that used it."""
    return f"voucher-{code}"


def canonical(text: str) -> str:
    """The one form of a code, whatever letters it was typed in; empty when it can be no code."""
    code = text.strip().upper()
    return code if _CODE.fullmatch(code) else ""


@dataclass(frozen=True)
class Voucher:
    """A voucher as it stands. Empty moments do not limit it, nor does `max_uses` 0."""

    code: str
    percent: int
    amount: int
    currency: str
    products: list[str]
    valid_from: str
    valid_until: str
    max_uses: int
    note: str
    uses: int
    made_at: str
    ended_at: str | None

    @property
    def spent(self) -> str:
        """Why no further order may use it, in words for people, or an empty text."""
        if self.ended_at is not None:
            return ENDED
        return USED_UP if self.max_uses and self.uses >= self.max_uses else ""

    def state(self, now: str) -> str:
        """active, scheduled, expired, used_up or ended. `now` is as `to_text` writes it."""
        if self.ended_at is not None:
            return "ended"
        if self.valid_until and now >= self.valid_until:
            return "expired"
        if self.spent:
            return "used_up"
        return "scheduled" if now < self.valid_from else "active"


def take_off(total: int, *, percent: int, amount: int) -> int:
    """How much less is to be paid: a share of the total, halves rounded up, or a sum; never more than the total."""
    off = (total * percent + 50) // 100 if percent else amount
    return min(off, total)


def discount(voucher: Voucher | None, product: str, product_name: str, total: int, now: str) -> int:
    """What a voucher takes off the price of a product. Raises ServiceError `invalid` at `/voucher` with the reason."""
    if voucher is None:
        raise invalid(UNKNOWN, "/voucher")
    if voucher.spent:
        raise invalid(voucher.spent, "/voucher")
    if now < voucher.valid_from:
        raise invalid(f"This voucher is valid from {_moment(voucher.valid_from)} on.", "/voucher")
    if voucher.valid_until and now >= voucher.valid_until:
        raise invalid(f"This voucher expired on {_moment(voucher.valid_until)}.", "/voucher")
    if voucher.products and product not in voucher.products:
        raise invalid(f"This voucher is not for {product_name}.", "/voucher")
    if total == 0:
        raise invalid(f"{product_name} is free of charge; keep the voucher for another order.", "/voucher")
    return take_off(total, percent=voucher.percent, amount=voucher.amount)


def _moment(text: str) -> str:
    return f"{from_text(text):%Y-%m-%d %H:%M} UTC"


def make(request: MakeVoucher, prices: PriceList, now: datetime) -> VoucherMade:
    """The fact of a new voucher. Raises ServiceError `invalid` with the field that does not fit."""
    code = canonical(request.code)
    if not code:
        raise invalid("A code has 3 to 40 letters A to Z, digits and hyphens, such as SPRING-26.", "/code")
    percent, amount = request.percent, request.amount
    if (percent is None) == (amount is None):
        raise invalid("Give a percentage or an amount, not both.", "/percent" if percent is None else "/amount")
    if percent is not None and not 1 <= percent <= 100:
        raise invalid("The percentage lies between 1 and 100.", "/percent")
    if amount is not None and not 1 <= amount <= MAX_AMOUNT:
        raise invalid(f"The amount lies between 1 and {MAX_AMOUNT} minor units.", "/amount")
    for index, product in enumerate(request.products):
        if product not in prices.products:
            raise invalid(f"There is no product {product[:60]!r}; see the price list.", f"/products/{index}")
    if request.max_uses is not None and not 1 <= request.max_uses <= MAX_USES:
        raise invalid(f"A voucher may be used 1 to {MAX_USES:,} times.", "/max_uses")
    if len(request.note) > MAX_NOTE or _CONTROL.search(request.note):
        raise invalid(f"A note has at most {MAX_NOTE} characters, without control characters.", "/note")
    begins = _read(request.valid_from, "/valid_from")
    ends = _read(request.valid_until, "/valid_until")
    if ends and ends <= max(begins, to_text(now)):
        raise invalid("The voucher must end later than it begins, and later than now.", "/valid_until")
    return VoucherMade(
        code=code,
        percent=percent or 0,
        amount=amount or 0,
        currency=prices.currency,
        products=list(dict.fromkeys(request.products)),
        valid_from=begins,
        valid_until=ends,
        max_uses=request.max_uses or 0,
        note=request.note.strip(),
    )


def _read(text: str | None, pointer: str) -> str:
    if text is None:
        return ""
    try:
        return to_text(from_text(text))
    except (ValueError, OverflowError):
        raise _no_moment(pointer) from None


def _no_moment(pointer: str) -> ServiceError:
    return invalid("Give a moment with its zone, such as 2026-12-31T23:59:59Z (RFC 3339).", pointer)


def view(voucher: Voucher, now: str) -> VoucherView:
    """A voucher as operators see it."""
    return VoucherView(
        code=voucher.code,
        percent=voucher.percent,
        amount=voucher.amount,
        currency=voucher.currency,
        products=voucher.products,
        valid_from=voucher.valid_from or None,
        valid_until=voucher.valid_until or None,
        max_uses=voucher.max_uses or None,
        uses=voucher.uses,
        state=voucher.state(now),
        note=voucher.note,
        made_at=voucher.made_at,
        ended_at=voucher.ended_at,
    )
