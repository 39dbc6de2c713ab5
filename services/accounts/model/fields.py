# SPDX-License-Identifier: Apache-2.0
"""What may stand in each field of the sign-up (guide §1.1); every refusal names the field by its pointer."""

from __future__ import annotations

import re
import unicodedata

from msgspec.structs import replace

from services.accounts.model.countries import COUNTRIES
from shared.contracts.accounts import Company, Contact
from shared.errors import ServiceError, invalid

MAX_TEXT = 200
_TEXT = re.compile(r"[^\x00-\x1f\x7f-\x9f]*")
_LOGIN = re.compile(r"[\w.@+-]{3,64}")
# Enough to catch slips; whether mail arrives only a mail can tell (RFC 5321 §4.5.3.1 for the lengths).
_EMAIL = re.compile(
    r"[^\s@<>()\[\],;:\\\"]{1,64}@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z0-9-]{2,63}"
)
_PHONE = re.compile(r"\+[1-9]\d{6,14}")  # E.164
_WRITTEN_BETWEEN_DIGITS = str.maketrans("", "", " .-/()")
RESERVED_LOGINS = frozenset({"admin", "administrator", "root", "system", "operator", "support", "certwright", "nobody"})

COMPANY_REQUIRED = ("name", "address1", "postcode", "country", "state", "city")
COMPANY_OPTIONAL = ("department", "address2", "address3", "po_box", "company_number", "duns_number")
CONTACT_REQUIRED = ("first_name", "last_name", "email", "telephone")
CONTACT_OPTIONAL = ("title", "fax")


def check_company(company: Company, pointer: str = "/company") -> None:
    """Raises ServiceError invalid."""
    for field in COMPANY_REQUIRED:
        _check_text(getattr(company, field), f"{pointer}/{field}", required=True)
    for field in COMPANY_OPTIONAL:
        _check_text(getattr(company, field), f"{pointer}/{field}", required=False)
    if company.country not in COUNTRIES:
        raise invalid("Choose a country: two capital letters of ISO 3166-1, such as DE.", f"{pointer}/country")
    if company.duns_number and not re.fullmatch(r"\d{9}", company.duns_number, re.ASCII):
        raise invalid("A DUNS number has nine digits.", f"{pointer}/duns_number")


def checked_contact(contact: Contact, pointer: str = "/contact") -> Contact:
    """The contact with its numbers in E.164, however they were grouped. Raises ServiceError invalid."""
    contact = replace(contact, telephone=_digits(contact.telephone), fax=_digits(contact.fax))
    for field in CONTACT_REQUIRED:
        _check_text(getattr(contact, field), f"{pointer}/{field}", required=True)
    for field in CONTACT_OPTIONAL:
        _check_text(getattr(contact, field), f"{pointer}/{field}", required=False)
    check_email(contact.email, f"{pointer}/email")
    for field in ("telephone", "fax"):
        number = getattr(contact, field)
        if number and not _PHONE.fullmatch(number):
            raise invalid(
                "Write the number with + and the country's code, such as +49 30 1234567.", f"{pointer}/{field}"
            )
    return contact


def _digits(number: str) -> str:
    return number.translate(_WRITTEN_BETWEEN_DIGITS) if number.lstrip().startswith("+") else number


def check_email(address: str, pointer: str) -> None:
    """Raises ServiceError invalid."""
    if len(address) > 254 or not _EMAIL.fullmatch(address):
        raise invalid("This is not an e-mail address.", pointer)


def check_login(login: str, pointer: str = "/login") -> None:
    """Raises ServiceError invalid."""
    if not _LOGIN.fullmatch(login):
        raise invalid("A login has 3 to 64 letters, digits and . _ - + @, without spaces.", pointer)
    if login_key(login) in RESERVED_LOGINS:
        raise login_refused(pointer)


def login_refused(pointer: str = "/login") -> ServiceError:
    """The same words for a reserved login and for one that somebody has, so that nobody learns which ones exist."""
    return invalid("This login cannot be used. Choose another one.", pointer)


def login_key(login: str) -> str:
    """Logins are case-sensitive to sign in (guide §1.1), but no two may look alike."""
    return unicodedata.normalize("NFKC", login).casefold()


def _check_text(value: str, pointer: str, *, required: bool) -> None:
    if required and not value.strip():
        raise invalid("This field is required.", pointer)
    if len(value) > MAX_TEXT or not _TEXT.fullmatch(value):
        raise invalid(f"At most {MAX_TEXT} characters, without control characters.", pointer)
