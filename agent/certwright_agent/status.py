# SPDX-License-Identifier: Apache-2.0
"""What there is to tell about this agent: settings, enrolment, sites, servers. For `status` and for the page."""

from __future__ import annotations

from typing import Any

from certwright_agent import VERSION, facts, report
from certwright_agent.config import Settings
from certwright_agent.enrolment import Credential
from certwright_agent.remote import commands
from certwright_agent.remote.register import Register


def status(settings: Settings) -> dict[str, Any]:
    """Plain JSON; changes nothing. Raises AgentError."""
    servers = settings.servers()
    sites, problems = report.sites(servers)
    return {
        "version": VERSION,
        "gateway": settings.gateway,
        "uid": settings.uid,
        "enrolled": Credential(settings.state).read() is not None if settings.state.exists() else False,
        "facts": facts.gather(servers),
        "sites": sites,
        "problems": problems,
        "servers": [commands.plain(server) for server in Register(settings.state).servers()],
    }
