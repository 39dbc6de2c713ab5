# SPDX-License-Identifier: Apache-2.0
"""One agent beside one real web server, each test with fresh ones."""

import json
import shutil
import tempfile
from pathlib import Path

import pytest
from certwright_agent.config import load
from certwright_agent.jobs import Worker

from certwright.servers.process import free_port
from shared.probe.handshake import Served, handshake
from tests.support import agent_driver
from tests.support.apache import Apache
from tests.support.nginx import Nginx, TLSFiles
from tests.support.small_ca import SmallCA

NAME = "www.example.test"


class Bench:
    """A web server with one site, the agent's settings, and a CA."""

    def __init__(self, folder, kind):
        self.folder = folder
        self.ca = SmallCA()
        self.server = {"nginx": Nginx, "apache": Apache}[kind](folder / kind)
        self.server.prepare()
        self.kind = kind
        self.port, self.tls_port = free_port(), free_port()
        self.home = folder / "agent"
        self.home.mkdir()
        self.old_serial = None

    def start(self, *, tls=False, aliases=()):
        files = None
        if tls:
            fullchain, key, self.old_serial = self.ca.key_pair(self.folder, [NAME, *aliases])
            files = TLSFiles(self.tls_port, fullchain, key)
        self.site = self.server.add_site(NAME, port=self.port, aliases=aliases, tls=files)
        entry = self.server.agent_entry(self.tls_port)
        self.settings = agent_driver.write_settings(self.home, [entry], [self.server.folder])
        self.server.start()
        return self

    def worker(self):
        return Worker(load(self.settings))

    def work(self, job):
        return self.worker().work(job, lambda step: None)[1]

    def csr(self, names=(NAME,), **more):
        outcome = self.work(agent_driver.job("make_csr", names=list(names), common_name=names[0], **more))
        assert outcome.succeeded, outcome.reason
        return outcome.result

    def install_job(self, names=(NAME,), **changes):
        made = self.csr(names)
        pem, serial = self.ca.sign_csr(made["csr_pem"])
        arguments = {
            "web_server": self.kind,
            "site_name": NAME,
            "certificate_pem": pem,
            "chain_pem": self.ca.chain_pem,
            "serial": serial,
            "spki_sha256": made["spki_sha256"],
            "names": list(names),
        }
        return agent_driver.job("install_certificate", **{**arguments, **changes})

    def served_serial(self):
        seen = handshake("127.0.0.1", self.tls_port, NAME)
        return seen.leaf.serial if isinstance(seen, Served) else None

    def files(self):
        """Every file of the server's configuration, byte for byte."""
        paths = [self.server.config, *sorted((self.server.folder / "sites").iterdir())]
        return {path: (path.read_bytes(), path.stat().st_mode) for path in paths}

    def journal(self):
        return [json.loads(path.read_text()) for path in (self.home / "state" / "journal").glob("*.json")]


@pytest.fixture(params=["nginx", "apache"])
def bench(request):
    folder = Path(tempfile.mkdtemp(prefix="certwright-agent-"))
    folder.chmod(0o755)
    made = Bench(folder, request.param)
    yield made
    made.server.stop()
    shutil.rmtree(folder)
