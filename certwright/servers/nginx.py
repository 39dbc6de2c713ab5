# SPDX-License-Identifier: Apache-2.0
"""A private nginx: own configuration, own ports on 127.0.0.1.

server = Nginx(folder)
server.prepare()
server.add_site("www.example.test", port=free_port())
server.start()
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from certwright.servers.process import find_program
from certwright.servers.webserver import TLSFiles, WebServer

_MAIN = """{user}pid {pid};
error_log {folder}/logs/error.log notice;
worker_processes 1;
events {{ worker_connections 64; }}
http {{
    access_log off;
    client_body_temp_path {folder}/run/body;
    proxy_temp_path {folder}/run/proxy;
    fastcgi_temp_path {folder}/run/fastcgi;
    uwsgi_temp_path {folder}/run/uwsgi;
    scgi_temp_path {folder}/run/scgi;
    include sites/*.conf;
}}
"""


class Nginx(WebServer):
    """nginx from the system's package."""

    @property
    def binary(self) -> str:
        """The program. Raises LookupError when nginx is not installed."""
        found = find_program("nginx")
        if found is None:
            raise LookupError("nginx is not installed: run tests/setup-servers")
        return str(found)

    @property
    def config(self) -> Path:
        """The main configuration file."""
        return self.folder / "nginx.conf"

    def prepare(self) -> None:
        """Makes the folders and the main configuration."""
        super().prepare()
        user = "user root;\n" if os.geteuid() == 0 else ""
        self.config.write_text(_MAIN.format(user=user, folder=self.folder, pid=self.pid_file))

    def add_site(self, name: str, *, port: int, aliases: Sequence[str] = (), tls: TLSFiles | None = None) -> Path:
        """Adds a site on 127.0.0.1; returns its configuration file."""
        lines = [
            "server {",
            f"    listen 127.0.0.1:{port};",
            f"    server_name {' '.join([name, *aliases])};",
            f"    root {self.document_root(name)};",
        ]
        if tls is not None:
            lines[2:2] = [
                f"    listen 127.0.0.1:{tls.port} ssl;",
                f"    ssl_certificate {tls.fullchain};",
                f"    ssl_certificate_key {tls.key};",
            ]
        path = self.folder / "sites" / f"{name}.conf"
        path.write_text("\n".join([*lines, "}", ""]))
        return path

    def start(self) -> None:
        """Starts it and waits until it is up. Raises RuntimeError."""
        self.launch([self.binary, "-p", f"{self.folder}/", "-c", str(self.config), "-g", "daemon off;"])

    def agent_entry(self, tls_port: int = 443) -> dict[str, Any]:
        """The entry for `web_servers` in the agent's `agent.json`."""
        entry = {"kind": "nginx", "binary": self.binary, "config": str(self.config), "root": str(self.folder)}
        return {**entry, "tls_port": tls_port}
