# SPDX-License-Identifier: Apache-2.0
"""A wake-up call between greenlets: set it from anywhere, wait for it in one place."""

from __future__ import annotations

import threading


class Signal:
    """Remembers one call. `set` never blocks and never switches greenlets, so that it fits after a commit."""

    def __init__(self) -> None:
        self._latch = threading.Lock()
        self._latch.acquire()
        self._set = False

    def set(self) -> None:
        """Wakes the waiter, now or when it next waits."""
        if not self._set:
            self._set = True
            self._latch.release()

    def wait(self, timeout: float) -> bool:
        """Waits for a call; False when none came in `timeout` seconds."""
        called = self._latch.acquire(timeout=timeout)
        if called:
            self._set = False
        return called
