# SPDX-License-Identifier: Apache-2.0
"""Configurations as people have them, on real servers: what the agent sees is what the server reads and serves, and an
installation changes the planned bytes and nothing else.
"""

import ipaddress
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest
from certwright_agent.config import load
from certwright_agent.jobs import Worker
from certwright_agent.webservers import apache_syntax, nginx_syntax
from certwright_agent.webservers.apache_tree import Tree as ApacheTree
from certwright_agent.webservers.nginx_tree import Tree as NginxTree
from certwright_agent.webservers.site import Material, is_plain_name, slug
from cryptography import x509
from cryptography.hazmat.primitives import hashes

from certwright.servers.process import free_port
from shared.probe.handshake import Served, handshake
from tests.support import agent_driver
from tests.support.configuration_corpus import cases, configuration, made
from tests.support.patches import patched
from tests.support.small_ca import SmallCA

ALL = [*cases("nginx"), *cases("apache")]
# What an installation may write or take away; all else stays as it was.
OF_TLS = {
    "ssl_certificate",
    "ssl_certificate_key",
    "sslcertificatefile",
    "sslcertificatekeyfile",
    "sslcertificatechainfile",
}
OF_TLS |= {"sslengine"}


@pytest.fixture(scope="module")
def ca():
    return SmallCA()


@pytest.fixture(scope="module", params=ALL, ids=lambda case: f"{case.kind}-{case.name}")
def place(request, ca):
    folder = Path(tempfile.mkdtemp(prefix="certwright-agent-"))
    folder.chmod(0o755)
    scene = Scene(request.param, folder, ca)
    scene.server.start()
    yield scene
    scene.server.stop()
    shutil.rmtree(folder)


class Scene:
    """A case that runs, and an agent beside it."""

    def __init__(self, case, folder, ca):
        self.case, self.ca = case, ca
        self.server = made(case, folder / "server", ca)
        self.home = folder / "agent"
        self.home.mkdir()
        entry = self.server.agent_entry(free_port())
        self.settings = agent_driver.write_settings(self.home, [entry], [self.server.folder])
        self.worker = Worker(load(self.settings))
        [self.agent] = self.worker.servers

    def sites(self):
        return self.agent.sites()

    def asked(self):
        """Every way to ask for a certificate: site, listener, name (None: no name)."""
        for site in self.sites():
            for block in site.blocks:
                for listener in block.listeners:
                    if listener.tls:
                        names = [name for name in block.names if is_plain_name(name)] or [None]
                        yield from ((site, block, listener, name) for name in names)

    def served(self):
        """What each of them gets, as fingerprint; one site's many bindings side by side."""
        return {(site.name, listener, name): self.look(listener, name) for site, _, listener, name in self.asked()}

    def look(self, listener, name):
        seen = handshake(listener.probe_address, listener.port, name, timeout=5)
        assert isinstance(seen, Served), (listener, name, seen)
        return seen.leaf.fingerprint

    def install_job(self, site):
        wild = [name for name in site.names if name.startswith("*.") and is_plain_name(name[2:])]
        names = [site.server_name or (wild or ["fallback.example.test"])[0]]
        csr = self.work("make_csr", names=names, common_name=names[0]).result
        pem, serial = self.ca.sign_csr(csr["csr_pem"])
        return {
            "web_server": self.case.kind, "site_name": site.name, "names": names, "certificate_pem": pem,
            "chain_pem": self.ca.chain_pem, "serial": serial, "spki_sha256": csr["spki_sha256"],
        }  # fmt: skip

    def planned(self, site):
        """The files as an installation on this site would make them."""
        if site.name in self.case.refused:
            return {}
        material = Material(self.home / "state" / "live" / slug(self.case.kind, site.name))
        plan = self.agent.plan(site, material)
        assert all(change.path.read_bytes() == change.old != change.new for change in plan.changes)
        return {change.path: change.new for change in plan.changes}

    def work(self, kind, **arguments):
        return self.worker.work(agent_driver.job(kind, **arguments), lambda step: None)[1]


def fingerprint(path):
    return x509.load_pem_x509_certificate(Path(path).read_bytes()).fingerprint(hashes.SHA256()).hex()


def read_by_nginx(server):
    """The files that nginx itself reads, with their contents (`nginx -T`)."""
    told = subprocess.run(
        [server.binary, "-p", f"{server.folder}/", "-c", str(server.config), "-T"], capture_output=True, check=True
    ).stdout.decode("latin-1")
    parts = re.split(r"^# configuration file (.+):\n", told, flags=re.MULTILINE)[1:]
    return {Path(os.path.realpath(name)): text for name, text in zip(parts[::2], parts[1::2], strict=True)}


def said_by_apache(server, *options):
    return subprocess.run(
        [server.binary, "-f", str(server.config), *options], capture_output=True, check=True, text=True
    ).stdout


def hosts_by_apache(server):
    """(address, port, name, file, line, aliases) of each virtual host, as `apachectl -S` says."""
    found, socket = [], None
    for line in said_by_apache(server, "-S").splitlines():
        if match := re.match(r"(\S+):(\d+|\*)\s+is a NameVirtualHost", line):
            socket = match.groups()
        elif match := re.match(r"(\S+):(\d+|\*)\s+(\S+) \((.+):(\d+)\)", line):  # one host alone on its socket
            found.append([*match.groups()[:3], match[4], int(match[5]), []])
        elif match := re.match(r"\s+port (?:\d+|\*) namevhost (\S+) \((.+):(\d+)\)", line):
            found.append([*socket, match[1], match[2], int(match[3]), []])
        elif match := re.match(r"\s+(?:wild )?alias (\S+)", line):
            found[-1][5].append(match[1].lower())
    return found


