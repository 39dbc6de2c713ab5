# SPDX-License-Identifier: Apache-2.0
"""Rules of ACME credentials: what their clients may buy, and how a client shows that it holds one."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable, Sequence

from shared.contracts.billing import Product
from shared.errors import Code, ServiceError, invalid

KEY_BYTES = 32
MAX_CONTACTS = 5
_NAME = re.compile(r"[^\x00-\x1f\x7f]{1,100}")
# RFC 8555 §7.3: one address, no headers (`?`), no list (`,`).
_MAILTO = re.compile(r"mailto:[^@\s,?%]{1,64}@[A-Za-z0-9.-]{1,253}")


def check_name(name: str) -> str:
    """The name without blanks around it. Raises invalid."""
    if not _NAME.fullmatch(name.strip()):
        raise invalid("Give the credential a name of 1 to 100 characters.", "/name")
    return name.strip()


def choose_product(products: Sequence[Product], code: str, term_years: int) -> str:
    """The product that clients buy: the one asked for, or the cheapest with domain validation. Raises invalid.

    OV and EV need an organization, which no ACME client can name.
    """
    sold = [one for one in products if one.validation_level == "DV"]
    if code:
        sold = [one for one in sold if one.code == code]
        if not sold:
            raise invalid("Choose a product with domain validation (DV).", "/product")
    priced = [
        (term.price, number, one.code)
        for number, one in enumerate(sold)
        for term in one.terms
        if term.years == term_years
    ]
    if not priced:
        raise invalid("The product is not sold for this term.", "/term_years")
    return min(priced)[2]


def right_mac(key: bytes, signed: bytes, mac: bytes) -> bool:
    """Whether the binding was signed with the credential's key: HS256 (RFC 8555 §7.3.4, RFC 7518 §3.2)."""
    return hmac.compare_digest(hmac.digest(key, signed, hashlib.sha256), mac)


def check_contact(contact: Iterable[str]) -> list[str]:
    """The contacts as they are kept. Raises invalid with `acme` for the gateway."""
    found = list(contact)
    if len(found) > MAX_CONTACTS:
        raise _contact("malformed", f"An account has at most {MAX_CONTACTS} contacts.")
    for one in found:
        if not one.startswith("mailto:"):
            raise _contact("unsupportedContact", "A contact is a mailto: address.")
        if not _MAILTO.fullmatch(one):
            raise _contact("invalidContact", "A contact is one plain e-mail address after mailto:.")
    return found


def _contact(kind: str, detail: str) -> ServiceError:
    return ServiceError(Code.INVALID, detail, pointer="/contact", extra={"acme": kind})
