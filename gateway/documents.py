# SPDX-License-Identifier: Apache-2.0
"""Writes the API documents that are checked in: `python -m gateway.documents` (tests compare them with the code)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from gateway import asyncapi, openapi

FOLDER = Path(__file__).parent.parent / "docs"
DOCUMENTS = {"openapi.json": openapi.document, "asyncapi.json": asyncapi.document}


def text(document: dict[str, Any]) -> str:
    """As it is checked in: one line per value, so that a change shows in a review."""
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    for name, make in DOCUMENTS.items():
        (FOLDER / name).write_text(text(make()), encoding="utf-8")
