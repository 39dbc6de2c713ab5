# SPDX-License-Identifier: Apache-2.0
"""Signed notices in the form of Standard Webhooks 1.0: `webhook-id`, `webhook-timestamp`, `webhook-signature`."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets

PREFIX = "whsec_"
TOLERANCE_S = 300  # Standard Webhooks, "Verifying signatures": five minutes against replay


def new_secret() -> str:
    """A fresh signing secret of 32 random bytes."""
    return PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


def sign(secret: str, notice_id: str, timestamp: str, body: str) -> str:
    """The `webhook-signature` of a notice. Raises ValueError on a secret that is no `whsec_…`."""
    return "v1," + base64.b64encode(_digest(secret, notice_id, timestamp, body)).decode()


def verify(secret: str, notice_id: str, timestamp: str, body: str, signature: str, *, now: float) -> bool:
    """Whether one of the signatures in the header fits and `timestamp` (Unix seconds) is within five minutes of `now`.

    An `id` with a full stop is refused, since the signed text could be cut in two ways.
    """
    if not notice_id or "." in notice_id or not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) < 13):
        return False
    if abs(now - int(timestamp)) > TOLERANCE_S:
        return False
    expected = _digest(secret, notice_id, timestamp, body)
    for part in signature.split(" "):
        version, _, encoded = part.partition(",")
        try:
            given = base64.b64decode(encoded, validate=True)
        except (binascii.Error, ValueError):
            continue
        if version == "v1" and hmac.compare_digest(given, expected):
            return True
    return False


def _digest(secret: str, notice_id: str, timestamp: str, body: str) -> bytes:
    if not secret.startswith(PREFIX):
        raise ValueError("the webhook secret does not begin with whsec_")
    key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    return hmac.digest(key, f"{notice_id}.{timestamp}.{body}".encode(), hashlib.sha256)
