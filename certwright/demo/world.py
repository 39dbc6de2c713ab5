# SPDX-License-Identifier: Apache-2.0
"""The surroundings of the demonstration: Certwright itself, a name server, nginx, Apache, and room for an agent.

Everything listens on free ports of 127.0.0.1 and lies below one folder.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
import zipfile
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from certwright.cluster import Cluster
from certwright.demo.names import NameServer
from certwright.servers.apache import Apache
from certwright.servers.nginx import Nginx
from certwright.servers.process import free_port, stop

ROOT = Path(__file__).resolve().parents[2]
READY_TIMEOUT_S = 60.0
CODE = re.compile(r"\b[0-9A-HJKMNP-TV-Z]{4,5}(?:-[0-9A-HJKMNP-TV-Z]{4,5}){3,}\b")


class World:
    """Starts on entering, stops on leaving. `mode` is embedded or cluster; `settings` go to every process.

    A `durable` cluster keeps what it confirmed when its PostgreSQL is killed.
    """

    def __init__(
        self, folder: Path, mode: str, *, settings: Mapping[str, str] | None = None, durable: bool = False
    ) -> None:
        self.settings = dict(settings or {})
        self.durable = durable
        self.folder = folder
        self.mode = mode
        self.names = NameServer()
        self.nginx = Nginx(folder / "nginx")
        self.apache = Apache(folder / "apache")
        self.http_port = free_port()
        self.apache_port = free_port()
        self.tls_ports = {"nginx": free_port(), "apache": free_port()}
        self.url = ""
        self.pids: list[int] = []
        self.cluster: Cluster | None = None
        self.operator: dict[str, str] = {}
        self.program: tuple[str, ...] = ("-m", "certwright")  # what runs as the one process
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as starting:
            starting.enter_context(self.names)
            for server in (self.nginx, self.apache):
                server.prepare()
                starting.callback(server.stop)
            (self._cluster if self.mode == "cluster" else self._one_process)(starting)
            self._stack = starting.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.__exit__(kind, error, trace)

    def add_site(self, server: Nginx | Apache, port: int, names: list[str]) -> None:
        """Gives a web server a plain site, starts it, and lets the names lead to it."""
        server.add_site(names[0], port=port, aliases=names[1:])
        server.start()
        for name in names:
            self.names.add(name, "A", "127.0.0.1")

    def start_agent(self, archive: Path) -> tuple[str, int]:
        """Unpacks an agent's download and starts it; returns the code that it prints, and its process id."""
        folder = archive.parent
        with zipfile.ZipFile(archive) as packed:
            packed.extractall(folder)
        [settings_path] = folder.rglob("agent.json")
        [program] = folder.rglob("*.pyz")
        settings = json.loads(settings_path.read_text())
        settings |= {
            "web_servers": [
                self.nginx.agent_entry(self.tls_ports["nginx"]),
                self.apache.agent_entry(self.tls_ports["apache"]),
            ],
            "roots": [str(self.nginx.folder), str(self.apache.folder)],
            "poll_seconds": 0.2,
            "save_directory": str(folder / "saved"),
        }
        settings_path.write_text(json.dumps(settings, indent=2))
        log = folder / "agent.log"
        with log.open("wb") as out:
            agent = subprocess.Popen(
                [sys.executable, str(program), "run", "--yes"],
                cwd=folder,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )
        self._stack.callback(stop, agent)
        return _wait_for_code(log, agent), agent.pid

    def certwright(self, *arguments: str) -> dict[str, Any]:
        """Runs a command of the program on these databases; its JSON answer."""
        done = subprocess.run(
            [sys.executable, "-m", "certwright", *arguments, "--json"],
            env=self.operator,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        if not done.stdout.strip():
            raise RuntimeError(f"certwright {' '.join(arguments)}: {done.stderr[-2000:]}")
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer

    def _settings(self) -> dict[str, str]:
        return {
            # The sites of the demonstration are on this very machine, where a real one would not look.
            "CERTWRIGHT_EGRESS_ALLOW_NETWORKS": '["127.0.0.0/8"]',
            "CERTWRIGHT_ACCOUNTS_MAIL_LOOKUP": "off",  # the private name server knows no mail
            "CERTWRIGHT_EGRESS_NAMESERVERS": f'["127.0.0.1:{self.names.port}"]',
            "CERTWRIGHT_DCV_HTTP_PORT": str(self.http_port),
            "CERTWRIGHT_BILLING_SANDBOX_PORT": str(free_port()),
            "CERTWRIGHT_INSTALLER_POLL_AFTER_S": "0.3",  # somebody is watching
            **self.settings,
        }

    def _one_process(self, starting: ExitStack) -> None:
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        ops = f"127.0.0.1:{free_port()}"
        data = self.folder / "data"
        environment = {
            **_inherited(),
            **self._settings(),
            "CERTWRIGHT_DATA_DIR": str(data),
            "CERTWRIGHT_GATEWAY_PORT": str(port),
            "CERTWRIGHT_PUBLIC_URL": self.url,
            "CERTWRIGHT_OPS_ADDRESS": ops,
        }
        self.operator = environment
        log = self.folder / "certwright.log"
        with log.open("wb") as out:
            process = subprocess.Popen(
                [sys.executable, *self.program, "serve"],
                env=environment,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )
        starting.callback(stop, process)
        self.pids = [process.pid]
        _wait_until_ready(f"http://{ops}/readyz", process, log)

    def _cluster(self, starting: ExitStack) -> None:
        cluster = Cluster(self.folder / "cluster", settings=self._settings(), fast_database=not self.durable)
        starting.enter_context(cluster)
        cluster.wait_until_ready()
        self.cluster = cluster
        running = [worker.process for worker in cluster.supervisor.workers.values()]
        self.pids = [process.pid for process in running if process is not None]
        self.url = cluster.url
        self.operator = {**_inherited(), **cluster.operator_environment()}


def _inherited() -> dict[str, str]:
    ours = {
        name: value for name, value in os.environ.items() if not name.startswith(("CERTWRIGHT_", "AMQP_", "DATABASE_"))
    }
    return {**ours, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}


def _wait_until_ready(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + READY_TIMEOUT_S
    while process.poll() is None and time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310 (our own loopback address)
                if json.load(answer)["ready"]:
                    return
        except (OSError, urllib.error.HTTPError, ValueError):
            pass
        time.sleep(0.05)
    raise RuntimeError(f"Certwright did not get ready; the end of its log:\n{log.read_text()[-3000:]}")


def _wait_for_code(log: Path, agent: subprocess.Popen[bytes]) -> str:
    deadline = time.monotonic() + READY_TIMEOUT_S
    while agent.poll() is None and time.monotonic() < deadline:
        found = CODE.search(log.read_text())
        if found:
            return found[0]
        time.sleep(0.05)
    raise RuntimeError(f"the agent printed no code; its output:\n{log.read_text()[-2000:]}")
