# SPDX-License-Identifier: Apache-2.0
"""`page`: serves the page until it is interrupted. It is off otherwise; nothing else of the agent listens."""

from __future__ import annotations

import argparse
import secrets
import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

from certwright_agent.config import Settings
from certwright_agent.errors import AgentError
from certwright_agent.page.server import ADDRESS, PageServer
from certwright_agent.page.site import PageSite

COMMAND = "page"


def add_parser(names: argparse._SubParsersAction[Any]) -> None:
    """Adds the command to the agent's command line."""
    text = "serve the agent's web page on 127.0.0.1 until Ctrl-C: state, enrolment, SSH keys, servers, sites"
    command = names.add_parser(COMMAND, help=text, description=text)
    command.add_argument("--port", type=int, default=0, help="on 127.0.0.1; a free one if it is not said")


def run(arguments: argparse.Namespace, settings: Settings, say: Callable[[str], None]) -> None:
    """Serves. Raises AgentError."""
    try:
        server = PageServer(PageSite(settings), secrets.token_urlsafe(32), arguments.port)
    except (OSError, OverflowError) as error:
        raise AgentError(f"port {arguments.port} of {ADDRESS} cannot be used: {error}") from None

    def stop(_signal: int, _frame: FrameType | None) -> None:
        threading.Thread(target=server.shutdown).start()  # it waits for the loop that is interrupted here

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    say(f"The agent's page, until Ctrl-C, for whoever has this address: {server.url}")
    say(f"From another host: ssh -L {server.server_port}:{ADDRESS}:{server.server_port} to this one, same address.")
    with server:
        server.serve_forever()
