# SPDX-License-Identifier: Apache-2.0
"""The agent's settings: one JSON file (`agent.json`) in the folder of the agent, checked when it starts."""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from certwright_agent.errors import AgentError
from certwright_agent.files import Roots
from certwright_agent.web_servers import DEFAULT_ROOTS, found_here, is_loopback, make
from certwright_agent.webservers.site import WebServer

_UID = re.compile(r"[0-9a-f]{32}\Z")
# This path goes into web servers' configurations: nothing that their languages give a meaning.
_PLAIN_PATH = re.compile(r"[A-Za-z0-9._/+-]+\Z")
DEFAULT_NETWORKS = ("0.0.0.0/0", "::/0")
_KNOWN = {
    "gateway", "uid", "ca_file", "state", "save_directory", "poll_seconds", "verify_seconds", "roots", "web_servers",
    "scan_networks", "scan_rate",
}  # fmt: skip


class SettingsError(AgentError):
    """`agent.json` is missing or wrong; says what to change."""


@dataclass(frozen=True)
class Settings:
    """`ca_file` pins the gateway's CA; None is possible only with a gateway on the loopback over plain HTTP.

    Times are in seconds; without `poll_seconds` the gateway says when to ask again. `web_servers` are the raw entries,
    see `servers`. `scan_networks` are what scans may look at, none at all when it is empty; `scan_rate` is the most
    connections a second that they may begin. `file` is where all this was read.
    """

    gateway: str
    uid: str
    ca_file: Path | None
    state: Path
    save_directory: Path
    poll_seconds: float | None = None
    verify_seconds: float = 15.0
    roots: tuple[Path, ...] = ()
    web_servers: tuple[Mapping[str, Any], ...] = field(default=())
    scan_networks: tuple[str, ...] = DEFAULT_NETWORKS
    scan_rate: int = 500
    file: Path = Path("agent.json")

    def servers(self) -> list[WebServer]:
        """The web servers of this host that the settings name, or those found at their usual places."""
        roots = Roots([*self.roots, self.state])
        return make(self.web_servers or found_here(), roots, self.state / "staging")


def load(path: Path) -> Settings:
    """Reads `agent.json`; paths in it are relative to its folder. Raises SettingsError."""
    try:
        raw = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise SettingsError(
            f"{path} cannot be read: {error.strerror}. Unpack the agent's zip and start it there."
        ) from None
    except ValueError as error:
        raise SettingsError(f"{path} is not JSON: {error}") from None
    if not isinstance(raw, dict) or set(raw) - _KNOWN:
        raise SettingsError(f"{path} holds settings that this agent does not know: {sorted(set(raw) - _KNOWN)}")
    try:
        return _settings(raw, path.resolve())
    except (KeyError, TypeError, ValueError) as error:
        raise SettingsError(f"{path} has a missing or wrong setting: {error}") from None


def load_on_behalf(folder: Path) -> Settings:
    """The settings of a server that another host's agent works on: `agent.json` in the program's folder, if there is
    one. Raises SettingsError.
    """
    return load_alone(folder / "agent.json")


def load_alone(path: Path) -> Settings:
    """Settings for work without a gateway: what `path` says if it is there, else the defaults, beside it. No gateway is
    known and nothing is scanned. Raises SettingsError.
    """
    path = path.resolve()
    nobody: dict[str, Any] = {"gateway": "http://127.0.0.1", "uid": "0" * 32, "scan_networks": ()}
    try:
        raw = {**json.loads(path.read_text("utf-8")), **nobody} if path.exists() else nobody
        unknown = sorted(set(raw) - _KNOWN)
        settings = _settings(raw, path)
    except (KeyError, TypeError, ValueError) as error:
        raise SettingsError(f"{path} has a missing or wrong setting: {error}") from None
    if unknown:
        raise SettingsError(f"{path} holds settings that this agent does not know: {unknown}")
    return settings


def _settings(raw: Mapping[str, Any], path: Path) -> Settings:
    folder = path.parent
    gateway = str(raw["gateway"]).rstrip("/")
    ca_file = folder / str(raw["ca_file"]) if raw.get("ca_file") else None
    check_gateway(gateway, ca_file)
    uid = str(raw["uid"])
    if not _UID.match(uid):
        raise ValueError("uid is not 32 hexadecimal digits")
    state = folder / str(raw.get("state", "state"))
    if not _PLAIN_PATH.match(str(state)):
        raise ValueError(f"the state folder {state} has characters that web servers read in their own way")
    servers = tuple(raw.get("web_servers") or ())
    make(servers, Roots([]), state)
    if any(entry["kind"] == "files" for entry in servers) and path.stat().st_mode & 0o022:
        raise ValueError("it names programs to run, and others than its owner can change it: chmod go-w it")
    return Settings(
        gateway=gateway,
        uid=uid,
        ca_file=ca_file,
        state=state,
        save_directory=Path(str(raw.get("save_directory", "~/Certwright"))).expanduser(),
        poll_seconds=_between(raw["poll_seconds"], 0.1, 3600) if "poll_seconds" in raw else None,
        verify_seconds=_between(raw.get("verify_seconds", 15), 1, 300),
        roots=tuple(Path(str(root)) for root in raw.get("roots", DEFAULT_ROOTS)),
        web_servers=servers,
        scan_networks=_networks(raw.get("scan_networks", DEFAULT_NETWORKS)),
        scan_rate=int(_between(raw.get("scan_rate", 500), 1, 100_000)),
        file=path,
    )


def _networks(value: object) -> tuple[str, ...]:
    if not isinstance(value, (list, tuple)):
        raise TypeError("scan_networks is not a list of networks")
    return tuple(str(ipaddress.ip_network(str(one))) for one in value)


def check_gateway(gateway: str, ca_file: Path | None) -> None:
    """Plain HTTP only to this very host; TLS only with a pinned CA. Raises ValueError."""
    parts = urlsplit(gateway)
    if parts.scheme == "http":
        if not is_loopback(parts.hostname or ""):
            raise ValueError("the gateway is not on this host: its URL must begin with https://")
    elif parts.scheme != "https" or not parts.hostname or parts.username or parts.query:
        raise ValueError("gateway is not an https:// URL")
    elif ca_file is None or not ca_file.is_file():
        raise ValueError("ca_file, the certificate of the CA that vouches for the gateway, is missing")


def _between(value: object, low: float, high: float) -> float:
    number = float(str(value))
    if not low <= number <= high:
        raise ValueError(f"{number} is not between {low} and {high}")
    return number
