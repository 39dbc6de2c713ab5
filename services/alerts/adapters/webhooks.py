# SPDX-License-Identifier: Apache-2.0
"""Webhooks in the form of Standard Webhooks 1.0, through the guarded way out: no redirects, no private addresses."""

from __future__ import annotations

import base64
import hashlib
import hmac

from services.alerts.ports import Outcome
from shared.egress.guard import Egress, EgressError

TIMEOUT_S = 15.0
MAX_ANSWER = 1024
PREFIX = "whsec_"


class GuardedHooks:
    """`plain` allows http too: for installations whose operator lets private networks be dialled."""

    def __init__(self, egress: Egress, *, plain: bool) -> None:
        self._egress = egress
        self.schemes: tuple[str, ...] = ("http", "https") if plain else ("https",)

    def send(self, url: str, secret: str, message_id: str, body: bytes, timestamp: int) -> Outcome:
        """One POST; every 2xx is a delivery."""
        headers = {
            "Content-Type": "application/json",
            "webhook-id": message_id,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": sign(secret, message_id, timestamp, body),
        }
        try:
            answer = self._egress.fetch(
                url,
                method="POST",
                headers=headers,
                body=body,
                schemes=self.schemes,
                ports=None,
                timeout_s=TIMEOUT_S,
                max_bytes=MAX_ANSWER,
            )
        except EgressError as error:
            return Outcome(delivered=False, detail=error.detail)
        if 300 <= answer.status < 400:
            return Outcome(delivered=False, detail=f"HTTP {answer.status}: redirects are not followed.")
        return Outcome(delivered=200 <= answer.status < 300, detail=f"HTTP {answer.status}")


def sign(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """The `webhook-signature` of a message."""
    key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    digest = hmac.digest(key, f"{message_id}.{timestamp}.".encode() + body, hashlib.sha256)
    return "v1," + base64.b64encode(digest).decode()
