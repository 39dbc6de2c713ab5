# SPDX-License-Identifier: Apache-2.0
"""The unified diff of a file: exact in its lines, without those that may hold a secret.

Where no line is hidden, `patch` makes the new bytes of the old ones by it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from certwright_agent.concealment import HIDDEN, hidden_lines

_CONTEXT = 3
_NO_END = "\\ No newline at end of file\n"
_Group = list[tuple[str, int, int, int, int]]


@dataclass(frozen=True)
class Difference:
    """`text` as `diff -u` writes it, read as `encoding`; how many lines come and go; how many shown ones are hidden."""

    text: str
    added: int
    removed: int
    hidden: int
    encoding: str


def unified(path: str, old: bytes, new: bytes) -> Difference:
    """What changes between two contents of `path`, three lines of context."""
    encoding = _encoding(old, new)
    before, after = _lines(old.decode(encoding)), _lines(new.decode(encoding))
    secret_before, secret_after = hidden_lines(before), hidden_lines(after)
    shown = [f"--- a{path}\n", f"+++ b{path}\n"]
    added = removed = hidden = 0
    for group in _grouped(before, after):
        first, last = group[0], group[-1]
        shown.append(f"@@ -{_span(first[1], last[2])} +{_span(first[3], last[4])} @@\n")
        for sign, line, secret in _signed(group, before, after, secret_before, secret_after):
            added += sign == "+"
            removed += sign == "-"
            hidden += secret
            body = _concealed(line) if secret else line
            shown.append(sign + body if body.endswith("\n") else f"{sign}{body}\n{_NO_END}")
    return Difference("".join(shown) if len(shown) > 2 else "", added, removed, hidden, encoding)


def _signed(
    group: _Group,
    before: Sequence[str],
    after: Sequence[str],
    secret_before: Sequence[bool],
    secret_after: Sequence[bool],
) -> Iterator[tuple[str, str, bool]]:
    for kind, i1, i2, j1, j2 in group:
        if kind == "equal":
            yield from ((" ", before[i1 + n], secret_before[i1 + n] or secret_after[j1 + n]) for n in range(i2 - i1))
            continue
        yield from (("-", before[n], secret_before[n]) for n in range(i1, i2))
        yield from (("+", after[n], secret_after[n]) for n in range(j1, j2))


def _grouped(before: Sequence[str], after: Sequence[str]) -> list[_Group]:
    """The changes with their context. What is the same at both ends is left to the end: files may be long."""
    head = 0
    while head < min(len(before), len(after)) and before[head] == after[head]:
        head += 1
    tail = 0
    while tail < min(len(before), len(after)) - head and before[-1 - tail] == after[-1 - tail]:
        tail += 1
    head, tail = max(head - _CONTEXT, 0), max(tail - _CONTEXT, 0)
    inner = SequenceMatcher(
        None, before[head : len(before) - tail], after[head : len(after) - tail], autojunk=False
    ).get_grouped_opcodes(_CONTEXT)
    return [[(kind, i1 + head, i2 + head, j1 + head, j2 + head) for kind, i1, i2, j1, j2 in group] for group in inner]


def _span(start: int, stop: int) -> str:
    """`line,count` as `diff -u` counts: an empty range is named by the line before it."""
    length = stop - start
    first = start if length == 0 else start + 1
    return str(first) if length == 1 else f"{first},{length}"


def _encoding(*contents: bytes) -> str:
    try:
        for content in contents:
            content.decode("utf-8")
    except UnicodeDecodeError:
        return "latin-1"
    return "utf-8"


def _lines(text: str) -> list[str]:
    """Lines with their ends, ended by a line feed and nothing else."""
    parts = text.split("\n")
    return [part + "\n" for part in parts[:-1]] + ([parts[-1]] if parts[-1] else [])


def _concealed(line: str) -> str:
    indent = line[: len(line) - len(line.lstrip())].replace("\n", "").replace("\r", "")
    return indent + HIDDEN + ("\n" if line.endswith("\n") else "")
