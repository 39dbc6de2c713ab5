# SPDX-License-Identifier: Apache-2.0
"""The form of VAT numbers. Only the form: whether a number was given out is a question to its country."""

from __future__ import annotations

import re

# The European Union by VIES (which writes EL for Greece), and its neighbours, as each writes its own.
FORMS: dict[str, str] = {
    "AT": r"U\d{8}",
    "BE": r"[01]\d{9}",
    "BG": r"\d{9,10}",
    "CH": r"E?\d{9}(?:MWST|TVA|IVA)?",
    "CY": r"\d{8}[A-Z]",
    "CZ": r"\d{8,10}",
    "DE": r"\d{9}",
    "DK": r"\d{8}",
    "EE": r"\d{9}",
    "EL": r"\d{9}",
    "ES": r"[A-Z0-9]\d{7}[A-Z0-9]",
    "FI": r"\d{8}",
    "FR": r"[A-HJ-NP-Z0-9]{2}\d{9}",
    "GB": r"(?:\d{9}(?:\d{3})?|GD\d{3}|HA\d{3})",
    "HR": r"\d{11}",
    "HU": r"\d{8}",
    "IE": r"(?:\d{7}[A-W][A-I]?|\d[A-Z+*]\d{5}[A-W])",
    "IT": r"\d{11}",
    "LT": r"(?:\d{9}|\d{12})",
    "LU": r"\d{8}",
    "LV": r"\d{11}",
    "MT": r"\d{8}",
    "NL": r"[A-Z0-9+*]{9}B\d{2}",
    "NO": r"\d{9}(?:MVA)?",
    "PL": r"\d{10}",
    "PT": r"\d{9}",
    "RO": r"\d{2,10}",
    "SE": r"\d{10}01",
    "SI": r"\d{8}",
    "SK": r"\d{10}",
    "XI": r"(?:\d{9}(?:\d{3})?|GD\d{3}|HA\d{3})",
}
_ISO = {"GR": "EL"}
_ELSEWHERE = re.compile(r"[A-Z0-9]{2,20}")


class NotAVATNumberError(ValueError):
    """The text cannot be a VAT number of that country; the message says what one looks like."""


def canonical(text: str, country: str) -> str:
    """The number with its country's prefix and without blanks, dots and hyphens; empty stays empty.

    `country` (ISO 3166-1) says whose form is meant where the number has no prefix of its own. Raises
    NotAVATNumberError.
    """
    plain = re.sub(r"[\s.\-/]", "", text).upper()
    if not plain:
        return ""
    own = _ISO.get(country, country)
    for prefix in dict.fromkeys((plain[:2], own)):
        form = FORMS.get(prefix)
        if form is not None and re.fullmatch(form, plain.removeprefix(prefix), re.ASCII):
            return prefix + plain.removeprefix(prefix)
    if own in FORMS:
        raise NotAVATNumberError(f"This is no VAT number of {own}. Check it, or leave it empty.")
    if not _ELSEWHERE.fullmatch(plain):
        raise NotAVATNumberError("A VAT number has 2 to 20 letters and digits. Check it, or leave it empty.")
    return plain
