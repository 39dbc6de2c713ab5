# SPDX-License-Identifier: Apache-2.0
"""The one-time code: made by the agent, typed by the customer, kept here only as SHA-256 (guide §3.1)."""

from __future__ import annotations

import hashlib
import re
from datetime import timedelta

from shared.errors import Code, ServiceError, invalid

CODE_LIFE = timedelta(minutes=10)
TRIES = 5
OPEN_CODES = 10  # of one agent at a time: the UID is no secret, so others may say hello under it too

_ALPHABET = frozenset("0123456789ABCDEFGHJKMNPQRSTVWXYZ")  # Crockford's base 32, as the agent prints it
_HASH = re.compile(r"[0-9a-f]{64}\Z")


def code_hash(code: str) -> str:
    """SHA-256 of the code as it is compared: upper case, dashes and blanks left out. Raises ServiceError `invalid`."""
    if len(code) > 100:
        raise invalid("This is not a code that an agent printed.", "/code")
    letters = "".join(char for char in code.upper() if char in _ALPHABET)
    return hashlib.sha256(letters.encode()).hexdigest()


def token_hash(token: str) -> str:
    """What is kept of an agent's token: it has 256 random bits, so that a plain hash is enough."""
    return hashlib.sha256(token.encode()).hexdigest()


def check_hash(code_sha256: str) -> None:
    """Raises ServiceError `invalid` when it is no lower-case SHA-256."""
    if not _HASH.match(code_sha256):
        raise invalid("This is not a SHA-256 in lower-case hexadecimal.", "/code_sha256")


def wrong_code() -> ServiceError:
    """The refusal for a code that fits no waiting agent; the same for wrong, old and used ones."""
    return invalid("The code is wrong, too old or used. Type the code that the agent shows now.", "/code")


def nobody_waits() -> ServiceError:
    """The refusal when the agent has not said hello, or its codes ended."""
    return ServiceError(
        Code.ACTION_NOT_ALLOWED,
        "No agent waits for its verification. Start the agent, then type the code that it shows.",
    )
