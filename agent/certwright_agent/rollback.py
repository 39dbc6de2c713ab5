# SPDX-License-Identifier: Apache-2.0
"""`rollback`: undoes the last installation on a site, or lists what can be undone. It may run beside the agent."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from typing import Any

from certwright_agent.config import Settings
from certwright_agent.errors import AgentError
from certwright_agent.jobs import Worker
from certwright_agent.outcome import Steps
from certwright_agent.undoing import listed

COMMAND = "rollback"


def add_parser(names: argparse._SubParsersAction[Any]) -> None:
    """Adds the command to the agent's command line."""
    text = (
        "undo the last installation on a site: its files as they were before, seen on the wire; without SITE, list "
        "what was installed"
    )
    command = names.add_parser(COMMAND, help="undo the last installation on a site, or list them", description=text)
    command.add_argument("site", nargs="?", metavar="SITE", help="the site's name, as `status` shows it")
    command.add_argument("--web-server", metavar="KIND", help="nginx, apache …; needed where two have such a site")
    command.add_argument("--json", action="store_true", help="print JSON")


def run(arguments: argparse.Namespace, settings: Settings, say: Callable[[str], None]) -> None:
    """Does the command. Raises AgentError with the reason why nothing was undone."""
    known = listed(settings.state / "journal")
    if arguments.site is None:
        _list(known, as_json=arguments.json, say=say)
        return
    fitting = [one for one in known if one["site"] == arguments.site]
    kinds = {one["web_server"] for one in fitting if arguments.web_server in (None, one["web_server"])}
    if not kinds:
        raise AgentError(f"nothing was installed on {arguments.site} by this agent: `rollback` lists what was")
    if len(kinds) > 1:
        raise AgentError(f"{arguments.site} is a site of {' and '.join(sorted(kinds))}: say which by --web-server")
    tell = (lambda _step: None) if arguments.json else (lambda step: say(f"{step['name']}: {step['detail']}"))
    outcome = Worker(settings).installer.roll_back(kinds.pop(), arguments.site, Steps(tell))
    if arguments.json:
        say(json.dumps({"succeeded": outcome.succeeded, "reason": outcome.reason, "steps": outcome.steps}, indent=2))
    if not outcome.succeeded:
        raise AgentError(outcome.reason)


def _list(known: list[dict[str, str]], *, as_json: bool, say: Callable[[str], None]) -> None:
    if as_json:
        say(json.dumps(known, indent=2))
    elif not known:
        say("This agent has installed nothing that could be undone.")
    else:
        for one in known:
            what = f"serial {one['serial']}, installed {one['installed_at'][:19]}Z"
            say(f"{one['web_server']:<8} {one['site']:<40} {what}")
        say("To undo one: rollback SITE")
