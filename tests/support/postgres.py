# SPDX-License-Identifier: Apache-2.0
"""A private PostgreSQL server for tests: own data folder, own port on 127.0.0.1, gone afterwards.

    with running(folder) as server:
        url = server.create_database("orders_test")

The server runs as the user `postgres` when the tests run as root, since it refuses root. Durability settings are
PostgreSQL's own defaults unless `fast` is asked for.
"""

from __future__ import annotations

import os
import pwd
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

import psycopg
from psycopg import sql

ROOT_FOLDER = Path("/usr/lib/postgresql")
START_TIMEOUT_S = 60


def bin_folder() -> Path | None:
    """Where the newest installed PostgreSQL (15 or later) has its programs; None when there is none."""
    found = [folder for folder in ROOT_FOLDER.glob("*/bin") if (folder / "initdb").exists()]
    newest = max(found, key=lambda folder: float(folder.parent.name), default=None)
    return newest if newest is not None and float(newest.parent.name) >= 15 else None


@dataclass
class Server:
    """A server that this process owns."""

    bin: Path
    folder: Path
    port: int = 0
    fast: bool = False
    user: str = "owner"
    _process: subprocess.Popen | None = field(default=None, repr=False)

    def url(self, database: str) -> str:
        """The URL of a database for SQLAlchemy and libpq alike."""
        return f"postgresql://{self.user}@127.0.0.1:{self.port}/{database}"

    def initialise(self) -> None:
        """Makes the data folder and picks a free port."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self._give(self.folder)
        _open_path_to(self.folder)
        self._run(
            [
                str(self.bin / "initdb"), "--pgdata", str(self._pgdata), "--username", self.user, "--auth", "trust",
                "--encoding", "UTF8", "--locale", "C.UTF-8", "--no-instructions",
            ]
        )  # fmt: skip
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]

    def start(self) -> None:
        """Starts the server and waits until it answers."""
        options = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": "",
            "max_connections": "200",
            "shared_buffers": "64MB",
            "log_min_messages": "fatal",
        }
        if self.fast:
            options |= {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}
        argv = [str(self.bin / "postgres"), "-D", str(self._pgdata)]
        for name, value in options.items():
            argv += ["-c", f"{name}={value}"]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                self._as_owner(argv), stdout=log, stderr=log, cwd=self.folder, start_new_session=True
            )
        deadline = time.monotonic() + START_TIMEOUT_S
        while True:
            try:
                psycopg.connect(self.url("postgres"), connect_timeout=5).close()
            except psycopg.OperationalError:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError((self.folder / "log").read_text()[-2000:]) from None
                time.sleep(0.05)
            else:
                return

    def stop(self, sig: int = signal.SIGINT) -> None:
        """Stops the server: SIGINT ends sessions in order, SIGQUIT is as near to a power cut as it lets one come."""
        if self._process is None:
            return
        pid = int((self._pgdata / "postmaster.pid").read_text().split()[0])
        os.kill(pid, sig)
        self._process.wait(timeout=30)
        self._process = None

    def create_database(self, name: str) -> str:
        """Makes an empty database and returns its URL."""
        self.execute("postgres", sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        return self.url(name)

    def drop_database(self, name: str) -> None:
        """Removes a database and whoever is connected to it."""
        self.execute("postgres", sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def execute(self, database: str, statement: sql.Composable) -> None:
        """Runs one statement as the owner, outside any transaction."""
        with psycopg.connect(self.url(database), autocommit=True) as connection:
            connection.execute(statement)

    @property
    def _pgdata(self) -> Path:
        return self.folder / "pgdata"

    def _as_owner(self, argv: list[str]) -> list[str]:
        if os.geteuid() != 0:
            return argv
        return ["setpriv", "--reuid", "postgres", "--regid", "postgres", "--init-groups", *argv]

    def _give(self, path: Path) -> None:
        if os.geteuid() == 0:
            account = pwd.getpwnam("postgres")
            os.chown(path, account.pw_uid, account.pw_gid)

    def _run(self, argv: list[str]) -> None:
        done = subprocess.run(self._as_owner(argv), capture_output=True, text=True, cwd=self.folder, check=False)
        if done.returncode:
            raise RuntimeError(f"{argv[0]}: {done.stderr}")


def _open_path_to(folder: Path) -> None:
    """Lets the server's user walk to its folder where a private temporary folder of root stands in the way."""
    if os.geteuid() != 0:
        return
    for parent in folder.parents:
        if parent in {Path(tempfile.gettempdir()), Path("/")}:
            break
        mode = parent.stat().st_mode
        if not mode & 0o001:
            parent.chmod(mode | 0o001)


@contextmanager
def running(folder: Path | None = None, *, fast: bool = False) -> Iterator[Server]:
    """A server for the length of the block. Raises LookupError when PostgreSQL 15 or later is not installed."""
    programs = bin_folder()
    if programs is None:
        raise LookupError("PostgreSQL 15 or later is not installed")
    home = Path(tempfile.mkdtemp(prefix="postgres-", dir=folder))
    server = Server(programs, home, fast=fast)
    try:
        server.initialise()
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(home, ignore_errors=True)
