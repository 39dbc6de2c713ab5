# SPDX-License-Identifier: Apache-2.0
"""nginx's configuration language, with the place of every directive, so that an edit changes those bytes only.

Written after `ngx_conf_read_token` (src/core/ngx_conf_file.c): words end at space, `;` or `{`; quotes only count at the
start of a word; a backslash escapes; `${` inside a word is a variable; `#` starts a comment where a word may start.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

_SPACE = " \t\r\n"


class SyntaxProblem(ValueError):  # noqa: N818  named after what people see
    """The text is not a configuration; says the line."""


@dataclass
class Directive:
    """`name args… ;` or `name args… { block }`. Offsets are into the text of its file; `end` is behind `;` or `}`."""

    name: str
    args: list[str]
    spans: list[tuple[int, int]]  # of each argument, quotes included
    start: int
    end: int = 0
    block: list[Directive] | None = None
    body_start: int = 0  # behind `{`
    body_end: int = 0  # at `}`
    file: str = ""
    targets: list[str] = field(default_factory=list)  # the files of an include


@dataclass(frozen=True)
class _Token:
    kind: str  # word, or one of ; { }
    text: str
    start: int
    end: int


def parse(text: str, file: str = "") -> list[Directive]:
    """Reads a whole file. Raises SyntaxProblem."""
    top: list[Directive] = []
    open_blocks: list[Directive] = []
    current: Directive | None = None
    position = 0
    while True:
        token = _next(text, position, file)
        if token is None:
            break
        position = token.end
        siblings = open_blocks[-1].block if open_blocks else top
        if token.kind == "word":
            if current is None:
                current = Directive(token.text, [], [], token.start, file=file)
            else:
                current.args.append(token.text)
                current.spans.append((token.start, token.end))
        elif token.kind == "}" and current is None and open_blocks:
            closed = open_blocks.pop()
            closed.body_end, closed.end = token.start, token.end
        elif token.kind == "}" or current is None or siblings is None:
            raise SyntaxProblem(f'unexpected "{token.kind}" in {_where(text, token.start, file)}')
        else:
            current.end = token.end
            siblings.append(current)
            if token.kind == "{":
                position = _open(text, current, open_blocks)
            current = None
    if current is not None or open_blocks:
        raise SyntaxProblem(f'unexpected end of {file or "the file"}, expecting ";" or "}}"')
    return top


def _open(text: str, block: Directive, open_blocks: list[Directive]) -> int:
    """Begins a block, or passes over a Lua one at once; returns where to read on."""
    block.block, block.body_start = [], block.end
    if not block.name.endswith("_by_lua_block"):
        open_blocks.append(block)
        return block.end
    block.body_end = _skip_lua(text, block.end, block.file)
    block.end = block.body_end + 1
    return block.end


def walk(directives: list[Directive]) -> Iterator[Directive]:
    """Every directive, outer ones first."""
    for directive in directives:
        yield directive
        yield from walk(directive.block or [])


def quoted(value: str) -> str:
    """`value` as one argument that nginx reads back as it is. No `$`: callers make sure that there is none."""
    if value and not set(value) & set(_SPACE + ";{}\"'\\#$"):
        return value
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _next(text: str, position: int, file: str) -> _Token | None:
    size = len(text)
    while position < size:
        char = text[position]
        if char == "#":
            newline = text.find("\n", position)
            position = size if newline < 0 else newline
        elif char in _SPACE:
            position += 1
        else:
            break
    if position >= size:
        return None
    if text[position] in ";{}":
        return _Token(text[position], "", position, position + 1)
    if text[position] in "\"'":
        return _quoted_word(text, position, file)
    return _bare_word(text, position)


def _quoted_word(text: str, start: int, file: str) -> _Token:
    quote, word, position = text[start], [], start + 1
    while position < len(text):
        char = text[position]
        if char == "\\" and position + 1 < len(text):
            following = text[position + 1]
            word.append(_unescaped(following))
            position += 2
        elif char == quote:
            return _Token("word", "".join(word), start, position + 1)
        else:
            word.append(char)
            position += 1
    raise SyntaxProblem(f"a quoted word does not end in {_where(text, start, file)}")


def _bare_word(text: str, start: int) -> _Token:
    word, position = [], start
    while position < len(text):
        char = text[position]
        if char in _SPACE or char == ";" or (char == "{" and text[position - 1] != "$"):
            break
        if char == "\\" and position + 1 < len(text):
            word.append(_unescaped(text[position + 1]))
            position += 2
            continue
        word.append(char)
        position += 1
        if char == "{":  # `${name}`: up to its brace
            closing = text.find("}", position)
            if closing >= 0:
                word.append(text[position : closing + 1])
                position = closing + 1
    return _Token("word", "".join(word), start, position)


def _unescaped(following: str) -> str:
    """What nginx keeps of a backslash pair: the backslash goes before quotes, itself and t, r, n; else both stay."""
    return {"t": "\t", "r": "\r", "n": "\n", '"': '"', "'": "'", "\\": "\\"}.get(following, "\\" + following)


def _skip_lua(text: str, start: int, file: str) -> int:
    """The place of the brace that ends a Lua block: strings and comments of Lua may hold braces."""
    depth, position = 1, start
    while position < len(text):
        char = text[position]
        if text.startswith("--", position):
            newline = text.find("\n", position)
            position = len(text) if newline < 0 else newline
            continue
        if char in "\"'":
            position += 1
            while position < len(text) and text[position] != char:
                position += 2 if text[position] == "\\" else 1
        elif char == "{":
            depth += 1
        elif char == "}":
            depth -= 1
            if depth == 0:
                return position
        position += 1
    raise SyntaxProblem(f"a Lua block does not end in {_where(text, start, file)}")


def _where(text: str, position: int, file: str) -> str:
    return f"{file or 'the text'}:{text.count(chr(10), 0, position) + 1}"
