# SPDX-License-Identifier: Apache-2.0
"""What a password must be: the guide's rule (§1.1), and none that everybody tries first (NIST SP 800-63B §3.1.1.2)."""

from __future__ import annotations

from functools import cache
from importlib import resources

from shared.errors import invalid

MIN_LENGTH = 8
MAX_LENGTH = 256  # a longer one is somebody spending our time
CLASSES_NEEDED = 3
RULE = (
    "At least 8 characters, no space at the beginning, and three of these five: an upper-case letter, a lower-case "
    "letter, a digit, a punctuation mark, a character outside ASCII."
)


def check_password(password: str, *, login: str, pointer: str = "/password") -> None:
    """Raises ServiceError invalid with the rule that is broken; the password itself is never repeated."""
    if len(password) < MIN_LENGTH:
        raise invalid(f"The password has at least {MIN_LENGTH} characters.", pointer)
    if len(password) > MAX_LENGTH:
        raise invalid(f"The password has at most {MAX_LENGTH} characters.", pointer)
    if password[0].isspace():
        raise invalid("The password does not begin with a space.", pointer)
    if classes_of(password) < CLASSES_NEEDED:
        raise invalid(f"The password is too plain. {RULE}", pointer)
    if _root(password) in _common() or password.casefold() in _common():
        raise invalid("This password is on the lists that attackers try first. Choose another one.", pointer)
    if len(login) >= 3 and login.casefold() in password.casefold():
        raise invalid("The password must not contain the login.", pointer)


def check_change(old: str, new: str, *, login: str) -> None:
    """The rule for a password that takes the place of another. Raises ServiceError invalid."""
    check_password(new, login=login, pointer="/new_password")
    if new == old:
        raise invalid("The new password is the old one. Choose another one.", "/new_password")


def classes_of(password: str) -> int:
    """How many of the guide's five classes of characters are used."""
    ascii_ = [character for character in password if character.isascii()]
    return sum(
        (
            any(character.isupper() for character in ascii_),
            any(character.islower() for character in ascii_),
            any(character.isdigit() for character in ascii_),
            any(not character.isalnum() and character.isprintable() for character in ascii_),
            len(ascii_) < len(password),
        )
    )


def _root(password: str) -> str:
    """Without the digits and marks that people put behind a word to satisfy a rule, and without disguises."""
    word = password.casefold().rstrip("0123456789!?.,;:#*+-_$%&@ ")
    return word.translate(str.maketrans("@4013$5!7", "aaoiessit"))


@cache
def _common() -> frozenset[str]:
    text = resources.files(__package__ or "services.accounts.model").joinpath("common-passwords.txt").read_text("utf-8")
    return frozenset(line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#"))
