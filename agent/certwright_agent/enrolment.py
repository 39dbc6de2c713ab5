# SPDX-License-Identifier: Apache-2.0
"""How an agent and an account come to trust each other (guide §3.1): a code made here, typed by the customer there.

The code has 100 random bits, is good for 10 minutes, and leaves this host only as SHA-256 and through the customer.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from certwright_agent.errors import AgentError, GatewayError
from certwright_agent.files import make_folder, write_atomic
from certwright_agent.gateway import Gateway

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's base 32: no I, L, O, U to mistake
CODE_SECONDS = 600.0


@dataclass
class Talk:
    """How the enrolment speaks with the person in front of it, and waits."""

    say: Callable[[str], None]
    ask: Callable[[str], str]
    sleep: Callable[[float], None] = time.sleep


class Credential:
    """The agent's token, in a file of mode 0600."""

    def __init__(self, state: Path) -> None:
        self._path = make_folder(state) / "token"

    def read(self) -> str | None:
        """The token, or None before enrolment. Raises AgentError when others can read it."""
        try:
            if self._path.stat().st_mode & 0o077:
                raise AgentError(f"{self._path} can be read by others: make it mode 0600, and enrol again to be safe")
            return self._path.read_text("ascii").strip() or None
        except FileNotFoundError:
            return None

    def keep(self, token: str) -> None:
        """Stores the token."""
        write_atomic(self._path, token.encode("ascii"), mode=0o600)

    def forget(self) -> None:
        """The gateway does not accept it any more."""
        self._path.unlink(missing_ok=True)


def new_code() -> str:
    """A fresh code, such as `7G2KM-QX0ZP-4TN8B-W1DCY`."""
    return "-".join("".join(secrets.choice(_ALPHABET) for _ in range(5)) for _ in range(4))


def code_hash(code: str) -> str:
    """SHA-256 of the code as it is compared: upper case, without dashes and blanks. Lower-case hexadecimal."""
    return hashlib.sha256("".join(char for char in code.upper() if char in _ALPHABET).encode()).hexdigest()


def enroll(gateway: Gateway, uid: str, facts: dict[str, Any], talk: Talk, *, poll_seconds: float, yes: bool) -> str:
    """Runs the whole enrolment and returns the token. Codes are renewed until the customer types one.

    Raises GatewayError when the gateway refuses this agent for good, AgentError when the person declines.
    """
    while True:
        code = new_code()
        request = {"uid": uid, "code_sha256": code_hash(code)}
        talk.say(f"One-time code (10 minutes): {code}\nIn the console: Manage Servers, Verify agent, type this code.")
        introduction = _wait(gateway, {**request, "facts": facts}, talk, poll_seconds)
        if introduction is None:
            talk.say("The code is used up or too old; here is a new one.")
            continue
        name = str(introduction.get("name", ""))[:100]
        if not yes and talk.ask(f"Agent '{name}' is verified. Finish verification? [y/N] ").strip().lower() != "y":
            raise AgentError("verification was not finished")
        finished = gateway.send("POST", "/finish", request)
        token = finished.get("token")
        if isinstance(token, str) and token.isascii() and 20 <= len(token) <= 500:
            talk.say("Authentication successful. Your agent IP is: " + str(finished.get("address", ""))[:50])
            return token
        talk.say("The gateway did not give a credential; trying again.")
        talk.sleep(poll_seconds)


def _wait(gateway: Gateway, request: dict[str, Any], talk: Talk, poll_seconds: float) -> dict[str, Any] | None:
    """Says hello until the code was typed; None when this code will never be accepted."""
    ends = time.monotonic() + CODE_SECONDS
    while time.monotonic() < ends:
        try:
            introduction = gateway.send("POST", "/introduce", request)
        except GatewayError as error:
            if 400 <= error.status < 500 and error.status not in (408, 429):
                raise
            talk.say(str(error))
            talk.sleep(max(poll_seconds, 5.0, error.retry_after))
            continue
        if introduction.get("state") == "verified":
            return introduction
        if introduction.get("state") == "refused":
            return None
        talk.sleep(poll_seconds)
    return None
