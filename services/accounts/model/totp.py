# SPDX-License-Identifier: Apache-2.0
"""Time-based one-time passwords (RFC 6238) and the codes that replace one."""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime

import pyotp

STEP_S = 30
DRIFT = 1  # steps that a telephone's clock may be off (RFC 6238 §5.2)
RECOVERY_CODES = 10


def step_of(secret: str, code: str, now: datetime, *, after: int) -> int | None:
    """The time step that `code` belongs to, or None. Steps up to `after` were used: a code counts once."""
    totp = pyotp.TOTP(secret)
    present = int(now.timestamp()) // STEP_S
    found = None
    for step in range(present - DRIFT, present + DRIFT + 1):
        if hmac.compare_digest(totp.at(step * STEP_S).encode(), code.encode()) and step > after:
            found = step
    return found


def uri_of(secret: str, login: str, issuer: str) -> str:
    """The otpauth URI for an authenticator app."""
    return pyotp.TOTP(secret).provisioning_uri(name=login, issuer_name=issuer)


def recovery_hash(user_id: str, code: str) -> str:
    """How a recovery code is kept. It has 80 random bits, so that a fast hash is enough."""
    plain = code.replace("-", "").replace(" ", "").upper()
    return hashlib.sha256(f"{user_id}:{plain}".encode()).hexdigest()


def looks_like_totp(code: str) -> bool:
    """Six digits; anything else is taken for a recovery code."""
    return len(code) == 6 and code.isascii() and code.isdigit()
