# SPDX-License-Identifier: Apache-2.0
"""nginx: its sites, the edits that give them a certificate, its configuration test and its graceful reload."""

from __future__ import annotations

import ipaddress
import os
import re
import shlex
from pathlib import Path

from certwright_agent.errors import Refused, StepFailed
from certwright_agent.files import Roots
from certwright_agent.process import Finished, run
from certwright_agent.webservers.nginx_syntax import Directive, quoted
from certwright_agent.webservers.nginx_tree import Tree
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

_LISTEN = re.compile(r"(?:(?P<address>\[[0-9A-Fa-f:.]+\]|[^:\[\]]+)(?::(?P<port>\d+))?|(?P<only>\d+))\Z")


class Nginx:
    """One nginx: its program, its main file and its prefix (None: the one it was built with)."""

    kind = "nginx"

    def __init__(self, *, binary: str, main: Path, prefix: Path | None, roots: Roots, tls_port: int) -> None:
        self.main = main
        self._binary = binary
        self._prefix = prefix
        self._roots = roots
        self._tls_port = tls_port

    def version(self) -> str:
        """Such as `nginx/1.22.1`; empty when the program is not there."""
        found = re.search(r"nginx version: (\S+)", self._built())
        return found.group(1) if found else ""

    def running(self) -> bool:
        """Whether the process in the pid file lives."""
        try:
            pid = int(self._pid_file().read_text("ascii"))
            os.kill(pid, 0)
        except (OSError, ValueError):
            return False
        return True

    def sites(self) -> list[Site]:
        """Every site of the configuration."""
        tree = Tree(self.main)
        blocks = [block for block, _ in self._blocks(tree)]
        return group(self.kind, blocks, {block.file: self._not_writable(tree, block.file) for block in blocks})

    def plan(self, site: Site, material: Material) -> Plan:
        """Replaces the two directives of every TLS block of the site; without one, adds a TLS listener."""
        tree = Tree(self.main)
        present = {(block.file, block.start): (block, directive) for block, directive in self._blocks(tree)}
        try:
            blocks = [present[block.file, block.start] for block in site.blocks]
        except KeyError:
            raise Refused("the configuration changed meanwhile", "changed_meanwhile") from None
        edits: dict[Path, list[tuple[int, int, str]]] = {}
        listeners: list[Listener] = []
        secured = [pair for pair in blocks if any(listener.tls for listener in pair[0].listeners)]
        for block, directive in secured:
            listeners += [listener for listener in block.listeners if listener.tls]
            self._use(tree, directive, material, edits)
        if not secured:
            listeners = self._add(tree, blocks, material, edits)
        changes = []
        for path, spans in edits.items():
            reason = self._not_writable(tree, path)
            if reason:
                raise Refused(reason, "site_not_writable")
            text = tree.texts[path]
            changes.append(Change(path, text.encode("latin-1"), splice(text, spans).encode("latin-1")))
        return Plan(tuple(changes), tuple(dict.fromkeys(listeners)))

    def test(self) -> Verdict:
        """`nginx -t`."""
        return _verdict(self._nginx("-t", self.main))

    def test_candidate(self, changes: tuple[Change, ...], candidate: Path) -> Verdict:
        """`nginx -t` of the configuration as it would be, from a dotted file beside the main one."""
        candidate.write_bytes(Tree(self.main).render_candidate(changes))
        try:
            return _verdict(self._nginx("-t", candidate))
        finally:
            candidate.unlink(missing_ok=True)

    def candidate_path(self, token: str) -> Path:
        """Beside the main file: nginx looks for relative paths there."""
        return self._roots.confine(self.main.parent) / f".certwright-{token}.conf"

    def procedure(self, *_hosts: str) -> tuple[str, str]:
        """`nginx -t` and `nginx -s reload` of this configuration."""
        return shlex.join(self._argv("-t", self.main)), shlex.join(self._argv("-s", self.main, "reload"))

    def reload(self, *_hosts: str) -> Verdict:
        """`nginx -s reload`: new workers take over, old ones finish what they do."""
        return _verdict(self._nginx("-s", self.main, "reload"))

    def _blocks(self, tree: Tree) -> list[tuple[Block, Directive]]:
        secured: set[tuple[str, int]] = set()
        found: list[tuple[Directive, Directive, list[tuple[str, int]]]] = []
        for http, server in tree.servers():
            sockets = []
            always = any(d.name == "ssl" and d.args == ["on"] for d in tree.children(server) + tree.children(http))
            for listen in [d for d in tree.children(server) if d.name == "listen"] or [_default_listen()]:
                socket = _socket(listen)
                if socket is not None:
                    sockets.append(socket)
                    if "ssl" in listen.args or always:
                        secured.add(socket)  # a socket speaks TLS for all blocks that share it
            found.append((http, server, sockets))
        blocks = []
        for http, server, sockets in found:
            certificate = _first(tree, server, "ssl_certificate") or _first(tree, http, "ssl_certificate")
            key = _first(tree, server, "ssl_certificate_key") or _first(tree, http, "ssl_certificate_key")
            names = [name for d in tree.children(server) if d.name == "server_name" for name in d.args]
            block = Block(
                file=Path(server.file),
                start=server.start,
                end=server.end,
                names=tuple(name.lower() for name in names),
                listeners=tuple(Listener(*socket, tls=socket in secured) for socket in sockets),
                document_root=self._document_root(tree, http, server),
                certificate_file=self._absolute(certificate.args[0], self.main.parent) if certificate else "",
                key_file=self._absolute(key.args[0], self.main.parent) if key else "",
            )
            blocks.append((block, server))
        return blocks

    def _document_root(self, tree: Tree, http: Directive, server: Directive) -> str:
        slash = [d for d in tree.children(server) if d.name == "location" and d.args == ["/"]]
        for place in [server, *slash, http]:
            root = _first(tree, place, "root")
            if root is not None:
                return "" if "$" in root.args[0] else self._absolute(root.args[0], self._prefix_folder())
        return ""

    def _use(
        self, tree: Tree, server: Directive, material: Material, edits: dict[Path, list[tuple[int, int, str]]]
    ) -> None:
        missing = []
        for name, path_of in (("ssl_certificate", material.fullchain), ("ssl_certificate_key", material.key)):
            value = written_path(path_of)
            own = [d for d in tree.children(server) if d.name == name and d.args]
            if len(own) > 1:
                raise Refused(
                    f"the site has {len(own)} {name} directives; which one to replace is not certain", "config_unclear"
                )
            if not own:
                missing.append(f"{name} {quoted(value)};")
            elif own[0].args[0] != value:
                path = Path(own[0].file)
                if tree.included[path] > 1:
                    raise Refused(
                        f"{path} is included {tree.included[path]} times: a change there is for other sites too"
                    )
                edits.setdefault(path, []).append((*own[0].spans[0], quoted(value)))
        if missing:
            _insert(tree, server, missing, edits)

    def _add(
        self,
        tree: Tree,
        blocks: list[tuple[Block, Directive]],
        material: Material,
        edits: dict[Path, list[tuple[int, int, str]]],
    ) -> list[Listener]:
        usable = [pair for pair in blocks if pair[0].listeners]
        if not usable:
            raise Refused("the site listens on no TCP port")
        block, directive = next((pair for pair in usable if pair[0].document_root), usable[0])
        taken = {(o.address, o.port): o.tls for other, _ in self._blocks(tree) for o in other.listeners}
        added = []
        for address in dict.fromkeys(listener.address for listener in block.listeners):
            if taken.get((address, self._tls_port), True) is False:
                raise Refused(f"port {self._tls_port} of {address} already speaks plain HTTP for a site")
            added.append(Listener(address, self._tls_port, tls=True))
        lines = [f"listen {listener} ssl;" for listener in added]
        lines.append(f"ssl_certificate {quoted(written_path(material.fullchain))};")
        lines.append(f"ssl_certificate_key {quoted(written_path(material.key))};")
        _insert(tree, directive, lines, edits)
        return added

    def _not_writable(self, tree: Tree, path: Path) -> str:
        if not self._roots.allows(path):
            return f"{path} lies outside the folders that this agent may write to"
        if not (os.access(path, os.W_OK) and os.access(path.parent, os.W_OK)):
            return f"no permission to write to {path}"
        if tree.included.get(path, 0) > 1:
            return f"{path} is included {tree.included[path]} times"
        return ""

    def _absolute(self, path: str, base: Path) -> str:
        return os.path.normpath(base / read_path(path))

    def _prefix_folder(self) -> Path:
        if self._prefix is not None:
            return self._prefix
        found = re.search(r"--prefix=(\S+)", self._built())
        return Path(found.group(1)) if found else Path("/")

    def _pid_file(self) -> Path:
        directive = next((d for d in Tree(self.main).top() if d.name == "pid" and d.args), None)
        if directive is not None:
            return Path(self._absolute(directive.args[0], self._prefix_folder()))
        found = re.search(r"--pid-path=(\S+)", self._built())
        return Path(found.group(1)) if found else Path("/run/nginx.pid")

    def _built(self) -> str:
        try:
            return run([self._binary, "-V"], timeout=10).err
        except StepFailed:
            return ""

    def _nginx(self, option: str, main: Path, *more: str) -> Finished:
        return run(self._argv(option, main, *more))

    def _argv(self, option: str, main: Path, *more: str) -> list[str]:
        prefix = ["-p", f"{self._prefix}/"] if self._prefix is not None else []
        return [self._binary, *prefix, "-c", str(main), option, *more]


