# SPDX-License-Identifier: Apache-2.0
"""A private Apache: own configuration, own ports on 127.0.0.1.

server = Apache(folder)
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

_MODULES = ("mpm_event", "authz_core", "mime", "dir", "socache_shmcb", "ssl")
_MAIN = """ServerRoot {folder}
PidFile {pid}
DefaultRuntimeDir {folder}/run
Mutex file:{folder}/run default
ErrorLog {folder}/logs/error.log
ServerName localhost
{user}TypesConfig /dev/null
StartServers 1
MinSpareThreads 4
MaxSpareThreads 16
ThreadsPerChild 8
MaxRequestWorkers 16
<Directory {folder}/www>
    Require all granted
</Directory>
IncludeOptional sites/*.conf
"""
_MODULE_FOLDERS = (Path("/usr/lib/apache2/modules"), Path("/usr/lib64/httpd/modules"), Path("/etc/httpd/modules"))


class Apache(WebServer):
    """Apache from the system's package."""

    @property
    def binary(self) -> str:
        """The program. Raises LookupError when Apache is not installed."""
        found = find_program("apache2") or find_program("httpd")
        if found is None:
            raise LookupError("Apache is not installed: run tests/setup-servers")
        return str(found)

    @property
    def config(self) -> Path:
        """The main configuration file."""
        return self.folder / "apache.conf"

    def prepare(self) -> None:
        """Makes the folders and the main configuration. Raises LookupError without Apache's modules."""
        super().prepare()
        modules = next((folder for folder in _MODULE_FOLDERS if (folder / "mod_ssl.so").exists()), None)
        if modules is None:
            raise LookupError("Apache's mod_ssl is not installed: run tests/setup-servers")
        loads = "".join(f"LoadModule {name}_module {modules}/mod_{name}.so\n" for name in _MODULES)
        user = "User www-data\nGroup www-data\n" if os.geteuid() == 0 else ""
        self.config.write_text(loads + _MAIN.format(user=user, folder=self.folder, pid=self.pid_file))

    def add_site(self, name: str, *, port: int, aliases: Sequence[str] = (), tls: TLSFiles | None = None) -> Path:
        """Adds a site on 127.0.0.1; returns its configuration file."""
        names = [f"    ServerName {name}", *(f"    ServerAlias {alias}" for alias in aliases)]
        names.append(f"    DocumentRoot {self.document_root(name)}")
        lines = [f"Listen 127.0.0.1:{port}", f"<VirtualHost 127.0.0.1:{port}>", *names, "</VirtualHost>"]
        if tls is not None:
            lines += [f"Listen 127.0.0.1:{tls.port}", f"<VirtualHost 127.0.0.1:{tls.port}>", *names]
            lines += ["    SSLEngine on", f"    SSLCertificateFile {tls.fullchain}"]
            lines += [f"    SSLCertificateKeyFile {tls.key}", "</VirtualHost>"]
        path = self.folder / "sites" / f"{name}.conf"
        path.write_text("\n".join([*lines, ""]))
        return path

    def start(self) -> None:
        """Starts it and waits until it is up. Raises RuntimeError."""
        self.launch([self.binary, "-f", str(self.config), "-D", "FOREGROUND"])

    def agent_entry(self, tls_port: int = 443) -> dict[str, Any]:
        """The entry for `web_servers` in the agent's `agent.json`."""
        entry = {"kind": "apache", "binary": self.binary, "config": str(self.config), "root": str(self.folder)}
        return {**entry, "tls_port": tls_port}