def test_the_agent_reads_the_files_that_the_server_reads(place):
    server = place.server
    if place.case.kind == "nginx":
        theirs = {path: text.rstrip("\n") for path, text in read_by_nginx(server).items()}
        ours = {path: text.rstrip("\n") for path, text in NginxTree(server.config).texts.items()}
        assert ours == theirs
    else:
        tree = place.agent._tree()
        assert isinstance(tree, ApacheTree)
        said = said_by_apache(server, "-t", "-D", "DUMP_INCLUDES")
        theirs = {os.path.realpath(line.split(None, 1)[1]) for line in said.splitlines() if re.match(r"\s+\(", line)}
        assert {str(path) for path in tree.texts} == theirs


def test_the_sites_are_those_of_the_server(place):
    listening = sockets_of(place.server)
    blocks = [block for site in place.sites() for block in site.blocks]
    ours = {(listener.address, listener.port) for block in blocks for listener in block.listeners}
    assert {("0.0.0.0" if address == "*" else address, port) for address, port in ours} <= listening
    if place.case.kind == "nginx":
        assert len(ours) == len(listening)
    else:
        for address, port, name, file, line, aliases in hosts_by_apache(place.server):
            [block] = [
                block for block in blocks if str(block.file) == os.path.realpath(file) and line in lines_of(block)
            ]
            own = [one for one in block.names if one]
            assert (own[:1] or [name]) == [name.lower()]
            assert sorted(own[1:]) == sorted(aliases) or not aliases
            assert port == "*" or int(port) in {listener.port for listener in block.listeners}
            assert address == "*" or address.strip("[]") in {listener.address for listener in block.listeners}


def lines_of(block):
    text = block.file.read_bytes()
    return range(text[: block.start].count(b"\n") + 1, text[: block.end].count(b"\n") + 1)


def sockets_of(server):
    """(address, port) of every TCP socket on which the server listens, by /proc."""
    inodes = set()
    for entry in Path(f"/proc/{server.process.pid}/fd").iterdir():
        try:
            inodes.add(str(entry.readlink()))
        except OSError:
            continue
    found = set()
    for table, family in (("tcp", 4), ("tcp6", 16)):
        for line in Path(f"/proc/{server.process.pid}/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and f"socket:[{fields[9]}]" in inodes:
                address, port = fields[1].split(":")
                found.add((_literal(bytes.fromhex(address), family), int(port, 16)))
    return found


def _literal(raw, family):
    words = [raw[place : place + 4][::-1] for place in range(0, family, 4)]
    return str(ipaddress.ip_address(b"".join(words)))


def test_each_binding_serves_the_certificate_that_the_agent_sees_for_it(place):
    checked = 0
    for site, block, listener, name in place.asked():
        if name is None or site.name in place.case.refused:
            continue
        folder = place.server.folder
        assert place.look(listener, name) == fingerprint(folder / block.certificate_file), (site.name, listener, name)
        checked += 1
    assert checked or not any(name for _, _, _, name in place.asked() if name) or place.case.refused


def test_an_installation_changes_the_planned_bytes_and_nothing_else(place):
    """Each site of the configuration in turn; on the wire nobody else's certificate changes."""
    for name in [site.name for site in place.sites()]:
        [site] = [site for site in place.sites() if site.name == name]
        before, wire = configuration(place.server), place.served()
        planned = place.planned(site)
        job = place.install_job(site)
        told = place.work("plan_installation", **job)
        assert (configuration(place.server), place.served()) == (before, wire)
        plan = told.result.get("plan", {"plan_sha256": "", "parts": {}})
        approval = {"plan_sha256": plan["plan_sha256"], "plan_parts": plan["parts"]}
        outcome = place.work("install_certificate", **job, **approval)
        after = configuration(place.server)
        if name in place.case.refused:
            assert not outcome.succeeded
            assert outcome.reason
            assert told.reason == outcome.reason
            assert (after, place.served()) == (before, wire)
            continue
        assert outcome.succeeded, (name, outcome.reason)
        assert after == before | planned
        diffs = {Path(one["path"]): one for one in plan["files"] if one["what"] == "configuration"}
        assert not any(one["hidden"] or one["cut"] for one in diffs.values())
        assert {path: patched(before[path], one) for path, one in diffs.items()} == planned
        if any(listener.tls for listener in site.listeners):
            assert {path: apart(place.case.kind, text) for path, text in after.items()} == {
                path: apart(place.case.kind, text) for path, text in before.items()
            }
        new = x509.load_pem_x509_certificate(job["certificate_pem"].encode()).fingerprint(hashes.SHA256()).hex()
        now = place.served()
        assert set(now.values()) - set(wire.values()) == {new}
        # A site without a name is called by where it listens: a copy of it that speaks TLS is another one.
        if site.server_name or site.tls_blocks:
            assert {seen for (whose, _, _), seen in now.items() if whose == name} == {new}
        assert {key: seen for key, seen in wire.items() if key[0] != name} == {
            key: seen for key, seen in now.items() if key[0] != name and seen != new
        }


def apart(kind, text):
    """Every directive but those of certificates: what an installation must leave alone."""
    parse, walk = {
        "nginx": (nginx_syntax.parse, nginx_syntax.walk),
        "apache": (apache_syntax.parse, apache_syntax.walk),
    }[kind]
    return [(each.name, each.args) for each in walk(parse(text.decode("latin-1"))) if each.name.lower() not in OF_TLS]


def test_there_are_forty_of_them():
    assert len(ALL) >= 40
    assert len({(case.kind, case.about) for case in ALL}) == len(ALL)