def _default_listen() -> Directive:
    return Directive("listen", ["80"], [], 0)  # what nginx assumes when the directive is absent


def _socket(listen: Directive) -> tuple[str, int] | None:
    """Address and port of a TCP listener; None for a UNIX socket, QUIC and port ranges."""
    if not listen.args or listen.args[0].startswith("unix:") or "quic" in listen.args:
        return None
    found = _LISTEN.match(listen.args[0])
    if found is None:
        return None
    address, port = found.group("address") or "*", int(found.group("port") or 80)
    if address.isdigit():
        address, port = "*", int(address)
    address = "127.0.0.1" if address == "localhost" else address.strip("[]")
    try:
        address = str(ipaddress.ip_address(address))
    except ValueError:
        return (address, port)
    return ("*" if address == "0.0.0.0" else address, port)  # noqa: S104  an address read, not bound


def _first(tree: Tree, block: Directive, name: str) -> Directive | None:
    return next((d for d in tree.children(block) if d.name == name and d.args), None)


def _insert(tree: Tree, server: Directive, lines: list[str], edits: dict[Path, list[tuple[int, int, str]]]) -> None:
    """New directives right behind the opening brace, indented like the first one that is there."""
    text = tree.texts[Path(server.file)]
    found = re.match(r"[ \t]*\r?\n([ \t]+)", text[server.body_start :])
    indent = found.group(1) if found else "    "
    addition = "".join(f"\n{indent}{line}" for line in lines) + ("" if found else "\n" + indent)
    edits.setdefault(Path(server.file), []).append((server.body_start, server.body_start, addition))


def _verdict(done: Finished) -> Verdict:
    return Verdict(done.ok, done.text())
