# SPDX-License-Identifier: Apache-2.0
"""The known logs of certificate transparency, from a file of the shape of the public `log_list.json`, version 3."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import load_der_public_key


class LogsUnreadableError(ValueError):
    """A file that is no list of logs."""


@dataclass(frozen=True)
class Log:
    """One log. `ended_at` is when it was retired; it is None while the log counts. `rejected` logs never counted."""

    name: str
    key: ec.EllipticCurvePublicKey | rsa.RSAPublicKey
    ended_at: datetime | None = None
    rejected: bool = False

    @property
    def kind(self) -> str:
        """ECDSA or RSA."""
        return "RSA" if isinstance(self.key, rsa.RSAPublicKey) else "ECDSA"

    def refuses(self, at: datetime) -> bool:
        """Whether a stamp that was made at that moment does not count: browsers take older ones of a retired log."""
        return self.rejected or (self.ended_at is not None and at >= self.ended_at)


def load_logs(path: Path) -> dict[bytes, Log]:
    """The logs by their ID. Raises OSError, LogsUnreadableError."""
    try:
        document = json.loads(path.read_bytes())
        return {log_id: log for one in _entries(document) for log_id, log in [_log(one)]}
    except (ValueError, KeyError, TypeError, AttributeError, binascii.Error, UnsupportedAlgorithm) as error:
        raise LogsUnreadableError(f"{path} is no list of CT logs: {error or type(error).__name__}") from error


def _entries(document: Any) -> Iterator[Any]:
    for operator in document["operators"]:
        yield from operator.get("logs", ())
        yield from operator.get("tiled_logs", ())


def _log(one: Any) -> tuple[bytes, Log]:
    der = base64.b64decode(one["key"], validate=True)
    key = load_der_public_key(der)
    if not isinstance(key, ec.EllipticCurvePublicKey | rsa.RSAPublicKey):
        raise LogsUnreadableError(f"the key of {one.get('description')} is of another kind")
    log_id = hashlib.sha256(der).digest()  # RFC 6962 §3.2
    if base64.b64decode(one["log_id"], validate=True) != log_id:
        raise LogsUnreadableError(f"the ID of {one.get('description')} is not that of its key")
    state = one.get("state", {})
    retired = state.get("retired")
    ended = datetime.fromisoformat(retired["timestamp"]) if retired else None
    if ended is not None and ended.tzinfo is None:
        raise LogsUnreadableError("a moment without its zone")
    return log_id, Log(str(one.get("description", ""))[:120], key, ended, "rejected" in state)
