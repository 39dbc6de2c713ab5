# SPDX-License-Identifier: Apache-2.0
"""One place from which names are looked up, as a setting says it: `name=address[:port]@REGION[+validating]`."""

from __future__ import annotations

import re
from typing import NamedTuple

from shared.egress.resolver import check_nameserver

REGISTRIES = ("AFRINIC", "APNIC", "ARIN", "LACNIC", "RIPE")  # BR 3.2.2.9 counts their service regions
_SHAPE = re.compile(
    r"(?P<name>[A-Za-z0-9][A-Za-z0-9 ._-]{0,39})=(?P<server>[^@+]+)(?:@(?P<region>[A-Za-z]+))?"
    r"(?P<validating>\+validating)?"
)


class PerspectiveSetting(NamedTuple):
    """What a setting says of one perspective; `region` is empty where none is named."""

    name: str
    nameserver: str
    region: str
    validating: bool


def read_perspective(text: str) -> PerspectiveSetting:
    """The parts of `text`. Raises ValueError with a sentence."""
    match = _SHAPE.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is no perspective: write name=address[:port]@REGION")
    region = (match["region"] or "").upper()
    if region and region not in REGISTRIES:
        raise ValueError(f"{text!r}: the region is one of {', '.join(REGISTRIES)}")
    try:
        server = check_nameserver(match["server"].strip())
    except ValueError as error:
        raise ValueError(f"{text!r}: {error}") from None
    return PerspectiveSetting(match["name"], server, region, match["validating"] is not None)
