# SPDX-License-Identifier: Apache-2.0
"""What every web server's part of the agent speaks in: sites, where they listen, and changes to their configuration."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from certwright_agent.webservers.placement import Placement, Verdict

__all__ = ["Block", "Change", "Listener", "Material", "Placement", "Plan", "Site", "Verdict", "WebServer"]

LOOPBACK = {"*": "127.0.0.1", "0.0.0.0": "127.0.0.1", "": "127.0.0.1", "::": "::1"}  # noqa: S104  addresses seen, not bound


@dataclass(frozen=True)
class Listener:
    """One address and port. `address` is a literal without brackets, `*` for all IPv4, `::` for all IPv6.

    `sni`: the name to ask for there; empty for the site's own, None for no name at all.
    """

    address: str
    port: int
    tls: bool
    sni: str | None = ""

    @property
    def probe_address(self) -> str:
        """Where this host reaches the listener."""
        return LOOPBACK.get(self.address, self.address)

    def __str__(self) -> str:
        return f"[{self.address}]:{self.port}" if ":" in self.address else f"{self.address}:{self.port}"


@dataclass(frozen=True)
class Block:
    """One server block or virtual host: `text[start:end]` of `file` (a real path, read as Latin-1).

    Its present certificate is the first one in `certificate_file`, or `certificate_pem` where it lies in no PEM file.
    `key_file` holds the private key, maybe beside others; empty where that is not known.
    """

    file: Path
    start: int
    end: int
    names: tuple[str, ...]
    listeners: tuple[Listener, ...]
    document_root: str
    certificate_file: str = ""
    certificate_pem: str = ""
    key_file: str = ""


@dataclass(frozen=True)
class Site:
    """All blocks with the same first name: what a customer calls a site. `reason` says why it cannot be written."""

    web_server: str
    name: str
    blocks: tuple[Block, ...]
    reason: str = ""

    @property
    def names(self) -> list[str]:
        """Every name of every block, in the order of the configuration."""
        return list(dict.fromkeys(name for block in self.blocks for name in block.names))

    @property
    def listeners(self) -> list[Listener]:
        """Every listener, once."""
        return list(dict.fromkeys(listener for block in self.blocks for listener in block.listeners))

    @property
    def tls_blocks(self) -> list[Block]:
        """The blocks that speak TLS."""
        return [block for block in self.blocks if any(listener.tls for listener in block.listeners)]

    @property
    def document_root(self) -> str:
        """Where a file for plain HTTP goes: the root of the first plain block that has one, else of any."""
        plain = [b for b in self.blocks if b.document_root and any(not listener.tls for listener in b.listeners)]
        return next((b.document_root for b in plain + list(self.blocks) if b.document_root), "")

    @property
    def server_name(self) -> str | None:
        """The name to ask for in a handshake, if the site has a real one; nginx's `.example.org` is one, too."""
        return next((n.removeprefix(".") for n in self.names if is_plain_name(n.removeprefix("."))), None)


@dataclass(frozen=True)
class Change:
    """One file that gets another content."""

    path: Path
    old: bytes
    new: bytes


@dataclass(frozen=True)
class Material:
    """Where the new key and certificate lie: stable paths, whose content changes by one rename of a link."""

    folder: Path

    @property
    def fullchain(self) -> str:
        """Leaf and chain."""
        return str(self.folder / "fullchain.pem")

    @property
    def key(self) -> str:
        """The private key."""
        return str(self.folder / "privkey.pem")


@dataclass(frozen=True)
class Plan:
    """What an installation changes, and the listeners that must serve the certificate afterwards.

    With `placements` the configuration keeps naming the same files and their content is replaced; `try_placed` then
    says of the staged contents, in the same order, whether the server can use them. `hosts` are what `reload` is asked
    for, where a server reloads one by one.
    """

    changes: tuple[Change, ...]
    listeners: tuple[Listener, ...]
    notes: tuple[str, ...] = field(default=())
    placements: tuple[Placement, ...] = ()
    try_placed: Callable[[tuple[Path, ...]], Verdict] = field(default=lambda _: Verdict(ok=True, detail=""))
    hosts: tuple[str, ...] = ()


