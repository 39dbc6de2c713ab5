# SPDX-License-Identifier: Apache-2.0
"""Passkeys (WebAuthn): for which address they are made, what a challenge says, and what may be sent."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address
from urllib.parse import urlsplit

import msgspec

from shared.clock import from_text, to_text
from shared.errors import invalid

LIFE = timedelta(minutes=5)
MOST = 20  # passkeys of one user
MOST_TEXT = 64 * 1024  # of one field of an answer; the longest attestations have a few kilobytes
SIGN_IN = "sign-in"
SEAL = "passkey-challenge"
_BASE64URL = re.compile(r"[A-Za-z0-9_-]*")


class _ClientData(msgspec.Struct):
    challenge: str


@dataclass(frozen=True)
class RelyingParty:
    """Whom passkeys are for. `missing` says why there can be none: ip_address, insecure, or empty."""

    rp_id: str
    origin: str
    missing: str


def relying_party(public_url: str) -> RelyingParty:
    """What browsers will make passkeys for: an FQDN over TLS, or this very machine under its name (W3C, WebAuthn §5.1).

    An IP address cannot be an RP id.
    """
    parts = urlsplit(public_url)
    host = (parts.hostname or "").lower()
    origin = f"{parts.scheme}://{parts.netloc}".lower()
    try:
        ip_address(host)
    except ValueError:
        local = host == "localhost" or host.endswith(".localhost")
        return RelyingParty(host, origin, "" if parts.scheme == "https" or local else "insecure")
    return RelyingParty(host, origin, "ip_address")


def to_seal(purpose: str, now: datetime) -> tuple[str, str]:
    """(what a challenge holds under its seal, until when it is good)."""
    expires_at = to_text(now + LIFE)
    return f"{purpose} {expires_at}", expires_at


def expiry_of(opened: str, purpose: str, now: datetime) -> str:
    """Until when the challenge is good. Raises ValueError when it is too old or was made for something else."""
    found, _, expires_at = opened.rpartition(" ")
    if found != purpose or from_text(expires_at) <= now:
        raise ValueError("not a fresh challenge for this purpose")
    return expires_at


def challenge_of(client_data_json: str) -> str:
    """The challenge that the browser says it answers. Raises ValueError."""
    try:
        return msgspec.json.decode(unpadded(client_data_json), type=_ClientData).challenge
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError("no challenge in the client data") from error


def hash_of_challenge(challenge: str) -> str:
    """How an answered challenge is remembered."""
    return hashlib.sha256(challenge.encode()).hexdigest()


def unpadded(text: str) -> bytes:
    """The bytes of base64url without padding. Raises ValueError."""
    if len(text) > MOST_TEXT or not _BASE64URL.fullmatch(text):
        raise ValueError("not base64url")
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except binascii.Error as error:
        raise ValueError("not base64url") from error


def padless(raw: bytes) -> str:
    """Bytes as base64url without padding."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def checked_name(name: str) -> str:
    """The name that its user gives a passkey. Raises ServiceError invalid."""
    plain = name.strip()
    if not re.fullmatch(r"[^\x00-\x1f\x7f-\x9f]{1,100}", plain):
        raise invalid("Give the passkey a name of 1 to 100 characters.", "/name")
    return plain
