# SPDX-License-Identifier: Apache-2.0
"""Where a server is and as whom one goes there. What is said here ends in an argument list of ssh, so that only plain
addresses and names pass: nothing that begins with a hyphen, no blank, no character beyond ASCII (quality-bar S11).
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass

from certwright_agent.errors import Refused

# RFC 1123 §2.1, at most 253 characters; ssh gets it behind `--`, and still nothing may look like an option.
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_HOST = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(?:\.{_LABEL})*\Z")
_USER = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,31}\Z")  # as useradd(8) takes them, and those of directories
_PORT = re.compile(r"[0-9]{1,5}\Z")
_NAME_LIMIT = 100


@dataclass(frozen=True)
class Destination:
    """A user on a port of a host; only `destination` makes one."""

    address: str
    user: str
    port: int


def destination(address: object, user: object, port: object = 22) -> Destination:
    """Checks all three. Raises Refused."""
    return Destination(_address(address), _user(user), _port(port))


def display_name(name: object, fallback: str) -> str:
    """What people call the server; `fallback` when they gave no name. Raises Refused."""
    kept = " ".join(str(name or "").split()) or fallback
    if len(kept) > _NAME_LIMIT or not kept.isprintable():
        raise Refused(f"the name of a server is printable text of at most {_NAME_LIMIT} characters")
    return kept


def _address(value: object) -> str:
    text = str(value)
    if text.isascii() and "%" not in text:
        try:
            return str(ipaddress.ip_address(text))
        except ValueError:
            if _HOST.match(text.lower()):
                return text.lower()
    raise Refused("the address is not an IP address or a host name of letters, digits, hyphens and dots")


def _user(value: object) -> str:
    if not isinstance(value, str) or not _USER.match(value):
        raise Refused("the user is not a user name of letters, digits, dots, hyphens and underscores")
    return value


def _port(value: object) -> int:
    if not _PORT.match(str(value)) or not 1 <= int(str(value)) <= 65535:
        raise Refused("the port is not a number from 1 to 65535")
    return int(str(value))
