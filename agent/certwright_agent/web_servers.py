# SPDX-License-Identifier: Apache-2.0
"""The web servers of this host: made from the entries of `agent.json`, or found at the places where packages put them.

Every entry is checked when the agent starts; `ValueError`, `TypeError` and `KeyError` say what is wrong with it.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from certwright_agent.files import Roots
from certwright_agent.webservers.apache import Apache
from certwright_agent.webservers.haproxy import HAProxy
from certwright_agent.webservers.haproxy_master import Master
from certwright_agent.webservers.named_files import PURPOSES, NamedFiles
from certwright_agent.webservers.nginx import Nginx
from certwright_agent.webservers.site import Listener, WebServer
from certwright_agent.webservers.tomcat import Tomcat
from certwright_agent.webservers.tomcat_manager import DEFAULT_URL, Manager

DEFAULT_ROOTS = ("/etc/nginx", "/etc/apache2", "/etc/httpd", "/etc/haproxy", "/etc/tomcat9", "/etc/tomcat10")
_DEFAULT_SERVERS: tuple[dict[str, Any], ...] = (
    {"kind": "nginx", "binary": "/usr/sbin/nginx", "config": "/etc/nginx/nginx.conf"},
    {"kind": "apache", "binary": "/usr/sbin/apache2", "config": "/etc/apache2/apache2.conf", "root": "/etc/apache2"},
    {"kind": "apache", "binary": "/usr/sbin/httpd", "config": "/etc/httpd/conf/httpd.conf", "root": "/etc/httpd"},
    {"kind": "haproxy", "binary": "/usr/sbin/haproxy", "config": "/etc/haproxy/haproxy.cfg"},
    {
        "kind": "tomcat",
        "config": "/etc/tomcat10/server.xml",
        "root": "/var/lib/tomcat10",
        "home": "/usr/share/tomcat10",
    },
    {"kind": "tomcat", "config": "/etc/tomcat9/server.xml", "root": "/var/lib/tomcat9", "home": "/usr/share/tomcat9"},
    {"kind": "tomcat", "config": "/opt/tomcat/conf/server.xml", "root": "/opt/tomcat", "home": "/opt/tomcat"},
)
_CONFIGURED = {"kind", "binary", "config", "root", "tls_port", "environment"}
_KNOWN = {
    "nginx": _CONFIGURED,
    "apache": _CONFIGURED,
    "haproxy": {"kind", "binary", "config", "more_configs", "pid_file"},
    "tomcat": {"kind", "config", "root", "home", "manager_url", "manager_user", "manager_password_file"},
    "files": {"kind", "name", *PURPOSES, "test", "reload", "probes", "document_root"},
}
_ENTRY_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._ -]{0,98}\Z")
_PROBE_NAME = re.compile(r"(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{1,63}\Z")


def found_here() -> tuple[dict[str, Any], ...]:
    """Entries for what is installed at its usual place."""
    return tuple(entry for entry in _DEFAULT_SERVERS if _program(entry).exists() and Path(entry["config"]).exists())


def make(entries: Sequence[Mapping[str, Any]], roots: Roots, staging: Path) -> list[WebServer]:
    """The web servers that these entries describe."""
    made = [_make(entry, roots, staging) for entry in entries]
    named = [path for server in made if isinstance(server, NamedFiles) for path in server.paths.values()]
    if len(set(named)) != len(named):
        raise ValueError("two entries of kind files, or two purposes of one, name the same file")
    names = [server.name for server in made if isinstance(server, NamedFiles)]
    if len(set(names)) != len(names):
        raise ValueError("two entries of kind files have the same name")
    return made


def _make(entry: Mapping[str, Any], roots: Roots, staging: Path) -> WebServer:
    kind = entry["kind"]
    if not isinstance(kind, str) or set(entry) - _KNOWN.get(kind, set()):
        raise ValueError(f"web server {dict(entry)} is not understood")
    if kind == "files":
        return _named_files(entry)
    main = _path(entry, "config")
    if kind == "tomcat":
        return _tomcat(entry, main, roots)
    binary = str(_path(entry, "binary"))
    if kind == "haproxy":
        more = [_absolute(path, "more_configs") for path in _list(entry, "more_configs")]
        pid_file = _path(entry, "pid_file") if "pid_file" in entry else Path("/run/haproxy.pid")
        return HAProxy(binary=binary, files=[main, *more], master=Master(pid_file), roots=roots)
    root = Path(entry["root"]) if entry.get("root") else None
    port = int(entry.get("tls_port", 443))
    if kind == "nginx":
        return Nginx(binary=binary, main=main, prefix=root, roots=roots, tls_port=port)
    return Apache(
        binary=binary,
        main=main,
        root=root,
        roots=roots,
        tls_port=port,
        staging=staging,
        environment=entry.get("environment"),
    )


def _tomcat(entry: Mapping[str, Any], main: Path, roots: Roots) -> Tomcat:
    base = _path(entry, "root") if "root" in entry else main.parent.parent
    url = str(entry.get("manager_url", DEFAULT_URL))
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not is_loopback(parts.hostname or "") or parts.username or parts.query:
        raise ValueError("manager_url is not an http:// or https:// URL of this very host: the password goes there")
    _ = parts.port  # raises ValueError
    user = str(entry.get("manager_user", ""))
    if ":" in user or not user.isprintable():
        raise ValueError("manager_user has a character that a user's name cannot have")
    password_file = _path(entry, "manager_password_file") if "manager_password_file" in entry else None
    manager = Manager(url, user, password_file)
    home = _path(entry, "home") if "home" in entry else base
    return Tomcat(main=main, base=base, home=home, manager=manager, roots=roots)


def _named_files(entry: Mapping[str, Any]) -> NamedFiles:
    name = str(entry["name"])
    if not _ENTRY_NAME.match(name):
        raise ValueError(
            f"the name {name!r} of an entry of kind files is not letters, digits, dots, hyphens and spaces"
        )
    paths = {purpose: _path(entry, purpose) for purpose in PURPOSES if purpose in entry}
    if "combined" not in paths and not ({"key"} < set(paths) and {"fullchain", "certificate"} & set(paths)):
        raise ValueError(f"{name} names neither a combined file, nor a key with a fullchain or a certificate")
    probes = tuple(_probe(probe) for probe in _list(entry, "probes"))
    if not probes:
        raise ValueError(f"{name} names no probes: what is not seen cannot be called installed")
    return NamedFiles(
        name=name,
        paths=paths,
        reload_argv=_argv(entry, "reload"),
        test_argv=_argv(entry, "test") if "test" in entry else (),
        probes=probes,
        document_root=str(_path(entry, "document_root")) if "document_root" in entry else "",
    )


def _probe(probe: Any) -> Listener:
    if not isinstance(probe, Mapping) or set(probe) != {"address", "port", "sni"}:
        raise ValueError("a probe is not address, port and sni")
    sni, port = str(probe["sni"]).lower(), int(probe["port"])
    if not _PROBE_NAME.match(sni) or len(sni) > 253:
        raise ValueError(f"the sni {sni!r} of a probe is not a domain name")
    if not 0 < port < 65536:
        raise ValueError(f"{port} is not a port")
    return Listener(str(ipaddress.ip_address(str(probe["address"]))), port, tls=True, sni=sni)


def _argv(entry: Mapping[str, Any], name: str) -> tuple[str, ...]:
    argv = _list(entry, name)
    if not argv or not all(isinstance(word, str) and "\0" not in word for word in argv):
        raise ValueError(f"{name} is not a list of words, the program first")
    _absolute(argv[0], name)
    return tuple(argv)


def _list(entry: Mapping[str, Any], name: str) -> list[Any]:
    value = entry.get(name, [])
    if not isinstance(value, list):
        raise TypeError(f"{name} is not a list")
    return value


def _path(entry: Mapping[str, Any], name: str) -> Path:
    return _absolute(entry[name], name)


def _absolute(value: object, name: str) -> Path:
    if not isinstance(value, str) or not Path(value).is_absolute() or "\0" in value:
        raise ValueError(f"{name} of a web server must be an absolute path")
    return Path(value)


def _program(entry: Mapping[str, Any]) -> Path:
    return Path(entry["binary"]) if "binary" in entry else Path(entry["home"]) / "lib" / "catalina.jar"


def is_loopback(host: str) -> bool:
    """Whether a host name or address can only mean this host."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
