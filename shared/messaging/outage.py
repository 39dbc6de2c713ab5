# SPDX-License-Identifier: Apache-2.0
"""What an engine logs when a step failed: one line while the database is away, a traceback for what nobody foresaw."""

from __future__ import annotations

import logging

from shared.eventstore.database import is_outage


def report(log: logging.Logger, error: BaseException, text: str, *values: object) -> None:
    """Logs `text` with what went wrong. An outage is known from health and metrics; its traceback says nothing more."""
    if is_outage(error):
        log.warning(f"{text}: the database does not answer (%s)", *values, type(error).__name__)
    else:
        log.error(text, *values, exc_info=error)
