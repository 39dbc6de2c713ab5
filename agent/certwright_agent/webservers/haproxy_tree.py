# SPDX-License-Identifier: Apache-2.0
"""What an HAProxy configuration says: its `bind` lines (configuration manual §5.1) with the certificates that they use.

A `bind` line that is not understood wholly refuses the whole configuration: it might use a certificate that is to be
replaced.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from certwright_agent.errors import Refused
from certwright_agent.webservers.haproxy_syntax import Line, Word, parse
from certwright_agent.webservers.site import Listener, read_path

_SECTIONS = frozenset({
    "global", "defaults", "frontend", "listen", "backend", "peers", "resolvers", "userlist", "cache", "ring",
    "http-errors", "mailers", "program", "log-forward", "fcgi-app", "crt-store", "log-profile", "traces", "acme",
})  # fmt: skip
_FLAGS = frozenset({
    "accept-proxy", "allow-0rtt", "defer-accept", "force-sslv3", "force-tlsv10", "force-tlsv11", "force-tlsv12",
    "force-tlsv13", "generate-certificates", "no-alpn", "no-ca-names", "no-sslv3", "no-tls-tickets", "no-tlsv10",
    "no-tlsv11", "no-tlsv12", "no-tlsv13", "no-strict-sni", "prefer-client-ciphers", "quic-force-retry", "ssl",
    "strict-sni", "tfo", "transparent", "v4v6", "v6only",
})  # fmt: skip
_WITH_VALUE = frozenset({
    "accept-netscaler-cip", "alpn", "backlog", "ca-file", "ca-ignore-err", "ca-sign-file", "ca-sign-pass",
    "ca-verify-file", "ciphers", "ciphersuites", "client-sigalgs", "crl-file", "crt", "crt-ignore-err", "crt-list",
    "curves", "ecdhe", "expose-fd", "gid", "group", "guid-prefix", "id", "interface", "level", "maxconn", "mode",
    "mss", "name", "namespace", "nice", "npn", "proto", "severity-output", "shards", "sigalgs", "ssl-max-ver",
    "ssl-min-ver", "tcp-ut", "thread", "tls-ticket-keys", "uid", "user", "verify",
})  # fmt: skip
EXTRA = (".issuer", ".ocsp", ".sctl", ".key")  # files that belong to another of the same name (§3.1)


@dataclass(frozen=True)
class Use:
    """A certificate file of a bind; `filters` are the SNI names that a crt-list gives it, `cause` why it is unclear."""

    path: Path
    filters: tuple[str, ...] = ()
    cause: str = ""


@dataclass(frozen=True)
class Bind:
    """One `bind` line: `listeners` are its TCP sockets, `uses` its certificates, `cause` why it cannot be looked at."""

    file: Path
    start: int
    end: int
    section: str
    listeners: tuple[Listener, ...]
    uses: tuple[Use, ...] = ()
    cause: str = ""


@dataclass
class Configuration:
    """All `bind` lines of front ends, and whether `global` asks for a master process."""

    binds: list[Bind] = field(default_factory=list)
    master_worker: bool = False
    _crt_base: Path | None = None


def read(files: Iterable[Path]) -> Configuration:
    """Reads the files in their order. Raises Refused."""
    texts = []
    for path in files:
        try:
            texts.append((path, parse(path.read_bytes().decode("latin-1"), str(path))))
        except OSError as error:  # noqa: PERF203  the first that cannot be read ends it
            raise Refused(f"{path} cannot be read: {error.strerror}") from None
    return understand(texts)


def understand(texts: list[tuple[Path, list[Line]]]) -> Configuration:
    """What these lines say. Raises Refused."""
    found = Configuration()
    section, title = "", ""
    for path, lines in texts:
        section, title = "", ""  # a section does not go on into the next file
        for line in lines:
            if line.name in _SECTIONS:
                section, title = line.name, " ".join(word.text for word in line.words[:2])
            elif section == "global" and line.name == "crt-base":
                found._crt_base = Path(_value(path, line, 1))
            elif section == "global" and line.name == "master-worker":
                found.master_worker = True
            elif section in ("frontend", "listen") and line.name == "bind":
                found.binds.append(_bind(path, line, title, found._crt_base))
    return found


def _bind(path: Path, line: Line, title: str, base: Path | None) -> Bind:
    where = f"{path}, line {line.number}"
    if not all(word.certain for word in line.words):
        raise Refused(f"{where}: a variable or an escape, whose value only HAProxy knows", "config_unclear")
    words = list(line.words[1:])
    if not words:
        raise Refused(f"{where}: a bind without an address", "config_unclear")
    options = _options(words[1:], where)
    tls = any(name == "ssl" for name, _ in options)
    listeners = tuple(_listeners(words[0].text, tls, where, v6only=any(name == "v6only" for name, _ in options)))
    uses: list[Use] = []
    for name, value in options if tls else []:
        if name == "crt":
            uses += _certificates(value, base, where)
        elif name == "crt-list":
            uses += _listed(_absolute(value, None, where), base)
    proxied = next((name for name, _ in options if name in ("accept-proxy", "accept-netscaler-cip")), "")
    cause = f"{where}: {proxied} keeps this agent from looking at what is served" if proxied else ""
    return Bind(path, line.start, line.words[-1].end, title, listeners, tuple(uses), cause)


def _options(words: list[Word], where: str) -> list[tuple[str, str]]:
    options = []
    at = 0
    while at < len(words):
        name = words[at].text
        if name in _FLAGS:
            options.append((name, ""))
        elif name in _WITH_VALUE and at + 1 < len(words):
            at += 1
            options.append((name, words[at].text))
        else:
            raise Refused(f"{where}: the bind option {name[:60]} is not known to this agent", "config_unclear")
        at += 1
    return options


def _listeners(text: str, tls: bool, where: str, *, v6only: bool) -> list[Listener]:
    """The TCP sockets of an address list; sockets of other kinds are passed over."""
    found = []
    for one in text.split(","):
        family, at, rest = one.partition("@")
        address = rest if at else one
        if (at and family not in ("ipv4", "ipv6", "tcp", "tcp4", "tcp6")) or address.startswith("/"):
            if at and family not in ("unix", "abns", "abnsz", "fd", "sockpair", "quic4", "quic6", "rhttp"):
                raise Refused(f"{where}: the address {one[:80]} is not understood", "config_unclear")
            continue
        host, _, port = address.rpartition(":")
        if not re.fullmatch("[0-9]{1,5}", port) or not 0 < int(port) < 65536:
            raise Refused(f"{where}: the address {one[:80]} has no single port", "config_unclear")
        host = host.strip("[]")
        if host in ("", "*"):
            host = "::" if family == "ipv6" or (v6only and not at) else "*"
        else:
            try:
                host = str(ipaddress.ip_address(host))
            except ValueError:
                raise Refused(f"{where}: {host[:80]} is not an IP address", "config_unclear") from None
        found.append(Listener("*" if host == "0.0.0.0" else host, int(port), tls))  # noqa: S104  read, not bound
    return found


def _certificates(value: str, base: Path | None, where: str) -> list[Use]:
    path = _absolute(value, base, where)
    if not _is_folder(path):
        return [Use(path)]
    try:
        names = sorted(entry.name for entry in path.iterdir() if entry.is_file())
    except OSError as error:
        raise Refused(f"{path} cannot be read: {error.strerror}") from None
    return [Use(path / name) for name in names if not name.startswith(".") and not name.endswith(EXTRA)]


def _listed(path: Path, base: Path | None) -> list[Use]:
    """The entries of a crt-list: a file, options in brackets, SNI filters, of which `!` ones take names away."""
    try:
        text = path.read_bytes().decode("latin-1")
    except (OSError, ValueError) as error:
        raise Refused(f"{path} cannot be read: {error}") from None
    uses = []
    for number, line in enumerate(text.split("\n"), 1):
        where = f"{path}, line {number}"
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        entry, bracket, rest = line.partition("[")
        if bracket:
            _, closing, filters = rest.partition("]")
            if not closing or "[" in filters:
                raise Refused(f"{where}: a bracket that does not end", "config_unclear")
        words = entry.split()
        if not words or any(char in line for char in "\"'\\$"):
            raise Refused(f"{where} is not understood", "config_unclear")
        names = words[1:] if not bracket else filters.split()
        if bracket and len(words) != 1:
            raise Refused(f"{where} is not understood", "config_unclear")
        file = _absolute(words[0], base, where)
        cause = f"{where}: {file} is a folder" if _is_folder(file) else ""
        uses.append(Use(file, tuple(name.lower() for name in names if not name.startswith("!")), cause))
    return uses


def _absolute(value: str, base: Path | None, where: str) -> Path:
    path = (base or Path()) / read_path(value)
    if not value or value.startswith("@") or "\0" in value or not path.is_absolute():
        raise Refused(f"{where}: {value[:200]!r} is not a path that means the same to this agent", "config_unclear")
    return path


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # a name that no file can have
        return False


def _value(path: Path, line: Line, number: int) -> str:
    if len(line.words) <= number or not line.words[number].certain:
        raise Refused(f"{path}, line {line.number}: {line.name} has no value that is certain", "config_unclear")
    return line.words[number].text
