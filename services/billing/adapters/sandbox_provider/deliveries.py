# SPDX-License-Identifier: Apache-2.0
"""Sends signed notices and repeats them until they are accepted."""

from __future__ import annotations

import threading

import requests

from services.billing.adapters.sandbox_provider.book import Book, Delivery
from services.billing.adapters.standard_webhooks import sign
from shared.clock import SystemClock

# Standard Webhooks, "Deliverability": growing delays over three days; quicker at first, since a sandbox is watched.
DELAYS_S = (0.5, 1, 2, 5, 15, 60, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400)
GONE = 410
IDLE_S = 1.0


class Sender:
    """A thread that works off the due notices; `wake` makes it look at once."""

    def __init__(self, book: Book, secret: str) -> None:
        self._book = book
        self._secret = secret
        self._wake = threading.Event()
        self._stopped = False
        self._thread = threading.Thread(target=self._run, name="sandbox-notices", daemon=True)

    def start(self) -> None:
        """Begins to send."""
        self._thread.start()

    def stop(self) -> None:
        """Ends after the notice that is on its way."""
        self._stopped = True
        self._wake.set()
        self._thread.join(timeout=15)

    def wake(self) -> None:
        """Something is due."""
        self._wake.set()

    def send_due(self) -> int:
        """Sends what is due now, one after the other; returns how many."""
        due = self._book.due()
        for delivery in due:
            self._book.delivered(delivery, self._send(delivery))
        return len(due)

    def _run(self) -> None:
        while not self._stopped:
            self._wake.clear()
            if not self.send_due():
                self._wake.wait(IDLE_S)

    def _send(self, delivery: Delivery) -> float | None:
        timestamp = str(int(SystemClock().now().timestamp()))
        headers = {
            "content-type": "application/json",
            "webhook-id": delivery.notice_id,
            "webhook-timestamp": timestamp,
            "webhook-signature": sign(self._secret, delivery.notice_id, timestamp, delivery.body),
        }
        try:
            answer = requests.post(
                delivery.url, data=delivery.body.encode(), headers=headers, timeout=15, allow_redirects=False
            )
            if answer.ok or answer.status_code == GONE:
                return None
        except requests.RequestException:
            pass  # nobody listens yet, or not any more: that is what the delays are for
        return DELAYS_S[delivery.attempts] if delivery.attempts < len(DELAYS_S) else None
