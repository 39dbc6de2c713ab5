# SPDX-License-Identifier: Apache-2.0
"""`certwright cluster`: a distributed Certwright on this machine, until Ctrl-C."""

from __future__ import annotations

import signal
import threading
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

SECOND = 10  # not the next port: the sandbox payment provider listens there


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command()(cluster)


def cluster(
    folder: Annotated[Path, typer.Option(help="where its data lies, and is found again")] = Path("var/cluster"),
    port: Annotated[int, typer.Option(help="the first gateway's port; the second one's is 10 above it")] = 8080,
) -> None:
    """Run every service as its own process on a private RabbitMQ and PostgreSQL; orders and the gateway twice."""
    from certwright.cluster import Cluster

    console = Console(stderr=True, highlight=False, soft_wrap=True)
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    try:
        running = Cluster(folder, gateway_ports=(port, port + SECOND if port else 0))
        console.print("starting RabbitMQ and PostgreSQL")
        with running:
            _keep(running.folder / "operator.env", running.operator_environment())
            console.print(f"starting {len(running.supervisor.workers)} processes")
            running.wait_until_ready(give_up=stopped.is_set)
            if not stopped.is_set():
                _say(console, running.urls, running.folder, running.first_run_link())
            stopped.wait()
            console.print("stopping")
    except (LookupError, RuntimeError, TimeoutError) as error:
        console.print(str(error), style="red")
        raise typer.Exit(1) from None


def _say(console: Console, urls: list[str], folder: Path, link: str | None) -> None:
    console.print(f"Certwright is ready: [bold]{urls[0]}[/bold] and {urls[1]}")
    if link:
        console.print(f"The first operator signs up here, once: [bold]{link}[/bold]")
    console.print(f"certwright verify, with the settings in {folder / 'operator.env'}, looks into all databases.")
    console.print(f"Logs are in {folder / 'log'}. Ctrl-C stops everything; the data stays.")


def _keep(path: Path, settings: dict[str, str]) -> None:
    path.touch(mode=0o600)
    path.write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
