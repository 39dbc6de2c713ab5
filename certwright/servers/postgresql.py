# SPDX-License-Identifier: Apache-2.0
"""A private PostgreSQL server: own data folder, own port on 127.0.0.1.

    with running(folder) as server:
        url = server.create_database("orders_test")

The server runs as the user `postgres` when this process is root, since it refuses root. Durability settings are
PostgreSQL's own defaults unless `fast` is asked for. With a password its owner signs in by SCRAM; without one any
local program may sign in as anybody, which is for tests only.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from psycopg import sql

from certwright.servers.process import as_user, free_port, give

ROOT_FOLDER = Path("/usr/lib/postgresql")
ACCOUNT = "postgres"
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
    password: str = ""
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    def url(self, database: str, *, user: str = "", password: str = "") -> str:
        """The URL of a database for SQLAlchemy and libpq alike, as the owner unless another user is named."""
        who = f"{user}:{password}" if user else f"{self.user}:{self.password}"
        return f"postgresql://{who.removesuffix(':')}@127.0.0.1:{self.port}/{database}"

    def initialise(self) -> None:
        """Makes the data folder where there is none, and picks a free port."""
        self.port = free_port()
        if (self._pgdata / "PG_VERSION").exists():
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        give(self.folder, ACCOUNT)
        with tempfile.NamedTemporaryFile("w", dir=self.folder) as secret:
            secret.write(self.password)
            secret.flush()
            give(Path(secret.name), ACCOUNT)
            how = ["--auth", "scram-sha-256", "--pwfile", secret.name] if self.password else ["--auth", "trust"]
            self._run(
                [
                    str(self.bin / "initdb"), "--pgdata", str(self._pgdata), "--username", self.user, *how,
                    "--encoding", "UTF8", "--locale", "C.UTF-8", "--no-instructions",
                ]
            )  # fmt: skip

    def start(self) -> None:
        """Starts the server and waits until it answers. Raises RuntimeError with the end of its log otherwise."""
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
        deadline = time.monotonic() + START_TIMEOUT_S
        self._launch(argv)
        while not self._answers():
            if self._exited():
                # After a kill, children of the old server may hold its shared memory for a moment.
                if "pre-existing shared memory" not in self._log_end() or time.monotonic() > deadline:
                    raise RuntimeError(self._log_end())
                self._launch(argv)
            elif time.monotonic() > deadline:
                raise RuntimeError(self._log_end())
            time.sleep(0.05)

    def stop(self, sig: int = signal.SIGINT) -> None:
        """Stops the server: SIGINT ends sessions in order, SIGQUIT is as near to a power cut as it lets one come."""
        if self.process is None:
            return
        if self.process.poll() is None:
            os.kill(self.process.pid, sig)
        self.process.wait(timeout=30)
        self.process = None

    def create_database(self, name: str) -> str:
        """Makes an empty database and returns its URL."""
        self.execute("postgres", sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        return self.url(name)

    def has_database(self, name: str) -> bool:
        """Whether there is such a database."""
        with psycopg.connect(self.url("postgres")) as connection:
            found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone()
        return found is not None

    def drop_database(self, name: str) -> None:
        """Removes a database and whoever is connected to it."""
        self.execute("postgres", sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def execute(self, database: str, statement: sql.SQL | sql.Composed) -> None:
        """Runs one statement as the owner, outside any transaction."""
        with psycopg.connect(self.url(database), autocommit=True) as connection:
            connection.execute(statement)

    def _launch(self, argv: list[str]) -> None:
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                self._as_owner(argv), stdout=log, stderr=log, cwd=self.folder, start_new_session=True
            )

    def _exited(self) -> bool:
        return self.process is None or self.process.poll() is not None

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.url("postgres"), connect_timeout=5).close()
        except psycopg.OperationalError:
            return False
        return True

    def _log_end(self) -> str:
        return (self.folder / "log").read_text()[-2000:]

    @property
    def _pgdata(self) -> Path:
        return self.folder / "pgdata"

    def _as_owner(self, argv: list[str]) -> list[str]:
        return as_user(ACCOUNT, argv, folder=self.folder)

    def _run(self, argv: list[str]) -> None:
        done = subprocess.run(self._as_owner(argv), capture_output=True, text=True, cwd=self.folder, check=False)
        if done.returncode:
            raise RuntimeError(f"{argv[0]}: {done.stderr}")


@contextmanager
def running(folder: Path | None = None, *, fast: bool = False) -> Iterator[Server]:
    """A server for the length of the block. Raises LookupError when PostgreSQL 15 or later is not installed."""
    programs = bin_folder()
    if programs is None:
        raise LookupError("PostgreSQL 15 or later is not installed: run tests/setup-servers")
    home = Path(tempfile.mkdtemp(prefix="postgres-", dir=folder))
    server = Server(programs, home, fast=fast)
    try:
        server.initialise()
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(home, ignore_errors=True)
