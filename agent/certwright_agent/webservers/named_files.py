# SPDX-License-Identifier: Apache-2.0
"""Any other server, by what its host's own agent.json names: the files, a test, a reload, and where to look.

Nothing of it can be set or changed by the gateway: it names the entry, no more. Programs are argument lists, never a
shell.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from certwright_agent.errors import Refused, StepFailed
from certwright_agent.process import run
from certwright_agent.served import takes_connections
from certwright_agent.webservers.placement import Placement, Verdict, combined, part, why_not_placed
from certwright_agent.webservers.site import Block, Change, Listener, Material, Plan, Site

# What a file may be for, with what goes into it and whether that is secret.
PURPOSES = {
    "combined": (combined, True),
    "fullchain": (part("fullchain.pem"), False),
    "certificate": (part("cert.pem"), False),
    "chain": (part("chain.pem"), False),
    "key": (part("privkey.pem"), True),
}
_TIMEOUT_S = 60.0


@dataclass
class NamedFiles:
    """One entry: its name, a path for each purpose, the two programs (`test` may be empty), and the bindings to look at
    with the name that each is asked for. `main` is the file that tells it from others: no two have one in common.
    """

    name: str
    paths: Mapping[str, Path]
    reload_argv: Sequence[str]
    probes: tuple[Listener, ...]
    test_argv: Sequence[str] = ()
    document_root: str = ""
    kind: str = "files"
    main: Path = field(init=False)

    def __post_init__(self) -> None:
        self.main = next(iter(self.paths.values()))

    def version(self) -> str:
        """The entry's name: what serves is not known."""
        return f"files ({self.name})"

    def running(self) -> bool:
        """Whether one of the bindings takes connections."""
        return any(takes_connections(listener) for listener in self.probes)

    def sites(self) -> list[Site]:
        """The entry as one site."""
        names = tuple(dict.fromkeys(listener.sni for listener in self.probes if listener.sni))
        shown = next((self.paths[purpose] for purpose in PURPOSES if purpose in self.paths), None)
        reasons = (why_not_placed(path, None, may_be_missing=True) for path in self.paths.values())
        key = str(self.paths.get("key") or self.paths["combined"])
        shown_path = str(shown) if shown else ""
        block = Block(self.main, 0, 0, names, self.probes, self.document_root, shown_path, key_file=key)
        return [Site(self.kind, self.name, (block,), next(filter(None, reasons), ""))]

    def plan(self, site: Site, _material: Material) -> Plan:
        """New content for each file. Raises Refused."""
        if site.reason:
            raise Refused(site.reason, "site_not_writable")
        placements = [Placement(path, *PURPOSES[purpose]) for purpose, path in self.paths.items()]
        return Plan((), self.probes, placements=tuple(placements))

    def test(self) -> Verdict:
        """The entry's test, where it has one."""
        return _run(self.test_argv) if self.test_argv else Verdict(ok=True, detail="")

    def test_candidate(self, changes: tuple[Change, ...], candidate: Path) -> Verdict:  # noqa: ARG002
        """What the server would say of other content is not known before it is in place."""
        return Verdict(ok=True, detail="")

    def candidate_path(self, token: str) -> Path:
        """None is written."""
        return self.main.parent / f".certwright-{token}"

    def procedure(self, *_hosts: str) -> tuple[str, str]:
        """The entry's two programs."""
        return shlex.join(self.test_argv), shlex.join(self.reload_argv)

    def reload(self, *_hosts: str) -> Verdict:
        """The entry's reload."""
        return _run(self.reload_argv)


def _run(argv: Sequence[str]) -> Verdict:
    try:
        done = run(argv, timeout=_TIMEOUT_S)
    except StepFailed as problem:
        return Verdict(ok=False, detail=str(problem))
    return Verdict(done.ok, done.text() or f"{argv[0]} ended with status {done.code}")
