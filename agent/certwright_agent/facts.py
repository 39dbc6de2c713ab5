# SPDX-License-Identifier: Apache-2.0
"""What the agent tells about itself and its host: version, system, name, web servers. Nothing about people."""

from __future__ import annotations

import platform
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from certwright_agent import VERSION
from certwright_agent.webservers.site import WebServer


def gather(servers: Sequence[WebServer]) -> dict[str, Any]:
    """The facts as the agent API takes them (`AgentFacts`)."""
    return {
        "version": VERSION,
        "os": f"{_distribution()} {platform.machine()}"[:200],
        "hostname": socket.gethostname()[:255],
        "web_servers": [version[:100] for version in (server.version() for server in servers) if version],
    }


def _distribution() -> str:
    """PRETTY_NAME of os-release(5)."""
    for path in ("/etc/os-release", "/usr/lib/os-release"):
        try:
            lines = Path(path).read_text("utf-8", "replace").splitlines()
        except OSError:
            continue
        for line in lines:
            if line.startswith("PRETTY_NAME="):
                return line.partition("=")[2].strip().strip("\"'")
    return platform.system()
