# SPDX-License-Identifier: Apache-2.0
"""Apache: its virtual hosts, the edits that give them a certificate, its configuration test and graceful reload."""

from __future__ import annotations

import ipaddress
import os
import re
import shlex
from collections.abc import Mapping
from pathlib import Path

from certwright_agent.errors import Refused, StepFailed
from certwright_agent.files import Roots
from certwright_agent.process import Finished, run
from certwright_agent.webservers.apache_syntax import Directive, quoted
from certwright_agent.webservers.apache_tree import Active, Tree
from certwright_agent.webservers.site import (
    Block,
    Change,
    Listener,
    Material,
    Plan,
    Site,
    Verdict,
    group,
    read_path,
    splice,
    written_path,
)

_Edits = dict[Path, list[tuple[int, int, str]]]
_ENVVARS = re.compile(r"\s*(?:export\s+)?([A-Z_][A-Z0-9_]*)=(\S*)\s*(?:#.*)?\Z")


class Apache:
    """One Apache: its program, main file and server root (None: the one it was built with)."""

    kind = "apache"

    def __init__(
        self,
        *,
        binary: str,
        main: Path,
        root: Path | None,
        roots: Roots,
        tls_port: int,
        staging: Path,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.main = main
        self._binary = binary
        self._root = root
        self._roots = roots
        self._tls_port = tls_port
        self._staging = staging
        self._environment = dict(environment or _envvars(main.parent / "envvars"))

    def version(self) -> str:
        """Such as `Apache/2.4.62`; empty when the program is not there."""
        found = re.search(r"Server version: (\S+)", self._built())
        return found.group(1) if found else ""

    def running(self) -> bool:
        """Whether the process in the pid file lives."""
        try:
            tree = self._tree()
            named = _first(tree.top, "pidfile")
            pid_file = named or _built_in(self._built(), "DEFAULT_PIDLOG", "/run/apache2/apache2.pid")
            os.kill(int((tree.root / read_path(pid_file)).read_text("ascii")), 0)
        except (OSError, ValueError):
            return False
        return True

    def sites(self) -> list[Site]:
        """Every site of the configuration."""
        tree = self._tree()
        blocks = [block for block, _ in _blocks(tree)]
        return group(self.kind, blocks, {block.file: self._not_writable(tree, block.file) for block in blocks})

    def plan(self, site: Site, material: Material) -> Plan:
        """Replaces the directives of every TLS virtual host of the site; without one, adds a TLS copy of the first."""
        tree = self._tree()
        if "ssl_module" not in tree.modules and "mod_ssl.c" not in tree.modules:
            raise Refused(
                "Apache's mod_ssl is not loaded: enable it (a2enmod ssl), restart Apache, then try again",
                "no_tls_module",
            )
        present = {(block.file, block.start): (block, section) for block, section in _blocks(tree)}
        try:
            hosts = [present[block.file, block.start] for block in site.blocks]
        except KeyError:
            raise Refused("the configuration changed meanwhile", "changed_meanwhile") from None
        edits: _Edits = {}
        listeners: list[Listener] = []
        secured = [pair for pair in hosts if any(listener.tls for listener in pair[0].listeners)]
        for block, section in secured:
            listeners += [listener for listener in block.listeners if listener.tls]
            _use(tree, section, material, edits)
        if not secured:
            listeners = self._add(tree, hosts, material, edits)
        changes = []
        for path, spans in edits.items():
            reason = self._not_writable(tree, path)
            if reason:
                raise Refused(reason, "site_not_writable")
            text = tree.texts[path]
            changes.append(Change(path, text.encode("latin-1"), splice(text, spans).encode("latin-1")))
        return Plan(tuple(changes), tuple(dict.fromkeys(listeners)))

    def test(self) -> Verdict:
        """`apache2 -t`. It does not load keys and certificates; whoever installs checks those before."""
        return _verdict(self._apache(self.main, "-t"))

    def test_candidate(self, changes: tuple[Change, ...], candidate: Path) -> Verdict:
        """`apache2 -t` of the configuration as it would be."""
        candidate.write_bytes(self._tree().render_candidate(changes))
        try:
            return _verdict(self._apache(candidate, "-t"))
        finally:
            candidate.unlink(missing_ok=True)

    def candidate_path(self, token: str) -> Path:
        """In the agent's own folder: Apache's relative paths start at ServerRoot."""
        return self._staging / f"candidate-{token}.conf"

    def procedure(self, *_hosts: str) -> tuple[str, str]:
        """`apache2 -t` and `apache2 -k graceful` of this configuration."""
        return shlex.join(self._argv(self.main, "-t")), shlex.join(self._argv(self.main, "-k", "graceful"))

    def reload(self, *_hosts: str) -> Verdict:
        """`apache2 -k graceful`: new children take over, old ones finish what they do. Starts a dead server."""
        return _verdict(self._apache(self.main, "-k", "graceful"))

    def _add(self, tree: Tree, hosts: list[tuple[Block, Active]], material: Material, edits: _Edits) -> list[Listener]:
        usable = [pair for pair in hosts if pair[0].listeners]
        if not usable:
            raise Refused("the site listens on no TCP port")
        block, host = next((pair for pair in usable if pair[0].document_root), usable[0])
        present = listens(tree)
        addresses = dict.fromkeys(listener.address for listener in block.listeners)
        needed = [Listener(address, self._tls_port, tls=True) for address in addresses]
        taken = {(o.address, o.port) for other, _ in _blocks(tree) for o in other.listeners if not o.tls}
        for listener in needed:
            if (listener.address, listener.port) in taken:
                raise Refused(
                    f"port {listener.port} of {listener.address} already speaks plain HTTP for a site", "port_taken"
                )
        source, text = host.source, tree.texts[Path(host.source.file)]
        indent = source.section[0].indent if source.section else "    "
        lines = [f"{source.indent}Listen {listener} https" for listener in needed if not _heard(listener, present)]
        ports = dict.fromkeys(re.sub(r"(:(\d+|\*))?\Z", "", arg) + f":{self._tls_port}" for arg in source.args)
        lines.append(f"{source.indent}<VirtualHost {' '.join(ports)}>")
        body = text[source.body_start : source.body_end].rstrip("\n")
        lines += [body] if body.strip() else []
        lines += [f"{indent}{line}" for line in _directives(material)]
        lines.append(f"{source.indent}</VirtualHost>")
        before = "" if text[: source.end].endswith("\n") else "\n"
        edits.setdefault(Path(source.file), []).append((source.end, source.end, before + "\n".join(lines) + "\n"))
        return needed

    def _not_writable(self, tree: Tree, path: Path) -> str:
        if not self._roots.allows(path):
            return f"{path} lies outside the folders that this agent may write to"
        if not (os.access(path, os.W_OK) and os.access(path.parent, os.W_OK)):
            return f"no permission to write to {path}"
        if tree.included.get(path, 0) > 1:
            return f"{path} is included {tree.included[path]} times"
        return ""

    def _tree(self) -> Tree:
        built = self._built()
        root = self._root or Path(_built_in(built, "HTTPD_ROOT", "/etc/apache2"))
        try:
            modules = run([self._binary, "-l"], environment=self._environment, timeout=10).out.decode(
                "ascii", "replace"
            )
        except StepFailed:
            modules = ""
        version = re.search(r"Server version: Apache/([\d.]+)", built)
        return Tree(self.main, root, self._environment, modules.split(), version.group(1) if version else "")

    def _built(self) -> str:
        try:
            return run([self._binary, "-V"], environment=self._environment, timeout=10).out.decode("utf-8", "replace")
        except StepFailed:
            return ""

    def _apache(self, main: Path, *options: str) -> Finished:
        return run(self._argv(main, *options), environment=self._environment)

    def _argv(self, main: Path, *options: str) -> list[str]:
        root = ["-d", str(self._root)] if self._root is not None else []
        return [self._binary, *root, "-f", str(main), *options]


def listens(tree: Tree) -> list[tuple[str, int, str]]:
    """Address (`*` for all), port and protocol word of every Listen."""
    found = []
    for active in tree.top:
        if active.name == "listen" and active.args:
            address, _, port = active.args[0].rpartition(":")
            if port.isdigit():
                protocol = active.args[1].lower() if len(active.args) > 1 else "https" if port == "443" else "http"
                found.append((_address(address), int(port), protocol))
    return found


def _blocks(tree: Tree) -> list[tuple[Block, Active]]:
    heard = listens(tree)
    base_engine = _first(tree.top, "sslengine").lower()
    base_root = _first(tree.top, "documentroot")
    blocks = []
    for host in tree.top:
        if host.name != "virtualhost":
            continue
        certificate = _first(host.inside, "sslcertificatefile")
        engine = _first(host.inside, "sslengine").lower() or base_engine
        listeners = []
        for address, port, protocol in _sockets(host.args, heard):
            tls = engine in ("on", "optional") or (not engine and bool(certificate) and protocol == "https")
            listeners.append(Listener(address, port, tls=tls))
        certificate = certificate or _first(tree.top, "sslcertificatefile")
        # Without one of its own, the key lies in the certificate's file (mod_ssl, SSLCertificateKeyFile).
        key = _first(host.inside, "sslcertificatekeyfile") or _first(tree.top, "sslcertificatekeyfile") or certificate
        root = _first(host.inside, "documentroot") or base_root
        block = Block(
            file=Path(host.source.file),
            start=host.source.start,
            end=host.source.end,
            names=tuple(_names(host)),
            listeners=tuple(listeners),
            document_root=str(tree.root / read_path(root)) if root else "",
            certificate_file=str(tree.root / read_path(certificate)) if certificate else "",
            key_file=str(tree.root / read_path(key)) if key else "",
        )
        blocks.append((block, host))
    return blocks


def _names(host: Active) -> list[str]:
    """ServerName without scheme and port (core.c: set_server_name takes both), then the aliases."""
    names: list[str] = []
    for active in host.inside:
        if active.name == "servername" and active.args:
            name = active.args[0].lower().rpartition("://")[2]
            names.insert(0, re.sub(r":\d+\Z", "", name))
        elif active.name == "serveralias":
            names += [alias.lower() for alias in active.args]
    return names


def _sockets(args: list[str], heard: list[tuple[str, int, str]]) -> list[tuple[str, int, str]]:
    """The sockets behind the addresses of a virtual host, each with the protocol word of its Listen."""
    found: list[tuple[str, int, str]] = []
    for arg in args:
        match = re.match(r"(.*?)(?::(\d+|\*))?\Z", arg if not arg.endswith("]") else arg + ":*")
        address, port = _address(match.group(1) if match else "*"), match.group(2) if match else None
        wanted = [entry for entry in heard if port in (None, "*", str(entry[1]))]
        if address != "*":
            ports = dict.fromkeys((entry[1], entry[2]) for entry in wanted if entry[0] in ("*", "::", address))
            found += [(address, number, protocol) for number, protocol in ports]
        else:
            found += wanted
    return list(dict.fromkeys(found))


def _use(tree: Tree, host: Active, material: Material, edits: _Edits) -> None:
    missing = []
    for line in _directives(material)[1:]:
        name, value = line.split(" ", 1)
        own = [active for active in host.inside if active.name == name.lower() and active.args]
        if len(own) > 1:
            raise Refused(
                f"the site has {len(own)} {name} directives; which one to replace is not certain", "config_unclear"
            )
        if not own:
            missing.append(line)
        elif quoted(own[0].args[0]) != value:
            source = own[0].source
            edits.setdefault(_only_here(tree, source), []).append((*source.spans[0], value))
    # The chain goes into SSLCertificateFile (Apache 2.4.8); a chain file of the old certificate must not stay.
    for active in host.inside:
        if active.name == "sslcertificatechainfile":
            source = active.source
            edits.setdefault(_only_here(tree, source), []).append((source.start, source.end, ""))
    if missing:
        source = host.source
        indent = source.section[0].indent if source.section else "    "
        addition = "".join(f"{indent}{line}\n" for line in missing)
        edits.setdefault(Path(source.file), []).append((source.body_start, source.body_start, addition))


def _only_here(tree: Tree, source: Directive) -> Path:
    path = Path(source.file)
    if tree.included[path] > 1:
        raise Refused(
            f"{path} is included {tree.included[path]} times: a change there is for other sites too", "config_unclear"
        )
    return path


def _directives(material: Material) -> list[str]:
    return [
        "SSLEngine on",
        f"SSLCertificateFile {quoted(written_path(material.fullchain))}",
        f"SSLCertificateKeyFile {quoted(written_path(material.key))}",
    ]


def _heard(listener: Listener, present: list[tuple[str, int, str]]) -> bool:
    return any(port == listener.port and address in ("*", "::", listener.address) for address, port, _ in present)


def _address(text: str) -> str:
    if text in ("", "*", "_default_", "0.0.0.0"):  # noqa: S104  an address read, not bound
        return "*"
    try:
        return str(ipaddress.ip_address(text.strip("[]")))
    except ValueError:
        return "127.0.0.1" if text == "localhost" else text


def _first(directives: list[Active], name: str) -> str:
    """The value in effect: the last one wins (core.c merges by overwriting)."""
    values = [active.args[0] for active in directives if active.name == name and active.args]
    return values[-1] if values else ""


def _built_in(built: str, name: str, fallback: str) -> str:
    found = re.search(rf'-D {name}="([^"]*)"', built)
    return found.group(1) if found else fallback


def _envvars(path: Path) -> dict[str, str]:
    """Plain assignments of Debian's `envvars`; the shell in it is not run, so that `$SUFFIX` counts as empty."""
    try:
        lines = path.read_text("utf-8", "replace").splitlines()
    except OSError:
        return {}
    found = [match.groups() for match in map(_ENVVARS.match, lines) if match]
    return {name: value.replace("$SUFFIX", "").replace("${SUFFIX}", "").strip("\"'") for name, value in found}


def _verdict(done: Finished) -> Verdict:
    return Verdict(done.ok, done.text())
