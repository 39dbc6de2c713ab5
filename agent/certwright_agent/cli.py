# SPDX-License-Identifier: Apache-2.0
"""The command line: `run`, `once`, `enroll`, `status`, and the servers that are reached over SSH."""

from __future__ import annotations

import argparse
import json
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from certwright_agent import VERSION, facts, rollback, standalone
from certwright_agent.config import Settings, load
from certwright_agent.enrolment import Credential, Talk, enroll
from certwright_agent.errors import AgentError, GatewayError
from certwright_agent.files import make_folder
from certwright_agent.gateway import Gateway
from certwright_agent.jobs import Worker
from certwright_agent.lock import only_one
from certwright_agent.loop import Agent
from certwright_agent.page import command as page
from certwright_agent.remote import commands
from certwright_agent.remote.commands import from_guide
from certwright_agent.remote.fleet import Fleet
from certwright_agent.scanning import Scanning
from certwright_agent.scans import scan_file
from certwright_agent.status import status


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command; returns the exit code: 0 done, 1 failed, 2 wrong use."""
    words, in_guides_spelling = from_guide(sys.argv[1:] if argv is None else argv)
    code = _run(_parser().parse_args(words))
    if in_guides_spelling:
        _print(f"retcode: {code}")
    return code


def _run(arguments: argparse.Namespace) -> int:
    try:
        if arguments.command == standalone.COMMAND:
            return standalone.run(arguments, _settings_path(arguments.config), _print, _say)
        settings = load(_settings_path(arguments.config))
        if arguments.command in commands.COMMANDS:
            commands.run(arguments, settings, say=_print)
            return 0
        if arguments.command == "status":
            _print(json.dumps(status(settings), indent=2))
            return 0
        if arguments.command == page.COMMAND:
            page.run(arguments, settings, say=_print)
            return 0
        if arguments.command == rollback.COMMAND:
            rollback.run(arguments, settings, say=_print)
            return 0
        if arguments.command == "scan":
            return _scan(settings, arguments.scan_id)
        make_folder(settings.state)
        with only_one(settings.state):
            return _work(arguments, settings)
    except AgentError as error:
        _say(str(error))
        return 1
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="certwright-agent",
        description="Certwright's agent. Unpack the zip from the console, start `run` in its folder, and type the code "
        "that it prints into the console. Keys are made on this host and never leave it.",
    )
    parser.add_argument("--version", action="version", version=VERSION)
    parser.add_argument("--config", type=Path, help="the settings file (default: agent.json beside this program)")
    names = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, text in (
        ("run", "enrol if need be, then stay in the foreground and do what the console asks for"),
        ("once", "do what is waiting now, then end"),
        ("enroll", "enrol this agent with its account, then end"),
    ):
        command = names.add_parser(name, help=text, description=text)
        command.add_argument("--yes", action="store_true", help="finish the verification without asking")
    names.add_parser("status", help="print settings, enrolment and sites as JSON; changes nothing")
    page.add_parser(names)
    rollback.add_parser(names)
    commands.add_parsers(names)
    standalone.add_parser(names)
    scan = names.add_parser("scan", description="Goes on with a scan that was taken up; `run` starts this by itself.")
    scan.add_argument("scan_id")
    return parser


def _work(arguments: argparse.Namespace, settings: Settings) -> int:
    credential = Credential(settings.state)
    token = credential.read()
    if token is None:
        if arguments.command == "once":
            raise AgentError("this agent is not enrolled yet: start `enroll` or `run`")
        token = enroll(
            Gateway(settings.gateway, settings.ca_file),
            settings.uid,
            facts.gather(settings.servers()),
            Talk(say=_print, ask=input),
            poll_seconds=min(settings.poll_seconds or 2.0, 5.0),
            yes=arguments.yes,
        )
        credential.keep(token)
    elif arguments.command == "enroll":
        _print("This agent is enrolled already.")
    if arguments.command == "enroll":
        return 0
    gateway, worker = Gateway(settings.gateway, settings.ca_file, token), Worker(settings)
    agent = Agent(gateway, worker, _say, Fleet(settings.state, gateway, worker.outcomes, _say))

    def stop(_signal: int, _frame: FrameType | None) -> None:
        agent.stopping = True

    signal.signal(signal.SIGTERM, stop)
    try:
        if arguments.command == "once":
            agent.once()
            agent.settle()
            agent.wait_for_scans()
        else:
            agent.run(settings.poll_seconds)
    except GatewayError as error:
        if error.status == 401:
            raise AgentError(
                f"{error}. The agent was removed or enrolled anew elsewhere; delete {settings.state / 'token'} "
                "to enrol it again."
            ) from None
        raise
    finally:
        agent.close()
    return 0


def _scan(settings: Settings, scan_id: str) -> int:
    """One scan that `run` has taken up; 3 when it was left in the middle."""
    taken_up = scan_file(settings.state, scan_id)
    gateway = Gateway(settings.gateway, settings.ca_file, Credential(settings.state).read())
    scanning = Scanning(gateway, settings, scan_id, _say)
    signal.signal(signal.SIGTERM, scanning.leave)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # it goes to the whole group; whoever started this ends it
    scanning.leave_with_parent()
    if not scanning.run():
        return 3
    taken_up.unlink(missing_ok=True)
    return 0


def _settings_path(given: Path | None) -> Path:
    """`--config`, or `agent.json` beside the zipapp; the guide calls the same file `autoinstaller.config`."""
    if given is not None:
        return given
    beside = Path(sys.argv[0]).resolve().parent
    named = beside / "autoinstaller.config"
    return named if named.exists() and not (beside / "agent.json").exists() else beside / "agent.json"


def _print(text: str) -> None:
    print(text, flush=True)  # noqa: T201  the command line's output


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)  # noqa: T201  the command line's log
