# SPDX-License-Identifier: Apache-2.0
"""When a reissue or a replaced CSR waits for somebody to prove names."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

KIND = "proof_missing"
SEVERITY = "warning"
GRACE = timedelta(minutes=5)  # what the service proves by itself takes seconds: nobody is told of that
MOST_NAMES = 5


def sentence(names: Sequence[str]) -> str:
    """What the alert says, in words. `names` are those to be proved, at least one."""
    more = len(names) - MOST_NAMES
    shown = ", ".join(names[:MOST_NAMES]) + (f" and {more} more" if more > 0 else "")
    return f"A new certificate waits for somebody to prove control over {shown}."
