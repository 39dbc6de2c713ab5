# SPDX-License-Identifier: Apache-2.0
"""Benches of servers whose files get new content in place: one real server with two TLS sites, and the agent beside."""

import json
import subprocess
import tempfile
from pathlib import Path

from certwright_agent.config import load
from certwright_agent.jobs import Worker

from certwright.servers.process import free_port
from shared.probe.handshake import Served, handshake
from tests.support import agent_driver
from tests.support.haproxy import HAProxy
from tests.support.nginx import Nginx, TLSFiles
from tests.support.small_ca import SmallCA
from tests.support.tomcat import Tomcat

NAME, OTHER = "www.example.test", "shop.example.test"


class Bench:
    """`server` runs, with certificates of the CA for NAME and OTHER; `watched` are the files that hold them."""

    kind = ""

    def __init__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="certwright-agent-"))
        self.folder.chmod(0o755)
        self.ca = SmallCA()
        self.home = self.folder / "agent"
        self.home.mkdir()
        self.port, self.tls_port = free_port(), free_port()
        self.build()
        self.settings = self.write_settings()

    def entries(self):
        return [self.server.agent_entry()]

    def write_settings(self, entries=None, **more):
        roots = more.pop("roots", [self.folder / self.kind])
        return agent_driver.write_settings(
            self.home, entries or self.entries(), roots, **{"verify_seconds": 10, **more}
        )

    def site_name(self, name):
        return name

    def old_files(self, name):
        folder = self.folder / f"old-{name}"
        folder.mkdir()
        return self.ca.key_pair(folder, [name])

    def worker(self):
        return Worker(load(self.settings))

    def work(self, job, worker=None):
        return (worker or self.worker()).work(job, lambda step: None)[1]

    def csr(self, *names):
        outcome = self.work(agent_driver.job("make_csr", names=list(names), common_name=names[0]))
        assert outcome.succeeded, outcome.reason
        return outcome.result

    def install_job(self, name=NAME, **changes):
        made = self.csr(name)
        pem, serial = self.ca.sign_csr(made["csr_pem"])
        arguments = {
            "web_server": self.kind,
            "site_name": self.site_name(name),
            "certificate_pem": pem,
            "chain_pem": self.ca.chain_pem,
            "serial": serial,
            "spki_sha256": made["spki_sha256"],
            "names": [name],
        }
        return agent_driver.job("install_certificate", **{**arguments, **changes})

    def sites(self):
        return {site.name: site for server in self.worker().servers for site in server.sites()}

    def server_of(self, worker, name=NAME):
        """The agent's part that has this site."""
        wanted = self.site_name(name)
        return next(server for server in worker.servers if any(site.name == wanted for site in server.sites()))

    def served_serial(self, name=NAME):
        seen = handshake("127.0.0.1", self.tls_port, name)
        return seen.leaf.serial if isinstance(seen, Served) else None

    def state_of_files(self):
        """Content, mode and owner of everything that the server reads, and that nothing was left beside."""
        found = {}
        for path in sorted(self.folder.joinpath(self.kind).rglob("*")):
            if path.is_file() and not {"logs", "run", "work", "temp"} & set(path.relative_to(self.folder).parts):
                seen = path.stat()
                found[path] = (path.read_bytes(), seen.st_mode, seen.st_uid, seen.st_gid)
        return found

    def journal(self):
        return [json.loads(path.read_text()) for path in (self.home / "state" / "journal").glob("*.json")]

    def close(self):
        """Ends the server and takes everything away."""
        self.server.stop()
        subprocess.run(["rm", "-rf", str(self.folder)], check=True)


class HAProxyBench(Bench):
    """NAME and OTHER on one bind as combined files; NAME by a crt-list on another too, with ALPN."""

    kind = "haproxy"

    def build(self):
        self.server = HAProxy(self.folder / "haproxy")
        self.second_port = free_port()
        certificates = self.server.certificates
        self.server.prepare(
            f"127.0.0.1:{self.port}",
            f"127.0.0.1:{self.tls_port} ssl crt shop.pem crt {certificates}/www.pem alpn h2,http/1.1",
            f"127.0.0.1:{self.second_port} ssl crt-list {self.folder}/haproxy/list.txt",
        )
        for name, file in ((NAME, "www.pem"), (OTHER, "shop.pem")):
            fullchain, key, _ = self.old_files(name)
            (certificates / file).write_bytes(fullchain.read_bytes() + key.read_bytes())
            (certificates / file).chmod(0o640)
        (self.folder / "haproxy" / "list.txt").write_text(
            f"# one\n{certificates}/shop.pem\nwww.pem [alpn h2] {NAME} !x.{NAME}\n"
        )
        self.server.start()


