# SPDX-License-Identifier: Apache-2.0
"""`add`, `list`, `remove` and `keys` on the command line, and the guide's spelling `-m add -ip ADDRESS -u USER`."""

from __future__ import annotations

import argparse
import getpass
import json
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from certwright_agent.config import Settings
from certwright_agent.enrolment import Credential
from certwright_agent.errors import AgentError, Refused
from certwright_agent.remote import program
from certwright_agent.remote.destination import Destination, destination, display_name
from certwright_agent.remote.host_key import HostKey, check_fingerprint, shown
from certwright_agent.remote.keys import Keys
from certwright_agent.remote.register import Register, Server, new_server
from certwright_agent.remote.trouble import ServerTrouble
from certwright_agent.remote.visit import Visitor

COMMANDS = ("add", "list", "remove", "keys")
_CURES = {
    "keys_missing": "Bring the agent's key there: `keys copy` asks once for the user's password, or add the line of "
    "`keys show` to the user's ~/.ssh/authorized_keys.",
    "outdated": "Then add it again.",
}


def from_guide(argv: Sequence[str]) -> tuple[list[str], bool]:
    """`-m add -ip … -u …` as `add -ip … -u …`, and whether it was spelled so."""
    words = list(argv)
    if "-m" in words[:-1] and words[words.index("-m") + 1] in COMMANDS:
        place = words.index("-m")
        return [*words[:place], words[place + 1], *words[place + 2 :]], True
    return words, False


def add_parsers(commands: Any) -> None:
    """The four commands with their arguments."""
    add = commands.add_parser("add", help="add a Linux server that is reached over SSH")
    _destination_arguments(add)
    add.add_argument("--name", default="", help="what people call it (default: its address)")
    add.add_argument("--sudo", action="store_true", help="its user may run python3 as root: `sudo -n python3`")
    listing = commands.add_parser("list", help="the servers of this agent")
    listing.add_argument("--json", action="store_true", help="as JSON")
    remove = commands.add_parser("remove", help="forget a server; nothing on it is changed")
    remove.add_argument("-ip", "--address", required=True)
    remove.add_argument("-u", "--user")
    remove.add_argument("--port", default="22")
    keys = commands.add_parser("keys", help="the agent's SSH key pair: make, show, bring, copy")
    ways = keys.add_subparsers(dest="way", required=True, metavar="WAY")
    ways.add_parser("make", help="make a key pair on this host")
    ways.add_parser("show", help="the public key, for the user's ~/.ssh/authorized_keys")
    bring = ways.add_parser("bring", help="use a private key that you have")
    bring.add_argument("private", type=Path)
    copy = ways.add_parser("copy", help="bring the public key to a host, with a password that is asked for once")
    _destination_arguments(copy)


def _destination_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-ip", "--address", required=True, help="IP address or host name")
    parser.add_argument("-u", "--user", required=True)
    parser.add_argument("--port", default="22")
    parser.add_argument("--fingerprint", help="the host key's fingerprint, known beforehand: SHA256:…")
    parser.add_argument("--yes", action="store_true", help="do not ask; needs --fingerprint or --trust-first-contact")
    parser.add_argument(
        "--trust-first-contact", action="store_true", help="with --yes: accept whatever key the host shows now"
    )


def run(
    arguments: argparse.Namespace,
    settings: Settings,
    *,
    say: Callable[[str], None],
    ask: Callable[[str], str] = input,
    ask_password: Callable[[str], str] = getpass.getpass,
) -> None:
    """Does one of COMMANDS. Raises AgentError."""
    register, keys = Register(settings.state), Keys(settings.state)
    if arguments.command == "list":
        say(_listed(register.servers(), as_json=arguments.json))
    elif arguments.command == "remove":
        say(_removed(register, arguments))
    elif not settings.state.exists() or Credential(settings.state).read() is None:
        raise AgentError("this agent is not enrolled yet: start `run` first, and verify it in the console")
    elif arguments.command == "add":
        say(_added(register, keys, arguments, say=say, ask=ask))
    elif arguments.way == "copy":
        to = destination(arguments.address, arguments.user, arguments.port)
        if keys.public() is None:
            raise AgentError("the agent has no key pair yet: start `keys make`")
        host_key = _accepted(to, arguments, say=say, ask=ask)
        keys.copy(to, host_key, ask_password(f"Password of {to.user} on {to.address} (used once, never kept): "))
        say(f"The key is on {to.address}. Now: add -ip {to.address} -u {to.user} --port {to.port}")
    else:
        say(_keys(keys, arguments))


