# SPDX-License-Identifier: Apache-2.0
"""Log lines: JSON for machines, short lines for a terminal, both with the ids of the work they belong to."""

from __future__ import annotations

import contextvars
import json
import logging
import sys
import time
from typing import TextIO

# What the current greenlet or thread works on: trace, correlation, account, service and the like. Set per unit of work.
_work: contextvars.ContextVar[dict[str, str]] = contextvars.ContextVar("certwright_work")

_QUIET = {
    "nameko.containers": logging.CRITICAL,  # the container logs failed work itself, with ids
    "nameko": logging.WARNING,
    "kombu": logging.ERROR,  # connection losses are logged by the link and the intake, in one line
    "amqp": logging.ERROR,
    "alembic": logging.WARNING,
    "urllib3": logging.WARNING,
}


def bind(**ids: str | None) -> None:
    """Sets the ids of the work that starts here; None values are left out. They are kept per greenlet."""
    _work.set({name: value for name, value in ids.items() if value is not None})


def bound() -> dict[str, str]:
    """The ids of the current work."""
    return _work.get({})


class JSONFormatter(logging.Formatter):
    """One JSON object a line: ts, level, logger, message, the bound ids, and `error` with a traceback."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        line: dict[str, object] = {
            "ts": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + f".{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **bound(),
        }
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


class TerminalFormatter(logging.Formatter):
    """`12:01:05 warning orders: message  trace=…`."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        clock = time.strftime("%H:%M:%S", time.localtime(record.created))
        ids = "  ".join(f"{name}={value}" for name, value in bound().items())
        level = "" if record.levelno == logging.INFO else f" {record.levelname.lower()}"
        line = f"{clock}{level} {record.getMessage()}" + (f"  [{ids}]" if ids else "")
        if record.exc_info:
            line += "\n" + self.formatException(record.exc_info)
        return line


def configure(level: str = "info", *, stream: TextIO | None = None, as_json: bool | None = None) -> None:
    """Sends all log lines to `stream` (standard error); JSON unless it is a terminal, or as `as_json` says."""
    target = stream or sys.stderr
    handler = logging.StreamHandler(target)
    use_json = not target.isatty() if as_json is None else as_json
    handler.setFormatter(JSONFormatter() if use_json else TerminalFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name, least in _QUIET.items():
        logging.getLogger(name).setLevel(max(least, root.level))
    logging.captureWarnings(True)
