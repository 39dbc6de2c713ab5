# SPDX-License-Identifier: Apache-2.0
"""Amounts in words for people."""

from __future__ import annotations

# ISO 4217: all other currencies have two digits.
_DIGITS = {"JPY": 0, "KRW": 0, "CLP": 0, "VND": 0, "ISK": 0, "KWD": 3, "BHD": 3, "JOD": 3, "OMR": 3, "TND": 3}


def money(amount: int, currency: str) -> str:
    """An amount as people write it, without its currency."""
    exponent = _DIGITS.get(currency, 2)
    sign, amount = ("-" if amount < 0 else ""), abs(amount)
    if exponent == 0:
        return f"{sign}{amount:,}"
    whole, part = divmod(amount, 10**exponent)
    return f"{sign}{whole:,}.{part:0{exponent}}"
