# SPDX-License-Identifier: Apache-2.0
"""The agent's own SSH key pair: made here by ssh-keygen or brought, and brought to hosts by a password that is used
once (checklist 6.30, 6.31). The private key never leaves this host.
"""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

from certwright_agent.errors import AgentError, Refused
from certwright_agent.files import make_folder, write_atomic
from certwright_agent.process import run
from certwright_agent.remote.askpass import asked_once
from certwright_agent.remote.conversation import Conversation
from certwright_agent.remote.destination import Destination
from certwright_agent.remote.host_key import HostKey
from certwright_agent.remote.ssh import argv

_PUBLIC = re.compile(r"(?:ssh-ed25519|ecdsa-sha2-nistp(?:256|384|521)|ssh-rsa) [A-Za-z0-9+/]{40,2000}={0,2}\Z")
KEY_LIMIT = 32 * 1024
_SECONDS = 60.0
# As in `program`: a constant between single quotes. The key comes on standard input and is checked there once more.
_APPEND = """
import os, pwd, re, stat, sys
line = sys.stdin.readline(4000).strip()
if not re.fullmatch("[a-z0-9-]+ [A-Za-z0-9+/]+={0,2} certwright-agent", line):
    sys.exit("this is no public key")
os.umask(0o077)
folder = os.path.join(pwd.getpwuid(os.geteuid()).pw_dir, ".ssh")
os.makedirs(folder, 0o700, exist_ok=True)
path = os.path.join(folder, "authorized_keys")
there = ""
if os.path.exists(path):
    with open(path) as file:
        there = file.read()
if line not in there.splitlines():
    with open(path, "a") as file:
        file.write(("" if there == "" or there.endswith(chr(10)) else chr(10)) + line + chr(10))
        file.flush()
        os.fsync(file.fileno())
print("{}")
"""
APPEND_KEY = f"python3 -I -c '{_APPEND}'"


class Keys:
    """The pair below `state/ssh`."""

    def __init__(self, state: Path) -> None:
        self._folder = state / "ssh"
        self.private = self._folder / "id_agent"

    def public(self) -> str | None:
        """Type, key and comment, as authorized_keys has it; None when there is no pair."""
        if not self.private.is_file():
            return None
        try:
            return f"{_checked(self.private.with_suffix('.pub').read_text('ascii'))} certwright-agent"
        except OSError:
            return None

    def make(self) -> str:
        """A new Ed25519 pair; returns the public key. Raises Refused when there is one: hosts trust it."""
        if self.private.exists():
            raise Refused(f"there is a key pair already; its public key is: {self.public()}")
        make_folder(self._folder)
        with tempfile.TemporaryDirectory(dir=self._folder) as scratch:
            new = Path(scratch) / "key"
            # -N "": the agent has to use it while nobody is there; mode 0600 is what protects it.
            made = run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "certwright-agent", "-f", str(new)])
            if not made.ok:
                raise AgentError(f"ssh-keygen made no key: {made.text()}")
            return self._keep(new.read_bytes(), new.with_suffix(".pub").read_text("ascii"))

    def bring(self, private: Path) -> str:
        """Takes an existing private key without a passphrase over; returns its public key. Raises AgentError."""
        if self.private.exists():
            raise Refused(f"there is a key pair already; its public key is: {self.public()}")
        content = private.read_bytes()
        if len(content) > KEY_LIMIT or b"PRIVATE KEY-----" not in content:
            raise Refused(f"{private} is not a private key")
        make_folder(self._folder)
        with tempfile.TemporaryDirectory(dir=self._folder) as scratch:
            copy = Path(scratch) / "key"
            write_atomic(copy, content, mode=0o600)
            # -P "": a key with a passphrase is refused instead of asked for.
            read = run(["ssh-keygen", "-y", "-P", "", "-f", str(copy)])
        if not read.ok:
            raise Refused(f"{private} cannot be used: it has a passphrase, or is not a private key of OpenSSH or PEM")
        return self._keep(content, read.out.decode("ascii", "replace"))

    def _keep(self, private: bytes, public: str) -> str:
        kept = f"{_checked(public)} certwright-agent"
        write_atomic(self.private.with_suffix(".pub"), f"{kept}\n".encode("ascii"), mode=0o644)
        write_atomic(self.private, private, mode=0o600)
        return kept

    def copy(self, to: Destination, host_key: HostKey, password: str) -> None:
        """Adds the public key to the user's authorized_keys. Raises AgentError with what ssh said."""
        public = self.public()
        if public is None:
            raise AgentError("the agent has no key pair yet: start `keys make`")
        with tempfile.TemporaryDirectory(dir=self._folder) as scratch, asked_once(Path(scratch), password) as asking:
            known_hosts = Path(scratch) / "known_hosts"
            known_hosts.write_text(f"certwright-new {host_key.text}\n", "ascii")
            line = argv(
                to, APPEND_KEY, known_hosts=known_hosts, alias="certwright-new", host_key=host_key, key=None
            )  # fmt: skip
            with Conversation(line, asking) as talk:
                talk.send(f"{public}\n".encode("ascii"))
                if talk.line(_SECONDS) is not None:
                    return
                code, errors = talk.ended()
        said = " ".join(errors.replace(password, "…").split())[-300:] if password else ""
        raise AgentError(f"the key was not copied to {to.address} ({code}): {said or 'no reason given'}")


def _checked(public: str) -> str:
    """Type and key of a public key file. Raises Refused."""
    text = " ".join(public.split()[:2])
    if not _PUBLIC.match(text):
        raise Refused("the public key is not of a kind that is used: Ed25519, ECDSA or RSA")
    return text
