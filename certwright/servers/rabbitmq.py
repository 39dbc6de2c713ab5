# SPDX-License-Identifier: Apache-2.0
"""A private RabbitMQ: own data folder, own port on 127.0.0.1, no management plugin, no part in any cluster.

    with running(folder) as broker:
        settings = Settings(amqp_uri=broker.uri)

Erlang's name service (epmd) is started privately too: the one that RabbitMQ would leave running listens everywhere.
The server runs as whoever runs this process, unlike PostgreSQL, which refuses root.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from certwright.servers.process import find_program, free_port, stop

FOLDERS = ("/usr/lib/rabbitmq/bin", "/opt/homebrew/sbin", "/usr/local/sbin")
START_TIMEOUT_S = 120
AMQP_GREETING = b"AMQP\x00\x00\x09\x01"


def find_server() -> Path | None:
    """RabbitMQ's start script. Not Debian's wrapper in /usr/sbin, which serves root and rabbitmq only."""
    return next(
        (Path(folder, "rabbitmq-server") for folder in FOLDERS if Path(folder, "rabbitmq-server").exists()), None
    )


@dataclass
class Server:
    """A broker that this process owns. `definitions` (users, rights, exchanges) are loaded at its first start."""

    program: Path
    folder: Path
    port: int = 0
    user: str = "certwright"
    password: str = field(default_factory=lambda: secrets.token_urlsafe(18), repr=False)
    definitions: dict[str, Any] | None = field(default=None, repr=False)
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)
    _epmd: subprocess.Popen[bytes] | None = field(default=None, repr=False)
    _epmd_port: int = 0

    @property
    def uri(self) -> str:
        """Where clients connect, as the broker's own user."""
        return self.uri_for(self.user, self.password)

    def uri_for(self, user: str, password: str) -> str:
        """Where clients connect as another user."""
        return f"amqp://{user}:{password}@127.0.0.1:{self.port}//"

    def initialise(self) -> None:
        """Picks free ports and writes the configuration; data of an earlier run stays."""
        self.port = self.port or free_port()
        self.folder.mkdir(parents=True, exist_ok=True)
        lines = [
            f"listeners.tcp.1 = 127.0.0.1:{self.port}",
            f"default_user = {self.user}",
            f"default_pass = {self.password}",
            "log.file = false",
            "log.console = true",
            "log.console.level = warning",
            # A machine with little free disk is no reason to stop a private broker; its data is a doorbell's.
            "disk_free_limit.absolute = 10MB",
        ]
        if self.definitions is not None:
            self._write("definitions.json", json.dumps(self.definitions))
            lines.append(f"load_definitions = {self.folder / 'definitions.json'}")
        self._write("rabbitmq.conf", "\n".join(lines) + "\n")
        self._write("enabled_plugins", "[].\n")

    def start(self) -> None:
        """Starts the broker and waits until it speaks AMQP. Raises RuntimeError with the end of its log otherwise."""
        epmd = find_program("epmd")
        if epmd is None:
            raise LookupError("Erlang is not installed: run tests/setup-servers")
        self._epmd_port = free_port()
        with (self.folder / "log").open("ab") as log:
            self._epmd = subprocess.Popen(
                [str(epmd), "-port", str(self._epmd_port), "-address", "127.0.0.1"],
                stdout=log, stderr=log, cwd=self.folder, env=self._environment(), start_new_session=True,
            )  # fmt: skip
            self.process = subprocess.Popen(
                [str(self.program)],
                stdout=log, stderr=log, cwd=self.folder, env=self._environment(), start_new_session=True,
            )  # fmt: skip
        deadline = time.monotonic() + START_TIMEOUT_S
        while not self._speaks():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError((self.folder / "log").read_text()[-2000:])
            time.sleep(0.1)

    def stop(self, sig: int = signal.SIGTERM) -> None:
        """Stops the broker in order, or at once with SIGKILL."""
        if self.process is not None:
            stop(self.process, sig=sig)
            self.process = None
        if self._epmd is not None:
            stop(self._epmd, sig=signal.SIGKILL)
            self._epmd = None

    def wipe(self) -> None:
        """Forgets everything that a stopped broker kept: messages, queues, users."""
        if self.process is not None:
            raise RuntimeError("the broker is running")
        shutil.rmtree(self.folder / "data", ignore_errors=True)

    def _speaks(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=5) as connection:
                connection.sendall(AMQP_GREETING)
                return connection.recv(1) == b"\x01"  # a method frame: Connection.Start
        except OSError:
            return False

    def _environment(self) -> dict[str, str]:
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "LC_ALL": "C.UTF-8",
            "HOME": str(self.folder),  # the Erlang cookie lies here
            "RUNNING_UNDER_SYSTEMD": "true",  # the script becomes the server: one process, its id is known
            "ERL_EPMD_PORT": str(self._epmd_port),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODENAME": "certwright@localhost",  # the same at every port, so that data is found again
            "RABBITMQ_DIST_PORT": str(free_port()),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
            "RABBITMQ_CONF_ENV_FILE": str(self.folder / "none"),
            "RABBITMQ_CONFIG_FILE": str(self.folder / "rabbitmq.conf"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.folder / "enabled_plugins"),
            "RABBITMQ_MNESIA_BASE": str(self.folder / "data"),
            "RABBITMQ_LOG_BASE": str(self.folder),
            "RABBITMQ_PID_FILE": str(self.folder / "pid"),
        }

    def _write(self, name: str, text: str) -> None:
        path = self.folder / name
        path.touch(mode=0o600)
        path.write_text(text)


@contextmanager
def running(folder: Path | None = None) -> Iterator[Server]:
    """A broker for the length of the block. Raises LookupError when RabbitMQ is not installed."""
    program = find_server()
    if program is None:
        raise LookupError("RabbitMQ is not installed: run tests/setup-servers")
    home = Path(tempfile.mkdtemp(prefix="rabbitmq-", dir=folder))
    server = Server(program, home)
    try:
        server.initialise()
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(home, ignore_errors=True)
