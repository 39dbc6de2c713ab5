# SPDX-License-Identifier: Apache-2.0
"""What can be said of a private key's file without the key leaving its host: who may read it, and whose key it is."""

from __future__ import annotations

import os
import ssl
import stat
from pathlib import Path

from certwright_agent.errors import AgentError
from certwright_agent.keystore import public_key_sha256

_LIMIT = 1024 * 1024
_READ_OR_WRITE = stat.S_IROTH | stat.S_IWOTH


def open_mode(path: Path) -> str:
    """The mode (such as `0644`) of a file that others than its owner and group can read or change; else empty.

    Only what stat(2) says: others need the file's own bits and the right to pass every folder above it.
    """
    real = Path(os.path.realpath(path))
    try:
        mode = real.stat().st_mode
        reached = all(folder.stat().st_mode & stat.S_IXOTH for folder in real.parents)
    except OSError:
        return ""
    return f"{stat.S_IMODE(mode):04o}" if mode & _READ_OR_WRITE and reached else ""


def other_key(certificate: Path, key: Path) -> str:
    """The SPKI SHA-256 of a key that is not the certificate's; empty when they fit, or when that cannot be told."""
    if not (_plain(certificate) and _plain(key)):
        return ""
    try:
        # No process is started for this, and the key stays in this one.
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key, password=lambda: "")
    except ssl.SSLError as problem:
        if problem.reason not in {"KEY_VALUES_MISMATCH", "KEY_TYPE_MISMATCH"}:
            return ""  # encrypted, or no PEM file at all
    except (OSError, ValueError):
        return ""
    else:
        return ""
    try:
        return public_key_sha256(key)
    except (AgentError, ValueError):
        return ""


def _plain(path: Path) -> bool:
    """A pipe or a device would keep whoever reads it."""
    try:
        seen = path.stat()
    except OSError:
        return False
    return stat.S_ISREG(seen.st_mode) and seen.st_size <= _LIMIT and os.access(path, os.R_OK)
