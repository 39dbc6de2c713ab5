# SPDX-License-Identifier: Apache-2.0
"""The servers of this agent, in `state/servers.json`; their host keys in the agent's own known_hosts, made from it.

A running agent reads the file again each round, so that `add` and `remove` need not stop it.
"""

from __future__ import annotations

import json
import re
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from certwright_agent.errors import AgentError, Refused
from certwright_agent.files import alone, make_folder, write_atomic
from certwright_agent.outcome import moment
from certwright_agent.remote.destination import Destination, destination, display_name
from certwright_agent.remote.host_key import HostKey

MOST_SERVERS = 50
_REF = re.compile(r"[0-9a-f]{32}\Z")


@dataclass(frozen=True)
class Server:
    """`ref` names it towards the gateway; `host_key` is the one that was seen and accepted at the first contact."""

    ref: str
    to: Destination
    name: str
    host_key: HostKey
    sudo: bool = False
    added_at: str = ""

    @property
    def alias(self) -> str:
        """Its name in known_hosts: the same whatever its address."""
        return f"certwright-{self.ref}"


class Register:
    """The servers below the state folder."""

    def __init__(self, state: Path) -> None:
        self._file = state / "servers.json"
        self._folder = state / "ssh"

    @property
    def used(self) -> bool:
        """Whether there ever was a server."""
        return self._file.exists()

    @property
    def known_hosts(self) -> Path:
        """The file that ssh is given, and no other."""
        return self._folder / "known_hosts"

    def servers(self) -> list[Server]:
        """All of them, oldest first. Raises AgentError when the file is damaged."""
        try:
            return [_read(raw) for raw in json.loads(self._file.read_text("utf-8"))]
        except FileNotFoundError:
            return []
        except (ValueError, KeyError, TypeError, Refused) as error:
            raise AgentError(f"{self._file} is damaged: {error}") from None

    def add(self, to: Destination, name: str, host_key: HostKey, *, sudo: bool = False) -> Server:
        """Takes a server in. Raises Refused for one that is there already, or one too many."""
        server = new_server(to, name, host_key, sudo=sudo)
        with alone(make_folder(self._folder)):
            known = self.servers()
            if any(each.to == to for each in known):
                raise Refused(f"{to.user} on {to.address}, port {to.port}, is one of this agent's servers already")
            if len(known) >= MOST_SERVERS:
                raise Refused(f"this agent has {MOST_SERVERS} servers; set up another agent for more")
            self._write([*known, server])
        return server

    def remove(self, ref: str) -> bool:
        """Forgets a server and its host key; whether it was there. Nothing on the host is touched."""
        with alone(make_folder(self._folder)):
            known = self.servers()
            left = [each for each in known if each.ref != ref]
            if len(left) < len(known):
                self._write(left)
            return len(left) < len(known)

    def _write(self, servers: list[Server]) -> None:
        lines = "".join(f"{each.alias} {each.host_key.text}\n" for each in servers)
        write_atomic(self.known_hosts, lines.encode("ascii"), mode=0o600)
        content = json.dumps([_plain(each) for each in servers], indent=2)
        write_atomic(self._file, content.encode(), mode=0o600)


def new_server(to: Destination, name: str, host_key: HostKey, *, sudo: bool = False) -> Server:
    """A server with a fresh `ref`, not in any register yet."""
    return Server(secrets.token_hex(16), to, display_name(name, to.address), host_key, sudo, moment())


def _plain(server: Server) -> dict[str, Any]:
    more = {"name": server.name, "host_key": server.host_key.text, "sudo": server.sudo, "added_at": server.added_at}
    return {"ref": server.ref, **asdict(server.to), **more}


def _read(raw: dict[str, Any]) -> Server:
    if not _REF.match(raw["ref"]):
        raise ValueError("a server has no proper ref")
    to = destination(raw["address"], raw["user"], raw["port"])
    name = display_name(raw["name"], to.address)
    return Server(raw["ref"], to, name, HostKey.read(raw["host_key"]), raw["sudo"] is True, str(raw["added_at"]))
