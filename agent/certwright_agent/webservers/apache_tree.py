# SPDX-License-Identifier: Apache-2.0
"""Apache's configuration as it takes effect: includes opened, conditions and variables evaluated in order."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from certwright_agent.errors import Refused
from certwright_agent.webservers.apache_syntax import Directive, SyntaxProblem, parse, quoted, walk
from certwright_agent.webservers.site import Change, read_path, splice, written_path

_DEPTH = 16
_INCLUDES = ("include", "includeoptional")
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


@dataclass
class Active:
    """A directive that takes effect, its variables replaced; `inside` holds those of a section."""

    source: Directive
    args: list[str]
    inside: list[Active] = field(default_factory=list)

    @property
    def name(self) -> str:
        """Lower case."""
        return self.source.name


class Tree:
    """Every file by its real path. Text is Latin-1, so that each character is one byte and every byte survives."""

    def __init__(
        self, main: Path, root: Path, environment: Mapping[str, str], modules: Iterable[str], version: str = ""
    ) -> None:
        self.main = Path(os.path.realpath(main))
        self.root = root
        self.texts: dict[Path, str] = {}
        self.included: dict[Path, int] = {}
        self._parsed: dict[Path, list[Directive]] = {}
        self._variables = dict(environment)
        self._defined: set[str] = set()
        self._version = version  # such as 2.4.62; empty when the program is not there
        self.modules = {module.lower() for module in modules}
        self.top = self._file(self.main, 0)

    def render_candidate(self, changes: tuple[Change, ...]) -> bytes:
        """The whole configuration as one main file with `changes` in it; paths in it start at ServerRoot."""
        changed = {change.path: change.new.decode("latin-1") for change in changes}
        return self._render(self.main, changed, 0).encode("latin-1")

    def _file(self, path: Path, depth: int) -> list[Active]:
        if depth > _DEPTH:
            raise Refused(f"the configuration includes {path} more than {_DEPTH} levels deep")
        self.included[path] = self.included.get(path, 0) + 1
        if path not in self._parsed:
            try:
                self.texts[path] = path.read_bytes().decode("latin-1")
                self._parsed[path] = parse(self.texts[path], str(path))
            except OSError as error:
                raise Refused(f"the configuration file {path} cannot be read: {error.strerror}") from None
            except SyntaxProblem as problem:
                raise Refused(f"the configuration cannot be read: {problem}") from None
        return self._evaluate(self._parsed[path], depth)

    def _evaluate(self, directives: list[Directive], depth: int) -> list[Active]:
        active: list[Active] = []
        for directive in directives:
            args = [self._expanded(arg) for arg in directive.args]
            if directive.name in _INCLUDES and args:
                directive.targets = self._targets(args[0])
                for target in directive.targets:
                    active += self._file(Path(target), depth + 1)
            elif directive.section is None:
                self._note(directive.name, args)
                active.append(Active(directive, args))
            elif directive.name.startswith("if"):
                if self._holds(directive.name, args):
                    active += self._evaluate(directive.section, depth)
            elif directive.name != "macro":
                active.append(Active(directive, args, self._evaluate(directive.section, depth)))
        return active

    def _note(self, name: str, args: list[str]) -> None:
        """What later lines depend on."""
        if name == "define" and args:
            self._defined.add(args[0])
            if len(args) > 1:
                self._variables[args[0]] = args[1]
        elif name == "undefine" and args:
            self._defined.discard(args[0])
        elif name == "serverroot" and args:
            self.root = Path(read_path(args[0]))
        elif name == "loadmodule" and len(args) > 1:
            self.modules |= {args[0].lower(), Path(args[1]).stem.lower() + ".c"}

    def _holds(self, name: str, args: list[str]) -> bool:
        """Whether a conditional section takes effect. `<If>` and its kin are decided per request: they hold no site."""
        wanted = args[0] if args else ""
        negated, wanted = wanted.startswith("!"), wanted.lstrip("!")
        if name == "ifmodule":
            return (wanted.lower() in self.modules) != negated
        if name == "ifdefine":
            return (wanted in self._defined) != negated
        if name == "iffile":
            return (self.root / read_path(wanted)).exists() != negated
        return name == "ifversion" and self._of_version(args) != negated

    def _of_version(self, args: list[str]) -> bool:
        """mod_version: `[[!]OPERATOR] VERSION`, or `/PATTERN/`; parts that are not written count as zero."""
        operator, wanted = ("=", args[0]) if len(args) == 1 else (args[0].lstrip("!"), args[1]) if args else ("=", "")
        if not self._version:
            return True  # rather a site too many than one too few
        if wanted.startswith("/") or operator == "~":
            try:
                return re.search(wanted.strip("/"), self._version) is not None
            except re.error:
                raise Refused(f"the pattern {wanted} of an IfVersion is not understood", "config_unclear") from None
        ours, theirs = _numbers(self._version), _numbers(wanted)
        compare = {"=": ours == theirs, "==": ours == theirs, ">": ours > theirs, ">=": ours >= theirs}
        compare |= {"<": ours < theirs, "<=": ours <= theirs}
        return compare.get(operator, False)

    def _expanded(self, value: str) -> str:
        return _VARIABLE.sub(lambda match: self._variables.get(match.group(1), match.group()), value)

    def _targets(self, pattern: str) -> list[str]:
        full = os.path.join(self.root, read_path(pattern))  # noqa: PTH118  the pattern may be absolute and may hold wildcards
        found = sorted(glob.glob(full)) if set(pattern) & set("*?[") else [full]  # noqa: PTH207  glob(3), as Apache does
        files: list[str] = []
        for path in found:
            if Path(path).is_dir():
                files += sorted(str(inner) for inner in Path(path).rglob("*") if inner.is_file())
            elif Path(path).is_file():
                files.append(path)
        return [os.path.realpath(path) for path in files]

    def _render(self, path: Path, changed: dict[Path, str], depth: int) -> str:
        text = changed.get(path, self.texts[path])
        edits = []
        for directive in walk(parse(text, str(path))):
            if directive.name not in _INCLUDES or not directive.args:
                continue
            targets = [Path(target) for target in self._targets(self._expanded(directive.args[0]))]
            if depth < _DEPTH and any(self._reaches(target, changed, depth + 1) for target in targets):
                parts = [
                    self._render(target, changed, depth + 1)
                    if self._reaches(target, changed, depth + 1)
                    else f"{directive.name} {quoted(written_path(target))}"
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


def _numbers(version: str) -> list[int]:
    parts = [int(part) for part in re.findall(r"\d+", version)[:3]]
    return parts + [0] * (3 - len(parts))
