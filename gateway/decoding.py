# SPDX-License-Identifier: Apache-2.0
"""From bytes to typed requests: strict, bounded, and with the place of every fault (quality bar S21).

The decoders are msgspec's, built once per operation. What they let pass and databases or other programs choke on is
refused here: deep nesting, NUL characters, integers beyond 2^53 (RFC 7493 §2.2), bad UTF-8 in paths and queries.
"""

from __future__ import annotations

import re
from typing import Any, TypeVar
from urllib.parse import unquote_to_bytes

import msgspec

from gateway.problems import RefusedError
from shared.errors import ServiceError, invalid

S = TypeVar("S")

MAX_DEPTH = 32
MAX_INTEGER = 2**53 - 1
_PLACE = re.compile(r"(?P<what>.*?)(?: - at `\$(?P<path>.*)`)?", re.DOTALL)
_FIELD = re.compile(r"(?:unknown|required) field `(?P<name>.*)`", re.DOTALL)
_STEP = re.compile(r"\.(?P<name>[A-Za-z_0-9]+)|\[(?P<index>\d+|\.\.\.)\]")
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)
_NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_LONG_NUMBER = re.compile(rb"\d{16}")
_WORDS = {"str": "a string", "int": "an integer", "bool": "true or false", "float": "a number", "object": "an object",
    "array": "an array", "null": "null"}  # fmt: skip


def decode_body(body: bytes, decoder: msgspec.json.Decoder[S]) -> S:
    """The typed body. Raises RefusedError `malformed` and ServiceError `invalid` with a pointer."""
    if body.count(b"[") + body.count(b"{") > MAX_DEPTH and _deep(body):
        raise RefusedError("malformed", f"The JSON nests deeper than {MAX_DEPTH} levels, or its brackets do not match.")
    try:
        if b"\\u0000" in body or _LONG_NUMBER.search(body):
            _refuse_values(msgspec.json.decode(body), "")
        return decoder.decode(body)
    except msgspec.ValidationError as error:
        raise located(error) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise RefusedError("malformed", f"The body is no JSON: {_said(error)}.") from None


def located(error: msgspec.ValidationError) -> ServiceError:
    """msgspec's complaint as `invalid` with a JSON pointer and words for people."""
    match = _PLACE.fullmatch(str(error))
    what, path = (match["what"], match["path"] or "") if match else (str(error), "")
    pointer = "".join(f"/{step['name'] or step['index'].replace('...', '*')}" for step in _STEP.finditer(path))
    field = _FIELD.search(what)
    if field:
        name = field["name"].replace("~", "~0").replace("/", "~1")
        detail = "This field is not known here." if "unknown" in what else "This field is required."
        return invalid(detail, f"{pointer}/{name}")
    return invalid(re.sub(r"`(\w+)`", lambda word: _WORDS.get(word[1], word[1]), what) + ".", pointer or None)


def _said(error: Exception) -> str:
    return (
        "it nests too deeply" if isinstance(error, RecursionError) else str(error).removeprefix("JSON is malformed: ")
    )


def _deep(body: bytes) -> bool:
    brackets = _STRING.sub(b"", body).translate(None, _NOT_BRACKETS)
    for _ in range(MAX_DEPTH):
        if not brackets:
            return False
        brackets = brackets.replace(b"[]", b"").replace(b"{}", b"")
    return bool(brackets)


def _refuse_values(value: Any, pointer: str) -> None:
    if isinstance(value, str):
        if "\x00" in value:
            raise invalid("Text must not hold NUL characters.", pointer or None)
    elif isinstance(value, int):
        if not -MAX_INTEGER <= value <= MAX_INTEGER:
            raise invalid("Integers must lie between -(2^53 - 1) and 2^53 - 1.", pointer or None)
    elif isinstance(value, dict):
        for key, item in value.items():
            _refuse_values(key, pointer)
            _refuse_values(item, f"{pointer}/{key.replace('~', '~0').replace('/', '~1')}")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            _refuse_values(item, f"{pointer}/{index}")


def read_query(text: str) -> dict[str, list[str]]:
    """Parameters of a query string in order of appearance. Raises RefusedError for bad UTF-8 and NUL."""
    found: dict[str, list[str]] = {}
    for part in text.split("&") if text else ():
        if not part:
            continue
        name, _, value = part.partition("=")
        found.setdefault(_plain(name), []).append(_plain(value))
    return found


def _plain(text: str) -> str:
    if "%" not in text and "+" not in text and text.isascii():
        return text
    try:
        plain = unquote_to_bytes(text.replace("+", " ").encode("latin-1")).decode()
    except UnicodeError:
        raise RefusedError("malformed", "The query is not percent-encoded UTF-8.") from None
    if "\x00" in plain:
        raise RefusedError("malformed", "The query holds a NUL character.")
    return plain


_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]{0,15})")


def integer(text: str, name: str, least: int | None, most: int | None) -> int:
    """A decimal integer of a query. Raises ServiceError."""
    if not _INTEGER.fullmatch(text):
        raise invalid("This must be an integer.", f"/{name}")
    number = int(text)
    if (least is not None and number < least) or (most is not None and number > most):
        raise invalid(f"This must be between {least} and {most}.", f"/{name}")
    return number


def boolean(text: str, name: str) -> bool:
    """`true` or `false`. Raises ServiceError."""
    if text not in {"true", "false"}:
        raise invalid("This must be true or false.", f"/{name}")
    return text == "true"
