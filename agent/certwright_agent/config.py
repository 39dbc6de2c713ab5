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
from certwright_agent.webservers.apache import Apache
from certwright_agent.webservers.nginx import Nginx
from certwright_agent.webservers.site import WebServer

_UID = re.compile(r"[0-9a-f]{32}\Z")
# This path goes into web servers' configurations: nothing that their languages give a meaning.
_PLAIN_PATH = re.compile(r"[A-Za-z0-9._/+-]+\Z")
DEFAULT_NETWORKS = ("0.0.0.0/0", "::/0")
DEFAULT_ROOTS = ("/etc/nginx", "/etc/apache2", "/etc/httpd")
_DEFAULT_SERVERS: tuple[dict[str, Any], ...] = (
    {"kind": "nginx", "binary": "/usr/sbin/nginx", "config": "/etc/nginx/nginx.conf"},
    {"kind": "apache", "binary": "/usr/sbin/apache2", "config": "/etc/apache2/apache2.conf", "root": "/etc/apache2"},
    {"kind": "apache", "binary": "/usr/sbin/httpd", "config": "/etc/httpd/conf/httpd.conf", "root": "/etc/httpd"},
)
_KNOWN = {
    "gateway", "uid", "ca_file", "state", "save_directory", "poll_seconds", "verify_seconds", "roots", "web_servers",
    "scan_networks", "scan_rate",
}  # fmt: skip
_KNOWN_SERVER = {"kind", "binary", "config", "root", "tls_port", "environment"}


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
        entries = self.web_servers or tuple(
            entry for entry in _DEFAULT_SERVERS if Path(entry["binary"]).exists() and Path(entry["config"]).exists()
        )
        return [self._server(entry, roots) for entry in entries]

    def _server(self, entry: Mapping[str, Any], roots: Roots) -> WebServer:
        root = Path(entry["root"]) if entry.get("root") else None
        port, main = int(entry.get("tls_port", 443)), Path(entry["config"])
        if entry["kind"] == "nginx":
            return Nginx(binary=entry["binary"], main=main, prefix=root, roots=roots, tls_port=port)
        return Apache(
            binary=entry["binary"],
            main=main,
            root=root,
            roots=roots,
            tls_port=port,
            staging=self.state / "staging",
            environment=entry.get("environment"),
        )


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
    for entry in servers:
        if set(entry) - _KNOWN_SERVER or entry["kind"] not in ("nginx", "apache"):
            raise ValueError(f"web server {dict(entry)} is not understood")
        if not (Path(entry["binary"]).is_absolute() and Path(entry["config"]).is_absolute()):
            raise ValueError("binary and config of a web server must be absolute paths")
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


def is_loopback(host: str) -> bool:
    """Whether a host name or address can only mean this host."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _between(value: object, low: float, high: float) -> float:
    number = float(str(value))
    if not low <= number <= high:
        raise ValueError(f"{number} is not between {low} and {high}")
    return number
