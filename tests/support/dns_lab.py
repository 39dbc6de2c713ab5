# SPDX-License-Identifier: Apache-2.0
"""Real name servers on loopback: BIND with a root of its own, zones signed well and badly, and validating resolvers
(unbound) that trust that root. The zones are those of a test; nothing outside is ever asked."""

import contextlib
import shutil
import subprocess
import time

import dns.exception
import dns.message
import dns.query
import dns.rcode

from certwright.servers.process import find_program, free_port, stop

EXPIRED = ("-P", "-s", "20200101000000", "-e", "20200201000000")
READY_S = 30


def _private_copy(name, folder):
    """AppArmor profiles of distributions are tied to a program's path, and keep it from tests' folders."""
    found = find_program(name)
    assert found is not None, f"{name} is not installed: tests/setup-servers --tests"
    copied = folder / name
    shutil.copy(found, copied)
    return copied


def _run(*argv, cwd):
    done = subprocess.run(argv, cwd=cwd, text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def zone_text(origin, records):
    """A zone file; `records` are lines such as `www A 127.0.0.1`."""
    apex = origin.rstrip(".")
    head = [
        f"$ORIGIN {apex}.", "$TTL 1",
        "@ IN SOA ns.lab.invalid. admin.lab.invalid. 1 3600 600 86400 1", "@ IN NS ns.lab.invalid.",
    ]  # fmt: skip
    return "\n".join([*head, *records]) + "\n"


class Bind:
    """An authoritative server with a root zone and whatever zones it is given before `start`."""

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self.zones = {}
        self.delegations = {}
        self._root = ["ns.lab.invalid. A 127.0.0.1"]
        self._process = None
        self.anchor = ""

    def add(self, origin, records, *, signed=True, options=(), spoil=None, wrong_ds=False):
        """Adds a zone below the root. `options` go to dnssec-signzone; `spoil` (old, new) changes the signed text;
        `wrong_ds` has the parent name another key."""
        origin = origin.rstrip(".")
        file = self.folder / f"{origin}.zone"
        file.write_text(zone_text(origin, records))
        parent = origin.partition(".")[2]
        lines = [f"{origin}. NS ns.lab.invalid."]
        if signed:
            ds = self._sign(origin, file, options)
            file = file.with_suffix(".zone.signed")
            if spoil:
                text = file.read_text()
                assert spoil[0] in text
                file.write_text(text.replace(*spoil))
            if wrong_ds:
                ds = [line[:-4] + ("AAAA" if not line.endswith("AAAA") else "BBBB") for line in ds]
            lines += ds
        self.zones[origin] = file
        self._children(parent).extend(lines)

    def _children(self, parent):
        return self._root if not parent else self.delegations.setdefault(parent, [])

    def _sign(self, origin, file, options):
        name = origin or "."
        for flags in ([], ["-f", "KSK"]):
            _run("dnssec-keygen", "-q", "-a", "ECDSAP256SHA256", *flags, name, cwd=self.folder)
        _run("dnssec-signzone", "-q", "-S", "-o", name, *options, file.name, cwd=self.folder)
        return [line for line in (self.folder / f"dsset-{name.rstrip('.')}.").read_text().splitlines() if line]

    def start(self, top=()):
        """Signs `top` (a name such as `com`) and the root over what was added, and serves all."""
        for name in top:
            self.add(name, self.delegations.pop(name, []))
        root = self.folder / "root.zone"
        root.write_text(zone_text("", self._root))
        self.anchor = self._sign("", root, ())[0]
        self.zones["."] = self.folder / "root.zone.signed"
        config = self.folder / "named.conf"
        zones = "\n".join(f'zone "{name}" {{ type primary; file "{file}"; }};' for name, file in self.zones.items())
        config.write_text(
            f'options {{ directory "{self.folder}"; pid-file none; session-keyfile none; recursion no;'
            f" listen-on port {self.port} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }}; notify no;"
            f" allow-transfer {{ none; }}; dnssec-validation no; minimal-responses yes;"
            f" check-names primary ignore; }};\n"
            f"controls {{ }};\n{zones}\n"
        )
        program = _private_copy("named", self.folder)
        with (self.folder / "named.log").open("wb") as log:
            self._process = subprocess.Popen([program, "-g", "-n", "1", "-c", config], stdout=log, stderr=log)
        _await(self.port, self._process, self.folder / "named.log")
        return self

    def stop(self):
        if self._process is not None:
            stop(self._process)


class Unbound:
    """A validating resolver that takes everything from `bind`; `stubs` (name: port) are asked elsewhere."""

    def __init__(self, folder, bind, *, stubs=None):
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        anchor = folder / "anchor"
        anchor.write_text(bind.anchor + "\n")
        lines = [
            "server:", f"  interface: 127.0.0.1@{self.port}", "  do-ip6: no", '  chroot: ""', '  username: ""',
            f'  directory: "{folder}"', f'  pidfile: "{folder}/pid"', "  use-syslog: no", "  do-daemonize: no",
            "  do-not-query-localhost: no", "  num-threads: 1", "  ede: yes", "  qname-minimisation: no",
            "  aggressive-nsec: no", "  cache-max-ttl: 0", "  cache-max-negative-ttl: 0", "  val-bogus-ttl: 0",
            "  infra-host-ttl: 1", "  outbound-msg-retry: 2", '  module-config: "validator iterator"',
            f'  trust-anchor-file: "{anchor}"', "  val-log-level: 2", "  access-control: 127.0.0.0/8 allow",
            "remote-control:", "  control-enable: no",
        ]  # fmt: skip
        for name, port in {**dict.fromkeys(bind.zones, bind.port), **(stubs or {})}.items():
            lines += ["stub-zone:", f'  name: "{name}"', f"  stub-addr: 127.0.0.1@{port}", "  stub-no-cache: yes"]
        (folder / "unbound.conf").write_text("\n".join(lines) + "\n")
        self._process = None

    @property
    def nameserver(self):
        return f"127.0.0.1:{self.port}"

    def start(self):
        program = _private_copy("unbound", self.folder)
        with (self.folder / "unbound.log").open("wb") as log:
            argv = [program, "-d", "-c", self.folder / "unbound.conf"]
            self._process = subprocess.Popen(argv, stdout=log, stderr=log)
        _await(self.port, self._process, self.folder / "unbound.log")
        return self

    def stop(self):
        if self._process is not None:
            stop(self._process)


def _await(port, process, log):
    ends = time.monotonic() + READY_S
    while time.monotonic() < ends:
        assert process.poll() is None, log.read_text()[-2000:]
        with contextlib.suppress(OSError, dns.exception.DNSException):
            answer = dns.query.udp(dns.message.make_query(".", "SOA"), "127.0.0.1", port=port, timeout=0.5)
            if answer.rcode() == dns.rcode.NOERROR:
                return
    raise AssertionError(log.read_text()[-2000:])
