# SPDX-License-Identifier: Apache-2.0
"""Apache's configuration language, with the place of every directive.

Written after `ap_build_cont_config` and `ap_getword_conf` (server/config.c, server/util.c): one directive a line, a
backslash before the line's end continues it, a line whose first character is `#` is a comment, names have no case.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

_LINE = re.compile(r"(?:\\\r?\n|[^\n])*(?:\n|\Z)")
_WORD = re.compile(r'\s*(?:"((?:\\.|[^"\\])*)"|\'((?:\\.|[^\'\\])*)\'|(\S+))', re.DOTALL)


class SyntaxProblem(ValueError):  # noqa: N818  named after what people see
    """The text is not a configuration; says the line."""


@dataclass
class Directive:
    """`Name args…`, or a section `<Name args…> … </Name>`. `name` is lower case. Offsets are into the file's text;
    `start` is the start of its first line, `end` is behind the line end of its last one.
    """

    name: str
    args: list[str]
    spans: list[tuple[int, int]]  # of each argument, quotes included
    start: int
    end: int
    file: str = ""
    section: list[Directive] | None = None
    body_start: int = 0
    body_end: int = 0  # start of the closing line
    indent: str = ""
    targets: list[str] = field(default_factory=list)  # the files of an include


def parse(text: str, file: str = "") -> list[Directive]:
    """Reads a whole file. Raises SyntaxProblem."""
    top: list[Directive] = []
    sections: list[Directive] = []
    position = 0
    while position < len(text):
        found = _LINE.match(text, position)
        end = found.end() if found else len(text)
        line, start = text[position:end], position
        position = end
        stripped = line.strip()
        if not stripped or stripped.startswith("#"):
            continue
        offset = start + len(line) - len(line.lstrip())
        siblings = sections[-1].section if sections else top
        if stripped.startswith("</"):
            name = stripped[2:].rstrip("> \t").lower()
            if not sections or sections[-1].name != name:
                raise SyntaxProblem(f"</{name}> without its beginning in {_where(text, start, file)}")
            closed = sections.pop()
            closed.body_end, closed.end = start, end
        elif siblings is not None:
            directive = _directive(text, offset, start, end, file)
            siblings.append(directive)
            if directive.section is not None:
                sections.append(directive)
    if sections:
        raise SyntaxProblem(f"<{sections[-1].name}> does not end in {_where(text, sections[-1].start, file)}")
    return top


def walk(directives: list[Directive]) -> Iterator[Directive]:
    """Every directive, outer ones first."""
    for directive in directives:
        yield directive
        yield from walk(directive.section or [])


def quoted(value: str) -> str:
    """`value` as one argument that Apache reads back as it is. No `${`: callers make sure that there is none."""
    if value and not set(value) & set(" \t\"'\\<>"):
        return value
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _directive(text: str, offset: int, start: int, end: int, file: str) -> Directive:
    opening = text[offset] == "<"
    head = re.match(r"<?([^\s>]+)", text[offset:end])
    if head is None:
        raise SyntaxProblem(f"a section without a name in {_where(text, start, file)}")
    stop = end
    if opening:
        stop = text.rfind(">", offset, end)
        if stop < 0:
            raise SyntaxProblem(f"<{head.group(1)} lacks its > in {_where(text, start, file)}")
    args, spans = [], []
    cursor = offset + head.end()
    # A continued line reads as one; blanks of the same length keep every offset true.
    flat = re.sub(r"\\\r?\n", lambda match: " " * len(match.group()), text[:stop][cursor:])
    base, place = cursor, 0
    while True:
        word = _WORD.match(flat, place)
        if word is None:
            break
        group = next((index for index in (1, 2, 3) if word.group(index) is not None), 3)
        value = word.group(group)
        args.append(re.sub(r"\\(.)", r"\1", value) if group != 3 else value)
        begin = word.start(group) - (1 if group != 3 else 0)
        spans.append((base + begin, base + word.end()))
        place = word.end()
    return Directive(
        name=head.group(1).lower(),
        args=args,
        spans=spans,
        start=start,
        end=end,
        file=file,
        section=[] if opening else None,
        body_start=end if opening else 0,
        indent=text[start:offset],
    )


def _where(text: str, position: int, file: str) -> str:
    return f"{file or 'the text'}:{text.count(chr(10), 0, position) + 1}"
