# SPDX-License-Identifier: Apache-2.0
"""A host that is reached over a real sshd, with a real web server of its user, and the agent's side of it."""

import contextlib
import json
import threading
import time
from functools import cache

from certwright_agent.outcome import Outcomes
from certwright_agent.remote.destination import destination
from certwright_agent.remote.handed import Handed
from certwright_agent.remote.host_key import HostKey
from certwright_agent.remote.keys import Keys
from certwright_agent.remote.lane import Lane
from certwright_agent.remote.register import Register
from certwright_agent.remote.visit import Visitor

from certwright.servers.process import as_user, free_port
from services.installer.adapters.bundle import SourceBundle
from shared.probe.handshake import Served, handshake
from tests.support import agent_driver
from tests.support.apache import Apache
from tests.support.nginx import Nginx, TLSFiles
from tests.support.small_ca import SmallCA
from tests.support.sshd import SSHD, ThrowAwayUser

NAME = "www.example.test"
# Stands where the web server's program stands: says what it is called with, and waits where a test wants it to.
_WRAPPER = """#!/bin/sh
echo "$*" >> {folder}/calls
case "$*" in
  *"$(cat {folder}/hold 2>/dev/null || echo never)"*)
    touch {folder}/held
    while [ -e {folder}/hold ]; do sleep 0.05; done ;;
esac
[ ! -e {folder}/deaf ] || case "$*" in *" -s reload"*|*"-k graceful"*) exit 0 ;; esac
exec {binary} "$@"
"""


@cache
def program():
    return SourceBundle().program


class RemoteHost:
    """`kind` is nginx or apache. `visit` is one round of the agent's lane to it."""

    def __init__(self, kind="nginx", name=NAME, port=None):
        self.kind, self.name = kind, name
        self.user = ThrowAwayUser()
        self.folder = self.user.folder
        self.sshd = SSHD(self.user, self.folder / "sshd")
        self.ca = SmallCA()
        self.port, self.tls_port = port or free_port(), free_port()
        self.server = self._web_server()
        self.home = self.user.home / ".certwright-agent"
        self.state = self.folder / "agent-state"
        self.state.mkdir(mode=0o700)
        self.keys, self.register = Keys(self.state), Register(self.state)
        self.said, self.steps = [], []
        self.news = threading.Event()

    def _web_server(self):
        user = self.user.name

        class OfUser({"nginx": Nginx, "apache": Apache}[self.kind]):
            def launch(self, argv):
                super().launch(as_user(user, argv, folder=self.folder))

        server = OfUser(self.folder / self.kind)
        server.prepare()
        fullchain, key, self.old_serial = self.ca.key_pair(self.folder, [self.name])
        self.site = server.add_site(self.name, port=self.port, tls=TLSFiles(self.tls_port, fullchain, key))
        self.before = self.site.read_text()  # until the agent installs something
        self.user.own(server.folder)
        for path in (fullchain, key):
            self.user.own(path)
        return server

    def start(self):
        self.open()
        self.keys.make()
        self.trust()
        self.add()
        return self

    def open(self):
        """Web server and sshd, before any agent knows of them."""
        self.server.start()
        self.settings()
        self.sshd.start()

    def settings(self, **changes):
        """The host's own settings, as its administrator writes them."""
        wrapper = self.folder / "server"
        wrapper.write_text(_WRAPPER.format(folder=self.server.folder, binary=self.server.binary))
        wrapper.chmod(0o755)
        self.home.mkdir(mode=0o700, exist_ok=True)
        settings = {
            "web_servers": [{**self.server.agent_entry(self.tls_port), "binary": str(wrapper)}],
            "roots": [str(self.server.folder)],
            "save_directory": str(self.user.home / "saved"),
            "verify_seconds": 4,
            **changes,
        }
        (self.home / "agent.json").write_text(json.dumps(settings))
        self.user.own(self.home)

    def trust(self, public=None):
        """The agent's key is where `keys copy` puts it."""
        folder = self.user.home / ".ssh"
        folder.mkdir(mode=0o700, exist_ok=True)
        (folder / "authorized_keys").write_text(f"{public or self.keys.public()}\n")
        self.user.own(folder)

    def add(self):
        to = destination("127.0.0.1", self.user.name, self.sshd.port)
        key = HostKey.read(" ".join((self.sshd.folder / "first.pub").read_text().split()[:2]))
        self.entry = self.register.add(to, "remote", key)
        self.lane = self.new_lane()

    def new_lane(self, visitor=None):
        """The agent as it is after a start: all that it knows is on disk."""
        self.outcomes, self.handed = Outcomes(self.state / "outcomes"), Handed(self.state)
        return Lane(
            self.entry,
            visitor or Visitor(self.keys, self.register.known_hosts, program()),
            self.handed,
            self.outcomes,
            tell=lambda job_id, step: self.steps.append((job_id, step)),
            news=self.news,
            say=self.said.append,
        )

    # --- work

    def give(self, kind, **arguments):
        """A job in the lane's hand; returns it."""
        job = agent_driver.job(kind, **arguments)
        self.handed.take(self.entry.ref, job)
        return job

    def outcome(self, job):
        """Its outcome, or None; taken as the gateway takes it."""
        found = self.outcomes.waiting().get(job["job_id"])
        if found is not None:
            self.outcomes.delivered(job["job_id"])
        return found

    def work(self, kind, **arguments):
        """Does one job to its end."""
        job = self.give(kind, **arguments)
        self.lane.round()
        return self.outcome(job)

    def install_job(self, **changes):
        made = self.work("make_csr", names=[NAME], common_name=NAME).result
        pem, serial = self.ca.sign_csr(made["csr_pem"])
        arguments = {
            "web_server": self.kind,
            "site_name": NAME,
            "certificate_pem": pem,
            "chain_pem": self.ca.chain_pem,
            "serial": serial,
            "spki_sha256": made["spki_sha256"],
            "names": [NAME],
        }
        return self.give("install_certificate", **{**arguments, **changes})

    def served_serial(self):
        seen = handshake("127.0.0.1", self.tls_port, self.name)
        return seen.leaf.serial if isinstance(seen, Served) else None

    def files(self):
        """Every file of the server's configuration, byte for byte."""
        paths = [self.server.config, *sorted((self.server.folder / "sites").iterdir())]
        return {path: (path.read_bytes(), path.stat().st_mode) for path in paths}

    def journal(self):
        return list((self.home / "state" / "journal").glob("*.json"))

    @property
    def report(self):
        return self.lane.report()

    # --- time

    @contextlib.contextmanager
    def held_at(self, words):
        """While the block runs, the web server's program waits when it is called with these words."""
        (self.server.folder / "held").unlink(missing_ok=True)
        hold = self.server.folder / "hold"
        hold.write_text(words)
        try:
            yield
        finally:
            hold.unlink(missing_ok=True)

    def wait_held(self):
        self.wait_for((self.server.folder / "held").exists)

    def wait_for(self, look, seconds=60):
        deadline = time.monotonic() + seconds
        while not look():
            assert time.monotonic() < deadline
            time.sleep(0.05)

    def close(self):
        self.server.stop()
        self.sshd.stop()
        self.user.remove()
