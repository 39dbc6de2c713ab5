# SPDX-License-Identifier: Apache-2.0
"""What is told to the payment provider about who pays."""

from __future__ import annotations

import re

from shared.contracts.billing import Payer
from shared.errors import invalid

REQUIRED = ("name", "address1", "city", "country")
MAX_TEXT = 200
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_COUNTRY = re.compile(r"[A-Z]{2}")
_PHONE = re.compile(r"\+?[0-9 ()/.-]{3,40}")


def checked(payer: Payer) -> Payer:
    """The payer without blanks around the texts. Raises ServiceError `invalid` with the field that does not fit."""
    texts = {name: getattr(payer, name).strip() for name in payer.__struct_fields__}
    for name, text in texts.items():
        pointer = f"/payer/{name}"
        if name in REQUIRED and not text:
            raise invalid("The payment provider needs this.", pointer)
        if len(text) > MAX_TEXT or _CONTROL.search(getattr(payer, name)):
            raise invalid(f"At most {MAX_TEXT} characters, without control characters.", pointer)
    if not _COUNTRY.fullmatch(texts["country"]):
        raise invalid("The country has two capital letters, such as DE (ISO 3166-1).", "/payer/country")
    if texts["phone"] and not _PHONE.fullmatch(texts["phone"]):
        raise invalid(
            "A telephone number has digits, blanks, hyphens and brackets, such as +49 30 1234567.", "/payer/phone"
        )
    return Payer(**texts)
