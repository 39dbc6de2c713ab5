# SPDX-License-Identifier: Apache-2.0
"""Host keys: what a host shows, its fingerprint for people, and whether it is still the one that was accepted."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass

from certwright_agent.errors import AgentError, Refused
from certwright_agent.process import run
from certwright_agent.remote.destination import Destination
from certwright_agent.remote.trouble import HOST_KEY_CHANGED, NOT_CONNECTED, ServerTrouble

# The first of these that a host shows is the one that is pinned. No DSA, no RSA with SHA-1 (RFC 8332).
ALGORITHMS = {
    "ssh-ed25519": "ssh-ed25519",
    "ecdsa-sha2-nistp256": "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384": "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521": "ecdsa-sha2-nistp521",
    "ssh-rsa": "rsa-sha2-512,rsa-sha2-256",
}
_BLOB = re.compile(r"[A-Za-z0-9+/]{40,2000}={0,2}\Z")
_FINGERPRINT = re.compile(r"SHA256:[A-Za-z0-9+/]{43}\Z")
_SCAN_SECONDS = 10
CURE = (
    "Ask whoever runs the host whether its key was changed, and compare the new fingerprint on its console. Only if it "
    "is right: remove the server here and add it again. If nobody changed it, somebody is in between."
)


@dataclass(frozen=True)
class HostKey:
    """A public key of a host as known_hosts has it: type and base64."""

    kind: str
    blob: str

    @property
    def text(self) -> str:
        """Type and key."""
        return f"{self.kind} {self.blob}"

    @property
    def algorithms(self) -> str:
        """What ssh may use with it."""
        return ALGORITHMS[self.kind]

    @property
    def fingerprint(self) -> str:
        """As `ssh-keygen -l` says it, such as `SHA256:…`."""
        digest = hashlib.sha256(base64.b64decode(self.blob)).digest()
        return "SHA256:" + base64.b64encode(digest).decode("ascii").rstrip("=")

    @classmethod
    def read(cls, text: str) -> HostKey:
        """From `type base64`. Raises ValueError."""
        kind, _, blob = text.partition(" ")
        if kind not in ALGORITHMS or not _BLOB.match(blob):
            raise ValueError("this is not a host key")
        try:
            base64.b64decode(blob, validate=True)
        except binascii.Error:
            raise ValueError("this is not a host key") from None
        return cls(kind, blob)


def check_fingerprint(text: str) -> str:
    """A fingerprint as people type it. Raises Refused."""
    if not _FINGERPRINT.match(text):
        raise Refused("a fingerprint looks like SHA256: and 43 letters, as ssh-keygen -l shows it")
    return text


def shown(to: Destination) -> list[HostKey]:
    """The keys that the host shows now, the best one first. Raises ServerTrouble when none is seen."""
    try:
        done = run(
            ["ssh-keyscan", "-T", str(_SCAN_SECONDS), "-t", "ed25519,ecdsa,rsa", "-p", str(to.port), "--", to.address],
            timeout=3.0 * _SCAN_SECONDS,
        )
    except AgentError as error:
        raise ServerTrouble(NOT_CONNECTED, f"the host key of {to.address} cannot be read: {error}") from None
    keys: dict[str, HostKey] = {}
    for line in done.out.decode("ascii", "replace").splitlines():
        parts = line.split(" ")
        try:
            key = HostKey.read(" ".join(parts[1:3]))
        except ValueError:
            continue
        keys.setdefault(key.kind, key)
    if not keys:
        raise ServerTrouble(NOT_CONNECTED, f"nobody answers as an SSH server at {to.address}, port {to.port}")
    return [keys[kind] for kind in ALGORITHMS if kind in keys]


def refuse_another(to: Destination, pinned: HostKey) -> None:
    """Raises ServerTrouble when the host shows another key than the pinned one, with both fingerprints."""
    keys = shown(to)
    if pinned not in keys:
        now = next((key for key in keys if key.kind == pinned.kind), keys[0])
        raise ServerTrouble(
            HOST_KEY_CHANGED,
            f"the host key of {to.address} changed: it was {pinned.fingerprint}, now it is {now.fingerprint}. {CURE}",
            now.fingerprint,
        )
