# SPDX-License-Identifier: Apache-2.0
"""The test cards: numbers that the industry knows for declines, and our own for the troubles of networks.

Any other number is refused, so that nobody types a real card here. Numbers are never stored or logged.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class Fault(StrEnum):
    """What goes wrong although the money moves."""

    NONE = ""
    TIMEOUT_AFTER_CAPTURE = "timeout_after_capture"
    WEBHOOK_FIRST = "webhook_first"
    WEBHOOK_TWICE = "webhook_twice"
    WEBHOOK_NEVER = "webhook_never"
    ERROR_THEN_OK = "error_then_ok"


class Card(NamedTuple):
    """How a test card behaves: an empty `decline` means that it pays."""

    title: str
    decline: str = ""
    authenticate: bool = False
    fault: Fault = Fault.NONE


CARDS: dict[str, Card] = {
    "4242424242424242": Card("Pays"),
    "4000002500003155": Card("Pays after the bank's own page (3-D Secure)", authenticate=True),
    "4000000000000002": Card("Declined", decline="The card was declined."),
    "4000000000009995": Card("Insufficient funds", decline="The card has insufficient funds."),
    "4000000000000069": Card("Expired", decline="The card has expired."),
    "4000000000000127": Card("Wrong security code", decline="The security code is wrong."),
    "4000000000000119": Card("Processing error", decline="The card could not be processed. Try again."),
    "4000000000000259": Card("Pays; disputed later"),
    "4000990000000012": Card("Pays; the page then times out", fault=Fault.TIMEOUT_AFTER_CAPTURE),
    "4000990000000020": Card("Pays; the notice comes before the page answers", fault=Fault.WEBHOOK_FIRST),
    "4000990000000038": Card("Pays; the notice comes twice", fault=Fault.WEBHOOK_TWICE),
    "4000990000000046": Card("Pays; the notice never comes", fault=Fault.WEBHOOK_NEVER),
    "4000990000000053": Card("An error first; pays the second time", fault=Fault.ERROR_THEN_OK),
}


class UnknownCardError(ValueError):
    """A number that is no test card; the message is for the person who typed it."""


def find_card(number: str) -> Card:
    """The test card with this number, blanks and hyphens aside. Raises UnknownCardError."""
    digits = number.replace(" ", "").replace("-", "")
    if not (digits.isascii() and digits.isdigit() and 12 <= len(digits) <= 19 and _luhn(digits)):
        raise UnknownCardError("The card number is not valid.")
    card = CARDS.get(digits)
    if card is None:
        raise UnknownCardError("This is a sandbox: use one of the test cards, never a real one.")
    return card


def _luhn(digits: str) -> bool:
    """The check digit of ISO/IEC 7812-1, annex B."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + place % 2)
        total += value - 9 * (value > 9)
    return total % 10 == 0
