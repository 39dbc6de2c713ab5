# SPDX-License-Identifier: Apache-2.0
"""Tomcat: a site is an SSLHostConfig of a connector, together with the Host of the same name.

Tomcat takes up changes of server.xml only with a restart. So none is made: what changes is the content of the files
that it names, and the manager application's `sslReload` has Tomcat read them anew.
"""

from __future__ import annotations

import ipaddress
import zipfile
from dataclasses import dataclass, replace
from pathlib import Path

from certwright_agent.errors import AgentError, Refused
from certwright_agent.files import Roots
from certwright_agent.served import takes_connections
from certwright_agent.webservers import tomcat_xml
from certwright_agent.webservers.placement import Verdict
from certwright_agent.webservers.site import Block, Change, Listener, Material, Plan, Site, group
from certwright_agent.webservers.tomcat_manager import Manager
from certwright_agent.webservers.tomcat_material import Named, named
from certwright_agent.webservers.tomcat_xml import Connector, TLSHost

_SERVER_INFO = "org/apache/catalina/util/ServerInfo.properties"


@dataclass(frozen=True)
class _Held:
    """A TLS host on its connector, the files that it names, and its block."""

    host: TLSHost
    named: Named
    block: Block


class Tomcat:
    """One Tomcat: its server.xml, CATALINA_BASE, CATALINA_HOME and its manager application."""

    kind = "tomcat"

    def __init__(self, *, main: Path, base: Path, home: Path, manager: Manager, roots: Roots) -> None:
        self.main = main
        self._base = base
        self._home = home
        self._manager = manager
        self._roots = roots

    def version(self) -> str:
        """Such as `Tomcat/10.1.60`, from Tomcat's own archive; empty when it is not there."""
        try:
            with zipfile.ZipFile(self._home / "lib" / "catalina.jar") as archive:
                lines = archive.read(_SERVER_INFO).decode("latin-1").splitlines()
        except (OSError, KeyError, zipfile.BadZipFile):
            return ""
        number = next((line.partition("=")[2] for line in lines if line.startswith("server.number=")), "")
        return f"Tomcat/{'.'.join(number.strip().split('.')[:3])}" if number else ""

    def running(self) -> bool:
        """Whether one of its connectors takes connections."""
        try:
            connectors = self._connectors()
        except Refused:
            return False
        return any(takes_connections(listener) for connector in connectors for listener in _listeners(connector, ""))

    def sites(self) -> list[Site]:
        """Every TLS host and every virtual host."""
        connectors = self._connectors()
        held = self._held(connectors)
        lacking = self._manager.missing()
        reasons = {each.block: each.named.reason or lacking for each in held}
        blocks = [each.block for each in held]
        for connector in connectors:
            blocks += [] if connector.tls else self._plain(connector)
        sites = []
        for site in group(self.kind, blocks, {}):
            reason = next((reasons[block] for block in site.blocks if reasons.get(block)), "")
            if not any(block in reasons for block in site.blocks):
                reason = (
                    "no SSLHostConfig is for this host alone: install on the one that answers for it, or add one with "
                    "a first certificate to server.xml and restart Tomcat, since it takes up new ones only then"
                )
            sites.append(replace(site, reason=reason))
        return sites

    def plan(self, site: Site, _material: Material) -> Plan:
        """New content for the files that the site's TLS hosts name. Raises Refused, without the manager too."""
        held = self._held(self._connectors())
        wanted = {(block.start, block.listeners) for block in site.tls_blocks}
        mine = [each for each in held if (each.block.start, each.block.listeners) in wanted]
        if not mine or {(each.block.start, each.block.listeners) for each in mine} != wanted:
            raise Refused("the configuration changed meanwhile", "changed_meanwhile")
        paths = frozenset(path for each in mine for path in each.named.paths)
        placements = {placement.path: placement for each in mine for placement in each.named.placements}
        for each in mine:
            if each.named.reason or not each.block.listeners:
                raise Refused(each.named.reason or "the port of the connector is not certain", "site_not_writable")
        if any(each.named.paths & paths for each in held if each not in mine):
            raise Refused("a TLS host of another site names one of the files too", "config_unclear")
        self._manager.check()
        order = list(placements)
        checks = [(each.named, [order.index(p.path) for p in each.named.placements]) for each in mine]

        def try_placed(staged: tuple[Path, ...]) -> Verdict:
            for one, places in checks:
                verdict = one.try_staged(tuple(staged[place] for place in places))
                if not verdict.ok:
                    return verdict
            return Verdict(ok=True, detail="")

        return Plan(
            (),
            tuple(dict.fromkeys(listener for each in mine for listener in each.block.listeners)),
            placements=tuple(placements.values()),
            try_placed=try_placed,
            hosts=tuple(dict.fromkeys(each.host.name for each in mine)),
        )

    def test(self) -> Verdict:
        """Whether server.xml can be read. Tomcat's own configtest would bind the ports of the running one."""
        try:
            self._connectors()
        except Refused as problem:
            return Verdict(ok=False, detail=str(problem))
        return Verdict(ok=True, detail="")

    def test_candidate(self, changes: tuple[Change, ...], candidate: Path) -> Verdict:  # noqa: ARG002
        """server.xml stays as it is; the new content is tried by the plan."""
        return Verdict(ok=True, detail="")

    def candidate_path(self, token: str) -> Path:
        """None is written."""
        return self._base / "conf" / f".certwright-{token}.xml"

    def procedure(self, *hosts: str) -> tuple[str, str]:
        """The agent reads server.xml; the manager application reads the files anew."""
        reload = ", ".join(f"sslReload of {host}" for host in hosts)
        return f"{self.main} can be read", f"{reload} at {self._manager.url}"

    def reload(self, *hosts: str) -> Verdict:
        """`sslReload` of each TLS host: new connections get the new certificate, open ones stay."""
        try:
            for host in hosts:
                self._manager.ask("sslReload", tlsHostName=host)
        except AgentError as problem:
            return Verdict(ok=False, detail=str(problem))
        return Verdict(ok=True, detail="")

    def _connectors(self) -> list[Connector]:
        try:
            content = self.main.read_bytes()
        except OSError as error:
            raise Refused(f"{self.main} cannot be read: {error.strerror}") from None
        return tomcat_xml.read(content, str(self.main), base=self._base, home=self._home)

    def _held(self, connectors: list[Connector]) -> list[_Held]:
        """TLS hosts that share a file are one site: the file's new certificate has to be good for all of them."""
        found = []
        for connector in connectors:
            for host in connector.tls_hosts:
                default = host.name == connector.default_host
                names = () if host.name == "_default_" else (host.name,)
                listeners = _listeners(connector, host.name if names else None)
                files = named(host, self._base, self._roots)
                if not names and not default:
                    files = replace(files, reason="this TLS host is never the answer: another one is the default")
                block = Block(
                    self.main, host.start, host.end, names, listeners, self._root(connector, host.name),
                    certificate_file=str(files.placements[0].path) if files.placements else "",
                    certificate_pem=files.leaf_pem, key_file=files.key_file,
                )  # fmt: skip
                found.append(_Held(host, files, block))
        for number, each in enumerate(found):
            together = [other for other in found if other.named.paths & each.named.paths] or [each]
            every = tuple(dict.fromkeys(name for other in together for name in _own_names(other)))
            found[number] = replace(each, block=replace(each.block, names=every))
        return found

    def _plain(self, connector: Connector) -> list[Block]:
        listeners = _listeners(connector, "")
        return [
            Block(self.main, host.start, host.end, host.names, listeners, host.root)
            for host in connector.virtual_hosts
            if host.names and listeners
        ]

    @staticmethod
    def _root(connector: Connector, name: str) -> str:
        return next((host.root for host in connector.virtual_hosts if name in host.names), "")


def _own_names(held: _Held) -> tuple[str, ...]:
    return () if held.host.name == "_default_" else (held.host.name,)


def _listeners(connector: Connector, sni: str | None) -> tuple[Listener, ...]:
    """Where a connector listens; nowhere when that is not certain. Java's any address is IPv4 and IPv6."""
    address = connector.address or "*"
    try:
        address = address if address == "*" else str(ipaddress.ip_address(address.strip("[]")))
    except ValueError:
        address = "127.0.0.1" if address == "localhost" else ""
    if not connector.port or not address:
        return ()
    wildcard = sni is not None and sni.startswith("*.")
    asked = f"www{sni[1:]}" if wildcard and sni else sni
    return (Listener("*" if address == "0.0.0.0" else address, connector.port, connector.tls, asked),)  # noqa: S104
