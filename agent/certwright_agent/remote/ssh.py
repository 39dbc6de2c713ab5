# SPDX-License-Identifier: Apache-2.0
"""The argument lists of ssh. Nobody's configuration, agent or known hosts count, and nothing is asked on a terminal."""

from __future__ import annotations

from pathlib import Path

from certwright_agent.remote.destination import Destination
from certwright_agent.remote.host_key import HostKey

CONNECT_SECONDS = 10
_ALWAYS = (
    "StrictHostKeyChecking=yes", "GlobalKnownHostsFile=/dev/null", "UpdateHostKeys=no", "CheckHostIP=no",
    "VerifyHostKeyDNS=no", "IdentitiesOnly=yes", "IdentityAgent=none", "ForwardAgent=no", "ForwardX11=no",
    "ClearAllForwardings=yes", "Tunnel=no", "PermitLocalCommand=no", "ProxyCommand=none", "ProxyJump=none",
    "ControlMaster=no", "ControlPath=none", "CanonicalizeHostname=no", "RequestTTY=no", "EscapeChar=none",
    "GSSAPIAuthentication=no", "HostbasedAuthentication=no", "AddKeysToAgent=no", "LogLevel=ERROR",
    f"ConnectTimeout={CONNECT_SECONDS}", "ConnectionAttempts=1", "ServerAliveInterval=15", "ServerAliveCountMax=3",
)  # fmt: skip
_BY_KEY = ("BatchMode=yes", "PreferredAuthentications=publickey", "PasswordAuthentication=no",
    "KbdInteractiveAuthentication=no")  # fmt: skip
_BY_PASSWORD = ("BatchMode=no", "PreferredAuthentications=password,keyboard-interactive", "PubkeyAuthentication=no",
    "NumberOfPasswordPrompts=1")  # fmt: skip


def argv(
    to: Destination, command: str, *, known_hosts: Path, alias: str, host_key: HostKey, key: Path | None
) -> list[str]:
    """`command` is one of this program's constants. `key` is the private key; without one a password is used."""
    options = [
        *_ALWAYS,
        *(_BY_KEY if key is not None else _BY_PASSWORD),
        f"UserKnownHostsFile={known_hosts}",
        f"HostKeyAlias={alias}",
        f"HostKeyAlgorithms={host_key.algorithms}",
        f"IdentityFile={key if key is not None else 'none'}",
    ]
    flags = [part for option in options for part in ("-o", option)]
    return ["ssh", "-F", "none", "-T", *flags, "-p", str(to.port), "-l", to.user, "--", to.address, command]