def _keys(keys: Keys, arguments: argparse.Namespace) -> str:
    if arguments.way == "make":
        return f"Public key:\n{keys.make()}"
    if arguments.way == "bring":
        return f"Public key:\n{keys.bring(arguments.private)}"
    public = keys.public()
    if public is None:
        raise AgentError("the agent has no key pair yet: start `keys make`")
    return public


def _added(
    register: Register,
    keys: Keys,
    arguments: argparse.Namespace,
    *,
    say: Callable[[str], None],
    ask: Callable[[str], str],
) -> str:
    to = destination(arguments.address, arguments.user, arguments.port)
    if any(each.to == to for each in register.servers()):
        raise Refused(f"{to.user} on {to.address}, port {to.port}, is one of this agent's servers already")
    if keys.public() is None:
        raise AgentError("the agent has no key pair yet: start `keys make`, then `keys copy`")
    name = display_name(arguments.name, to.address)
    host_key = _accepted(to, arguments, say=say, ask=ask)
    trial = new_server(to, name, host_key, sudo=arguments.sudo)
    with tempfile.TemporaryDirectory(prefix="certwright-") as scratch:
        known_hosts = Path(scratch) / "known_hosts"
        known_hosts.write_text(f"{trial.alias} {host_key.text}\n", "ascii")
        try:
            seen = Visitor(keys, known_hosts, program.own()).visit(trial, look=True)
        except ServerTrouble as problem:
            cure = _CURES.get(problem.state, "")
            raise AgentError(f"{to.address} was not added: {problem}. {cure}".strip(), problem.code) from None
    server = register.add(to, name, host_key, sudo=arguments.sudo)
    facts = seen.facts or {}
    found = ", ".join(facts.get("web_servers", [])) or "no web server that the agent knows"
    return f"Added {server.name}: {facts.get('os', '')}; {found}; {len(seen.sites or [])} sites."


def _accepted(
    to: Destination, arguments: argparse.Namespace, *, say: Callable[[str], None], ask: Callable[[str], str]
) -> HostKey:
    """The host's key, when a person or a fingerprint known beforehand says that it is right. Raises AgentError."""
    if arguments.yes and not (arguments.fingerprint or arguments.trust_first_contact):
        raise Refused("--yes needs --fingerprint, or --trust-first-contact to accept whatever key is shown")
    wanted = check_fingerprint(arguments.fingerprint) if arguments.fingerprint else None
    keys = shown(to)
    if wanted is not None:
        found = next((key for key in keys if key.fingerprint == wanted), None)
        if found is None:
            has = ", ".join(key.fingerprint for key in keys)
            raise Refused(f"{to.address} shows another host key: expected {wanted}, shown {has}. Nothing was added.")
        return found
    key = keys[0]
    say(f"The host key of {to.address}, port {to.port}, is not known yet.\n{key.kind} {key.fingerprint}")
    if (
        not arguments.yes
        and ask("Is it this host's own (see `ssh-keygen -lf` there)? [yes/no] ").strip().lower() != "yes"
    ):
        raise Refused("the host key was not accepted; nothing was added")
    return key


def _listed(servers: Sequence[Server], *, as_json: bool) -> str:
    if as_json:
        return json.dumps([plain(server) for server in servers], indent=2)
    if not servers:
        return "No servers beside this host."
    return "\n".join(
        f"{each.name}  {each.to.user}@{each.to.address} port {each.to.port}  {each.host_key.fingerprint}"
        for each in servers
    )


def plain(server: Server) -> dict[str, Any]:
    """A server for programs."""
    return {
        "name": server.name,
        "address": server.to.address,
        "port": server.to.port,
        "user": server.to.user,
        "sudo": server.sudo,
        "host_key": server.host_key.fingerprint,
        "added_at": server.added_at,
    }


def _removed(register: Register, arguments: argparse.Namespace) -> str:
    wanted = destination(arguments.address, arguments.user or "any", arguments.port)
    found = [
        each
        for each in register.servers()
        if (each.to.address, each.to.port) == (wanted.address, wanted.port) and arguments.user in (None, each.to.user)
    ]
    if len(found) != 1:
        raise Refused("no such server: see `list`" if not found else "several users are there: name one with -u")
    register.remove(found[0].ref)
    return f"Removed {found[0].name}. What stands on it, keys and certificates included, stays as it is."
