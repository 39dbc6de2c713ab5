# SPDX-License-Identifier: Apache-2.0
"""The usual first flight of a TLS 1.3 server, read in one go."""

from __future__ import annotations

from typing import Callable

from shared.probe.chain import Chain
from shared.probe.groups import X25519
from shared.probe.hello import RETRY, TLS13
from shared.probe.records import CERTIFICATE, CERTIFICATE_REQUEST, ENCRYPTED_EXTENSIONS, HANDSHAKE, MAX_RECORD
from shared.probe.schedule13 import CIPHERS, Opener, handshake_secret

_VERSION = b"\x00\x2b\x00\x02\x03\x04"  # the two extensions that a ServerHello has to have
_SHARE = b"\x00\x33\x00\x24\x00\x1d\x00\x20"  # of X25519; the key follows
_LISTED = b"\x00\x00\x2e"  # no compression, and the length of both
_CHANGE_CIPHER_SPEC = b"\x14\x03\x03\x00\x01\x01"
_LEAST_HELLO = 90


def chain_at_once(agree: Callable[[int, bytes], bytes], transcript: bytes, received: bytes) -> Chain | None:
    """The chain, if all up to it came whole and well-formed in the first piece: so it is nearly always, and it is a
    fraction of the work. None leaves everything else, and every complaint, to `Records` and `Reader`."""
    chosen = _chosen_at_once(received)
    if chosen is None:
        return None
    hello_end, suite, theirs = chosen
    cipher = CIPHERS[suite]
    secret = handshake_secret(cipher, agree(X25519, theirs), transcript + received[5:hello_end])
    opener = Opener(cipher, secret)
    at = hello_end + 6 if received[hello_end : hello_end + 6] == _CHANGE_CIPHER_SPEC else hello_end
    messages = b""
    while received[at : at + 3] == b"\x17\x03\x03":
        body = at + 5
        at = body + int.from_bytes(received[at + 3 : body], "big")
        if at > len(received) or at - body > MAX_RECORD:
            return None
        kind, content = opener.open(0x0303, received[body:at])
        if kind != HANDSHAKE or not content:
            return None
        messages += content
        shown = _shown_in(messages)
        if shown is not None:
            found = _plain_list(shown)
            return Chain(found, TLS13, suite, proved=False) if found else None
    return None


def _chosen_at_once(received: bytes) -> tuple[int, int, bytes] | None:
    """Where the record of a usual ServerHello ends, the suite and the key of X25519."""
    end = 5 + int.from_bytes(received[3:5], "big")
    hello = received[5:end]
    if received[:3] != b"\x16\x03\x03" or end > len(received) or len(hello) < _LEAST_HELLO:
        return None
    at = 39 + hello[38]  # behind the version, the random and the session
    if hello[:6] != b"\x02" + (len(hello) - 4).to_bytes(3, "big") + b"\x03\x03" or hello[6:38] == RETRY:
        return None
    suite, listed = int.from_bytes(hello[at : at + 2], "big"), hello[at + 5 :]
    if hello[at + 2 : at + 5] != _LISTED or len(listed) != _LISTED[-1] or suite not in CIPHERS or hello[38] > 32:
        return None
    if listed.startswith(_VERSION + _SHARE):
        return end, suite, listed[14:]
    if listed.startswith(_SHARE) and listed.endswith(_VERSION):
        return end, suite, listed[8:40]
    return None


def _shown_in(messages: bytes) -> bytes | None:
    """The body of the Certificate message, where it is whole and only such come before it that may."""
    start = 0
    while len(messages) - start >= 4:
        end = start + 4 + int.from_bytes(messages[start + 1 : start + 4], "big")
        if end > len(messages):
            return None
        if messages[start] == CERTIFICATE:
            return messages[start + 4 : end]
        if messages[start] not in (ENCRYPTED_EXTENSIONS, CERTIFICATE_REQUEST):
            return None
        start = end
    return None


def _plain_list(body: bytes) -> tuple[bytes, ...]:
    """The certificates of a message in which none has extensions; empty for any other."""
    number = int.from_bytes
    at, found = 4, []
    if body[:1] != b"\x00" or number(body[1:4], "big") != len(body) - 4:
        return ()
    while at < len(body):
        start, at = at + 3, at + 3 + number(body[at : at + 3], "big")
        found.append(body[start:at])
        if body[at : at + 2] != b"\x00\x00":
            return ()
        at += 2
    return tuple(found)
