# SPDX-License-Identifier: Apache-2.0
"""What private web servers have in common: a folder of sites, a process of their own, an entry for the agent."""

from __future__ import annotations

import subprocess
import time
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from certwright.servers.process import stop

START_TIMEOUT_S = 20


@dataclass(frozen=True)
class TLSFiles:
    """A TLS listener that a site begins with: its port and its PEM files."""

    port: int
    fullchain: Path
    key: Path


@dataclass
class WebServer(ABC):
    """A web server that this process owns, with everything below `folder`. Starting needs a free port per site."""

    folder: Path
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    @abstractmethod
    def config(self) -> Path:
        """The main configuration file."""

    @property
    def pid_file(self) -> Path:
        """Where the server writes its process id once it is up."""
        return self.folder / "run" / "server.pid"

    def prepare(self) -> None:
        """Makes the folders and the main configuration; readable for the server's workers, whoever they are."""
        for name in ("sites", "run", "www", "logs"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o755)

    def document_root(self, name: str) -> Path:
        """The web root of a site, made on first use."""
        root = self.folder / "www" / name
        root.mkdir(parents=True, exist_ok=True)
        return root

    @abstractmethod
    def agent_entry(self, tls_port: int = 443) -> dict[str, Any]:
        """The entry for `web_servers` in the agent's `agent.json`."""

    def launch(self, argv: list[str]) -> None:
        """Starts the server in the foreground, anew if it runs. Raises RuntimeError with the end of its log."""
        self.stop()
        log = self.folder / "logs" / "start.log"
        self.pid_file.unlink(missing_ok=True)
        with log.open("ab") as stream:
            self.process = subprocess.Popen(argv, stdout=stream, stderr=stream, start_new_session=True)
        deadline = time.monotonic() + START_TIMEOUT_S
        while not (self.pid_file.exists() and self.pid_file.read_text().strip()):
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{argv[0]} did not start: {log.read_text()[-2000:]}")
            time.sleep(0.02)

    def stop(self) -> None:
        """Ends the server by its process id."""
        if self.process is not None:
            stop(self.process)
            self.process = None
