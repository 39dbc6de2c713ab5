# SPDX-License-Identifier: Apache-2.0
"""Zip files that are the same bytes for the same content."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping

_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest that the format knows


def zip_of(files: Mapping[str, bytes]) -> bytes:
    """The files in their order; programs (`.pyz`) may be run, settings (`.json`) are their owner's alone."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            member = zipfile.ZipInfo(name, _EPOCH)
            member.compress_type = zipfile.ZIP_DEFLATED
            member.external_attr = _mode(name) << 16
            archive.writestr(member, content)
    return buffer.getvalue()


def _mode(name: str) -> int:
    return 0o755 if name.endswith(".pyz") else 0o600 if name.endswith(".json") else 0o644
