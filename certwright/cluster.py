# SPDX-License-Identifier: Apache-2.0
"""A whole distributed Certwright on one machine: private RabbitMQ and PostgreSQL, every service its own process.

    with Cluster(Path("var/cluster")) as cluster:
        cluster.wait_until_ready()
        print(cluster.url)

Orders and gateway run twice. Users, roles and rights are those of `deploy/`. Everything listens on 127.0.0.1 only, lies
below one folder, and is found again at the next start.
"""

from __future__ import annotations

import json
import os
import secrets
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec
from psycopg import sql

from certwright import deployment
from certwright.servers import postgresql, rabbitmq
from certwright.servers.process import free_port
from certwright.supervisor import Supervisor, Worker

ROOT = Path(__file__).resolve().parent.parent
TWICE = ("orders", "gateway")
READY_TIMEOUT_S = 120.0


class _Secrets(msgspec.Struct, frozen=True):
    """What has to be the same at the next start."""

    superuser: str
    broker: dict[str, str]
    role: dict[str, str]
    owner: dict[str, str]


class Cluster:
    """Starts and stops it all. `gateway_ports` may hold 0 for a free port; `settings` go to every process.

    `worker_settings` adds settings for single processes by their name, such as `{"orders-1": {…}}`.
    """

    def __init__(
        self,
        folder: Path,
        *,
        gateway_ports: tuple[int, int] = (0, 0),
        settings: Mapping[str, str] | None = None,
        worker_settings: Mapping[str, Mapping[str, str]] | None = None,
        fast_database: bool = False,
    ) -> None:
        self.folder = folder.resolve()
        self.settings = dict(settings or {})
        self.worker_settings = dict(worker_settings or {})
        self.gateway_ports = tuple(port or free_port() for port in gateway_ports)
        self.database = postgresql.Server(
            _found(postgresql.bin_folder(), "PostgreSQL 15 or later"),
            self.folder / "postgresql",
            fast=fast_database,
            user="certwright_admin",
        )
        self.broker = rabbitmq.Server(_found(rabbitmq.find_server(), "RabbitMQ"), self.folder / "rabbitmq")
        self.supervisor = Supervisor([])
        self.ops_urls: dict[str, str] = {}

    @property
    def urls(self) -> list[str]:
        """The addresses of the gateways."""
        return [f"http://127.0.0.1:{port}" for port in self.gateway_ports]

    @property
    def url(self) -> str:
        """The address that browsers and agents are told."""
        return self.settings.get("CERTWRIGHT_PUBLIC_URL", self.urls[0])

    def start(self) -> None:
        """Starts the servers, then every process; returns before these are ready. Raises RuntimeError."""
        passwords = self.start_servers()
        self.supervisor = Supervisor(self._workers(passwords))
        self.supervisor.start()

    def start_servers(self) -> deployment.Passwords:
        """Starts PostgreSQL and RabbitMQ with users, roles and rights, and returns the passwords of these."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o700)  # logs hold the link of the first run, files hold passwords
        (self.folder / "log").mkdir(exist_ok=True)
        kept = self._secrets()
        passwords = deployment.Passwords(broker=kept.broker, role=kept.role, owner=kept.owner)
        self.database.password = kept.superuser
        self.broker.definitions = deployment.broker_definitions(passwords)
        self.broker.initialise()
        with ThreadPoolExecutor(1) as beside:
            broker = beside.submit(self.broker.start)
            self.database.initialise()
            self.database.start()
            self._create_database(passwords)
            broker.result()
        return passwords

    def operator_environment(self) -> dict[str, str]:
        """Settings for commands that look into every service's database: `certwright verify` and `rebuild`."""
        return {"DATABASE_URL": self.database.url(deployment.DATABASE)}

    def environment_of(self, process: str, passwords: deployment.Passwords) -> dict[str, str]:
        """The addresses, users and passwords of a process: `orders`, `gateway`, …."""
        broker, database = f"127.0.0.1:{self.broker.port}", f"127.0.0.1:{self.database.port}"
        return deployment.environment(process, passwords, broker=broker, database=database)

    def wait_until_ready(
        self, timeout: float = READY_TIMEOUT_S, *, give_up: Callable[[], bool] = lambda: False
    ) -> None:
        """Returns when every process says that it can do its work, or when `give_up` says so.

        Raises TimeoutError with the logs of those that are not ready.
        """
        deadline = time.monotonic() + timeout
        waiting = set(self.ops_urls)
        while waiting and not give_up():
            waiting = {name for name in waiting if not _ready(self.ops_urls[name])}
            if waiting and time.monotonic() > deadline:
                logs = ", ".join(str(self.log_of(name)) for name in sorted(waiting))
                raise TimeoutError(f"not ready after {timeout:.0f} s; look into {logs}")
            time.sleep(0.1)

    def first_run_link(self) -> str | None:
        """The one-time link of the first operator while there is none, where accounts keeps it."""
        path = self.folder / "data" / "accounts" / "first-run-link"
        return path.read_text().strip() if path.exists() else None

    def stop(self) -> None:
        """Stops the processes, then the servers."""
        self.supervisor.stop()
        self.broker.stop()
        self.database.stop()

    def log_of(self, name: str) -> Path:
        """Where a process writes: `orders-1`, `accounts`, …."""
        return self.folder / "log" / f"{name}.log"

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.stop()

    def _workers(self, passwords: deployment.Passwords) -> list[Worker]:
        workers = []
        for process in deployment.PROCESSES:
            for number in (1, 2) if process in TWICE else (0,):
                name = f"{process}-{number}" if number else process
                ops = f"127.0.0.1:{free_port()}"
                self.ops_urls[name] = f"http://{ops}"
                folder = self._data_of(process)
                own = {"CERTWRIGHT_OPS_ADDRESS": ops, "CERTWRIGHT_DATA_DIR": str(folder)}
                if process == "gateway":
                    own["CERTWRIGHT_GATEWAY_PORT"] = str(self.gateway_ports[number - 1])
                environment = {
                    **_inherited(),
                    **self.environment_of(process, passwords),
                    "CERTWRIGHT_PUBLIC_URL": self.url,
                    **self.settings,
                    **own,
                    **self.worker_settings.get(name, {}),
                }
                argv = [sys.executable, "-m", "certwright", "service", process]
                workers.append(Worker(name, argv, environment, folder, self.log_of(name)))
        return workers

    def _data_of(self, process: str) -> Path:
        """A folder of its own for each service. That of mails is one: alerts shows what the others sent."""
        folder = self.folder / "data" / process
        folder.mkdir(parents=True, exist_ok=True)
        mails = self.folder / "data" / "mail"
        mails.mkdir(exist_ok=True, mode=0o700)
        if not (folder / "mail").is_symlink():
            (folder / "mail").symlink_to(mails)
        return folder

    def _create_database(self, passwords: deployment.Passwords) -> None:
        if not self.database.has_database(deployment.DATABASE):
            self.database.create_database(deployment.DATABASE)
        # The text is our own file; psycopg would take its format specifiers for placeholders only with parameters.
        self.database.execute(deployment.DATABASE, sql.SQL(deployment.database_setup(passwords)))

    def _secrets(self) -> _Secrets:
        path = self.folder / "secrets.json"
        if path.exists():
            return msgspec.json.decode(path.read_bytes(), type=_Secrets)
        fresh = deployment.Passwords()
        kept = _Secrets(secrets.token_urlsafe(24), dict(fresh.broker), dict(fresh.role), dict(fresh.owner))
        path.touch(mode=0o600)
        path.write_bytes(msgspec.json.encode(kept))
        return kept


def _inherited() -> dict[str, str]:
    """The surroundings of a process: ours, without an address of another broker or database."""
    ours = {name: value for name, value in os.environ.items() if name not in {"AMQP_URI", "DATABASE_URL"}}
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    return {**ours, "PYTHONPATH": path, "PYTHONUNBUFFERED": "1"}


def _found(program: Path | None, name: str) -> Path:
    if program is None:
        raise LookupError(f"{name} is not installed: run tests/setup-servers")
    return program


def _ready(ops_url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{ops_url}/readyz", timeout=5) as answer:  # noqa: S310 (our own loopback address)
            return bool(json.load(answer)["ready"])
    except (OSError, urllib.error.HTTPError, ValueError):
        return False
