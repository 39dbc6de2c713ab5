# SPDX-License-Identifier: Apache-2.0
"""HAProxy's configuration language, as far as the agent needs it (configuration manual §2.2, "Quoting and escaping").

Lines of words; `#` begins a comment; a backslash, double and single quotes take a meaning away. Only within double
quotes `$NAME` is the environment's, which this program does not know: such a word is marked, and refused where it
matters. Conditional blocks (§2.4) are refused as a whole.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from certwright_agent.errors import Refused

_PLAIN = re.compile(r"[^\s\\\"'#]+")
_CONDITIONS = (".if", ".elif", ".else", ".endif")


@dataclass(frozen=True)
class Word:
    """One word with its place in the text. `certain` is false where its value is HAProxy's alone to know."""

    text: str
    start: int
    end: int
    certain: bool = True


@dataclass(frozen=True)
class Line:
    """One line that says something."""

    number: int
    words: tuple[Word, ...]

    @property
    def name(self) -> str:
        """Its first word."""
        return self.words[0].text

    @property
    def start(self) -> int:
        """Where it begins."""
        return self.words[0].start


def parse(text: str, origin: str) -> list[Line]:
    """The lines of a configuration file. Raises Refused with `origin` and the line's number."""
    lines = []
    position = 0
    for number, raw in enumerate(text.split("\n"), 1):
        words = _words(raw, position, f"{origin}, line {number}")
        if words:
            if words[0].text in _CONDITIONS:
                raise Refused(
                    f"{origin}, line {number}: what {words[0].text} decides is not known to this agent",
                    "config_unclear",
                )
            lines.append(Line(number, tuple(words)))
        position += len(raw) + 1
    return lines


def _words(raw: str, position: int, where: str) -> list[Word]:
    words: list[Word] = []
    at = 0
    while at < len(raw):
        if raw[at].isspace():
            at += 1
        elif raw[at] == "#":
            break
        else:
            word, at = _word(raw, at, position, where)
            words.append(word)
    return words


def _word(raw: str, start: int, position: int, where: str) -> tuple[Word, int]:
    at, text, certain = start, "", True
    while at < len(raw) and not raw[at].isspace() and raw[at] != "#":
        plain = _PLAIN.match(raw, at)
        if plain:
            text, at = text + plain.group(), plain.end()
        elif raw[at] == "\\":
            if at + 1 == len(raw.rstrip("\r")):
                raise Refused(f"{where} ends with a backslash", "config_unclear")
            text, at, certain = text + raw[at : at + 2], at + 2, False
        else:
            end = _closing(raw, at, where)
            inside = raw[at + 1 : end]
            certain = certain and not (raw[at] == '"' and ("$" in inside or "\\" in inside))
            text, at = text + inside, end + 1
    return Word(text, position + start, position + at, certain), at


def _closing(raw: str, at: int, where: str) -> int:
    quote = raw[at]
    end = at + 1
    while end < len(raw) and raw[end] != quote:
        end += 2 if quote == '"' and raw[end] == "\\" else 1
    if end >= len(raw):
        raise Refused(f"{where} has a quote that does not end", "config_unclear")
    return end
