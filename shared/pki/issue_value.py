# SPDX-License-Identifier: Apache-2.0
"""The value of CAA issue properties (RFC 8659 §4.2), which persistent validation records share (BR 3.2.2.4.22)."""

from __future__ import annotations

import re

_LABEL = r"[a-z0-9](?:-*[a-z0-9])*"
_NAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})*", re.IGNORECASE)
_PARAMETER = re.compile(rf"(?P<key>{_LABEL})[ \t]*=[ \t]*(?P<said>[\x21-\x3a\x3c-\x7e]*)", re.IGNORECASE)
MOST_KEY, MOST_VALUE = 40, 1000  # characters; what is longer is cut


def read_issue_value(value: str) -> tuple[str, tuple[tuple[str, str], ...]] | None:
    """The CA's name, empty for nobody, then parameters as they stand, their keys in lower case; None where that is not
    the shape of the value."""
    name, semicolon, rest = value.partition(";")
    name = name.strip(" \t")
    if name and not _NAME.fullmatch(name):
        return None
    if not semicolon or not rest.strip(" \t"):
        return name.lower(), ()
    parameters = []
    for part in rest.split(";"):
        match = _PARAMETER.fullmatch(part.strip(" \t"))
        if match is None:
            return None
        parameters.append((match["key"].lower()[:MOST_KEY], match["said"][:MOST_VALUE]))
    return name.lower(), tuple(parameters)
