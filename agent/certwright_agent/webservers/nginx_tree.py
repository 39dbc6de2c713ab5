# SPDX-License-Identifier: Apache-2.0
"""nginx's configuration as a whole: the main file and everything that it includes."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator
from pathlib import Path

from certwright_agent.errors import Refused
from certwright_agent.webservers.nginx_syntax import Directive, SyntaxProblem, parse, quoted, walk
from certwright_agent.webservers.site import Change, read_path, splice, written_path

_DEPTH = 16


class Tree:
    """Every file by its real path. Text is Latin-1, so that each character is one byte and every byte survives."""

    def __init__(self, main: Path) -> None:
        self.main = Path(os.path.realpath(main))
        self._folder = main.parent  # relative includes start at the folder of the file given by `-c`
        self.texts: dict[Path, str] = {}
        self.included: dict[Path, int] = {}
        self._parsed: dict[Path, list[Directive]] = {}
        self._read(self.main, 0)

    def top(self) -> Iterator[Directive]:
        """The directives of the main level, includes opened."""
        return self._open(self._parsed[self.main])

    def children(self, directive: Directive) -> list[Directive]:
        """The directives directly inside a block, includes opened."""
        return list(self._open(directive.block or []))

    def servers(self) -> Iterator[tuple[Directive, Directive]]:
        """Every `(http, server)` pair of blocks."""
        for http in self.top():
            if http.name == "http" and http.block is not None:
                for server in self.children(http):
                    if server.name == "server" and server.block is not None:
                        yield http, server

    def render_candidate(self, changes: tuple[Change, ...]) -> bytes:
        """The whole configuration as one main file, with `changes` in it and changed files written out in place.

        It must lie in the folder of the main file: relative paths in it start there.
        """
        changed = {change.path: change.new.decode("latin-1") for change in changes}
        return self._render(self.main, changed, 0).encode("latin-1")

    def _read(self, path: Path, depth: int) -> None:
        self.included[path] = self.included.get(path, 0) + 1
        if depth > _DEPTH:
            raise Refused(f"the configuration includes {path} more than {_DEPTH} levels deep")
        if path not in self._parsed:
            try:
                self.texts[path] = path.read_bytes().decode("latin-1")
                self._parsed[path] = parse(self.texts[path], str(path))
            except OSError as error:
                raise Refused(f"the configuration file {path} cannot be read: {error.strerror}") from None
            except SyntaxProblem as problem:
                raise Refused(f"the configuration cannot be read: {problem}") from None
        for directive in walk(self._parsed[path]):
            if directive.name == "include" and directive.args:
                directive.targets = self._targets(directive.args[0])
                for target in directive.targets:
                    self._read(Path(target), depth + 1)

    def _targets(self, pattern: str) -> list[str]:
        full = os.path.join(self._folder, read_path(pattern))  # noqa: PTH118  the pattern may be absolute and may hold wildcards
        found = sorted(glob.glob(full)) if set(pattern) & set("*?[") else [full]  # noqa: PTH207  glob(3), as nginx does
        return [os.path.realpath(path) for path in found if Path(path).is_file()]

    def _open(self, directives: list[Directive]) -> Iterator[Directive]:
        for directive in directives:
            if directive.name == "include" and directive.block is None:
                for target in directive.targets:
                    yield from self._open(self._parsed[Path(target)])
            else:
                yield directive

    def _render(self, path: Path, changed: dict[Path, str], depth: int) -> str:
        text = changed.get(path, self.texts[path])
        edits = []
        for directive in walk(parse(text, str(path))):
            if directive.name != "include" or not directive.args or directive.block is not None:
                continue
            targets = [Path(target) for target in self._targets(directive.args[0])]
            if depth < _DEPTH and any(self._reaches(target, changed, depth + 1) for target in targets):
                parts = [
                    self._render(target, changed, depth + 1)
                    if self._reaches(target, changed, depth + 1)
                    else f"include {quoted(written_path(target))};"
                    for target in targets
                ]
                edits.append((directive.start, directive.end, "\n" + "\n".join(parts) + "\n"))
        return splice(text, edits)

    def _reaches(self, path: Path, changed: dict[Path, str], depth: int) -> bool:
        if path in changed:
            return True
        if depth > _DEPTH or path not in self._parsed:
            return False
        return any(
            self._reaches(Path(target), changed, depth + 1)
            for directive in walk(self._parsed[path])
            for target in directive.targets
        )
