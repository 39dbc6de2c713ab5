# SPDX-License-Identifier: Apache-2.0
"""A private HAProxy with a master process: own configuration, own ports on 127.0.0.1."""

from certwright.servers.process import find_program
from certwright.servers.webserver import WebServer

_MAIN = """global
    maxconn 100
    crt-base {folder}/certs
defaults
    mode http
    timeout client 5s
    timeout server 5s
    timeout connect 5s
frontend web
    http-request return status 200 content-type text/plain string "served # here"
"""


class HAProxy(WebServer):
    @property
    def binary(self):
        found = find_program("haproxy")
        if found is None:
            raise LookupError("HAProxy is not installed: run tests/setup-servers")
        return str(found)

    @property
    def config(self):
        return self.folder / "haproxy.cfg"

    @property
    def certificates(self):
        return self.folder / "certs"

    def prepare(self, *binds):
        super().prepare()
        self.certificates.mkdir(exist_ok=True)
        self.config.write_text(_MAIN.format(folder=self.folder) + "".join(f"    bind {bind}\n" for bind in binds))

    def start(self):
        self.launch([self.binary, "-W", "-f", str(self.config), "-p", str(self.pid_file)])

    def agent_entry(self, tls_port=443):
        return {
            "kind": "haproxy",
            "binary": self.binary,
            "config": str(self.config),
            "pid_file": str(self.pid_file),
        }