class FilesBench(Bench):
    """An nginx that the agent knows only by two entries of kind files: one of two files, one combined."""

    kind = "files"

    def build(self):
        self.server = Nginx(self.folder / "files")
        self.server.prepare()
        self.paths = {}
        for name, port in ((NAME, self.port), (OTHER, free_port())):
            fullchain, key, _ = self.old_files(name)
            folder = self.server.folder / "tls"
            folder.mkdir(exist_ok=True)
            chain_file, key_file = folder / f"{name}.pem", folder / f"{name}.key"
            chain_file.write_bytes(fullchain.read_bytes())
            if name == OTHER:
                key_file = chain_file
                chain_file.write_bytes(fullchain.read_bytes() + key.read_bytes())
                self.paths[name] = {"combined": str(chain_file)}
            else:
                key_file.write_bytes(key.read_bytes())
                self.paths[name] = {"fullchain": str(chain_file), "key": str(key_file)}
            key_file.chmod(0o600)
            self.server.add_site(name, port=port, tls=TLSFiles(self.tls_port, chain_file, key_file))
        self.server.start()

    def site_name(self, name):
        return {NAME: "Web pages", OTHER: "shop"}[name]

    def entries(self):
        program = [self.server.binary, "-p", f"{self.server.folder}/", "-c", str(self.server.config)]
        return [
            {
                "kind": "files",
                "name": self.site_name(name),
                **self.paths[name],
                "test": [*program, "-q", "-t"],
                "reload": [*program, "-s", "reload"],
                "probes": [{"address": "127.0.0.1", "port": self.tls_port, "sni": name}],
                "document_root": str(self.server.document_root(name)),
            }
            for name in (NAME, OTHER)
        ]


class TomcatBench(Bench):
    """NAME as PEM files with a chain of its own, OTHER as a keystore with an alias, any other name as one PEM file."""

    kind = "tomcat"
    password = "a password: 'of' \"the\" keystore"

    def build(self):
        self.server = Tomcat(self.folder / "tomcat")
        quoted = self.password.replace('"', "&quot;")
        self.server.prepare(
            port=self.port,
            tls_port=self.tls_port,
            default="_default_",
            hosts=[
                f'<SSLHostConfig hostName="{NAME}">',
                '<Certificate certificateFile="conf/www.pem" certificateKeyFile="${catalina.base}/conf/www.key"',
                'certificateChainFile="conf/www.chain"/></SSLHostConfig>',
                f'<SSLHostConfig hostName="{OTHER}"><Certificate certificateKeystoreFile="conf/shop.p12"',
                f'certificateKeystorePassword="{quoted}" certificateKeyAlias="shop"/></SSLHostConfig>',
                '<SSLHostConfig><Certificate certificateFile="conf/rest.pem"/></SSLHostConfig>',
            ],
        )
        conf = self.server.certificates
        fullchain, key, _ = self.old_files(NAME)
        pem = fullchain.read_text().split("-----BEGIN")
        (conf / "www.pem").write_text("-----BEGIN" + pem[1])
        (conf / "www.chain").write_text("-----BEGIN" + pem[2])
        (conf / "www.key").write_bytes(key.read_bytes())
        (conf / "www.key").chmod(0o600)
        fullchain, key, _ = self.old_files("rest.example.test")
        (conf / "rest.pem").write_bytes(fullchain.read_bytes() + key.read_bytes())
        fullchain, key, _ = self.old_files(OTHER)
        subprocess.run(
            [
                *("openssl", "pkcs12", "-export", "-inkey", key, "-in", fullchain, "-name", "shop"),
                *("-passout", "stdin", "-out", conf / "shop.p12"),
            ],
            input=self.password.encode() + b"\n",
            check=True,
        )
        self.server.start()


BENCHES = {"haproxy": HAProxyBench, "files": FilesBench, "tomcat": TomcatBench}
