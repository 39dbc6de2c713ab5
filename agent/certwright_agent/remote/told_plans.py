# SPDX-License-Identifier: Apache-2.0
"""The plan of an installation as a server tells it: known fields of the right form and size. Raises what a wrong shape
leads to; the caller makes a failure of it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from certwright_agent.errors import Refused

_HEX64 = re.compile(r"[0-9a-f]{64}\Z")
_MODE = re.compile(r"[0-7]{4}\Z")
_SERIAL = re.compile(r"[0-9A-F]{1,64}\Z")
_MOST_FILES = 200
_MOST_BINDINGS = 400
_MOST_TEXT = 100_000
_LINE = 4096


def plan(raw: Mapping[str, Any]) -> dict[str, Any]:
    """The plan, without anything else. Raises Refused, KeyError, TypeError, AttributeError."""
    diffs = [_diff(each.get("diff", "")) for each in raw["files"][:_MOST_FILES]]
    if sum(map(len, diffs)) > _MOST_TEXT:
        raise Refused("the plan is too long")
    return {
        "plan_sha256": _like(raw["plan_sha256"], _HEX64),
        "parts": {_line(name): _like(digest, _HEX64) for name, digest in list(raw["parts"].items())[:_MOST_FILES]},
        "web_server": _line(raw["web_server"]),
        "site": _line(raw["site"]),
        "serial": _like(raw["serial"], _SERIAL),
        "fingerprint_sha256": _like(raw["fingerprint_sha256"], _HEX64),
        "files": [_file(each, diff) for each, diff in zip(raw["files"], diffs)],
        "test": _line(raw["test"]),
        "reload": _line(raw["reload"]),
        "bindings": [
            {"address": _line(each["address"]), "port": _number(each["port"], 65535), "name": _line(each["name"])}
            for each in raw["bindings"][:_MOST_BINDINGS]
        ],
    }


def _file(raw: Mapping[str, Any], diff: str) -> dict[str, Any]:
    told: dict[str, Any] = {
        "path": _line(raw["path"]),
        "what": "configuration" if raw["what"] == "configuration" else "content",
        "secret": raw["secret"] is True,
        "new": raw["new"] is True,
        "mode": _like(raw["mode"], _MODE),
        "owner": _line(raw["owner"]),
    }
    for name in ("old_sha256", "new_sha256", "old_certificate_sha256", "new_certificate_sha256"):
        if raw.get(name):
            told[name] = _like(raw[name], _HEX64)
    if told["what"] == "configuration":
        told.update(diff=diff, cut=raw["cut"] is True, encoding="utf-8" if raw["encoding"] == "utf-8" else "latin-1")
        told.update({name: _number(raw[name], 10_000_000) for name in ("added", "removed", "hidden")})
    return told


def _diff(value: object) -> str:
    if not isinstance(value, str) or "PRIVATE KEY" in value:
        raise Refused("a diff is no text, or holds a private key")
    return value


def _line(value: object) -> str:
    if not isinstance(value, str) or "PRIVATE KEY" in value:
        raise Refused("a text is none, or holds a private key")
    return "".join(char if char.isprintable() else " " for char in value[:_LINE])


def _number(value: object, most: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= most:
        raise Refused("a number is none, or too large")
    return value


def _like(value: object, pattern: re.Pattern[str]) -> str:
    if not isinstance(value, str) or not pattern.match(value):
        raise Refused("a digest, a mode or a serial number does not have its form")
    return value