class WebServer(Protocol):
    """What the agent asks of a web server. Sites and plans raise Refused when the configuration cannot be read."""

    kind: str
    main: Path

    def running(self) -> bool:
        """Whether the server that this configuration belongs to is up."""
        ...

    def version(self) -> str:
        """Name and version, such as `nginx/1.22.1`; empty when the program is not there."""
        ...

    def sites(self) -> list[Site]:
        """Every site of the configuration."""
        ...

    def plan(self, site: Site, material: Material) -> Plan:
        """The changes that make every TLS binding of the site use `material`, adding one when there is none."""
        ...

    def test(self) -> Verdict:
        """Has the server read its present configuration."""
        ...

    def test_candidate(self, changes: tuple[Change, ...], candidate: Path) -> Verdict:
        """Has the server read the configuration as it would be, written to `candidate`, before anything changes."""
        ...

    def candidate_path(self, token: str) -> Path:
        """Where a candidate for `test_candidate` must lie."""
        ...

    def procedure(self, *hosts: str) -> tuple[str, str]:
        """The test and the reload in words that people can follow: the same each time, of this host's own making."""
        ...

    def reload(self, *hosts: str) -> Verdict:
        """Asks the running server to take up its configuration without dropping a connection. Never a restart.

        `hosts` narrows it down where the server can do that (`Plan.hosts`).
        """
        ...


def is_plain_name(name: str) -> bool:
    """Whether a server name is an FQDN that a certificate can be asked for: no wildcard, no pattern."""
    return "." in name and not set(name) & set("*~^_$ /") and not name.startswith(".")


def group(web_server: str, blocks: list[Block], reasons: dict[Path, str]) -> list[Site]:
    """Joins blocks with the same first name into sites; those without a name are told apart by where they listen."""
    grouped: dict[str, list[Block]] = {}
    for block in blocks:
        first = next((name for name in block.names if name and name != "_"), "")
        name = first or "_ " + ", ".join(str(listener) for listener in block.listeners[:2])
        grouped.setdefault(name[:255], []).append(block)
    return [
        Site(
            web_server,
            name,
            tuple(members),
            next((reasons[block.file] for block in members if reasons.get(block.file)), ""),
        )
        for name, members in grouped.items()
    ]


def name_to_ask_for(site: Site, certificate_names: Sequence[str], others: Iterable[Site]) -> str:
    """The name by which a handshake reaches `site`: its own, else one of the certificate that no other site has."""
    if site.server_name is not None:
        return site.server_name
    taken = {name for other in others if other.name != site.name for name in other.names}
    for label in ("www", "certwright", *(f"certwright{number}" for number in range(2, 10))):
        name = certificate_names[0].replace("*", label)
        if name not in taken:
            break
    return name


def slug(web_server: str, name: str) -> str:
    """A folder name for a site: readable, safe, and different for different sites."""
    safe = "".join(char if (char.isalnum() and char.isascii()) or char in ".-" else "_" for char in name)
    digest = hashlib.sha256(f"{web_server}|{name}".encode()).hexdigest()[:8]
    return f"{safe.strip('.')[:80]}-{digest}"


def read_path(text: str) -> str:
    """A path as it stands in a configuration that was read as Latin-1, each of whose characters is one byte."""
    return os.fsdecode(text.encode("latin-1"))


def written_path(path: str | Path) -> str:
    """The same bytes the other way round, to be written into such a configuration."""
    return os.fsencode(path).decode("latin-1")


def splice(text: str, edits: list[tuple[int, int, str]]) -> str:
    """`text` with each `(start, end, replacement)` applied; the spans must not overlap."""
    for start, end, replacement in sorted(edits, reverse=True):
        text = text[:start] + replacement + text[end:]
    return text
