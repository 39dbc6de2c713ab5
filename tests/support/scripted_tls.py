# SPDX-License-Identifier: Apache-2.0
"""A TLS server of a few lines that no library would let be: it answers each hello as a script says, wrong ones too.

It never finishes a handshake. What it may be: a speaker of SSL 2.0, a taker of export suites, of compression, of early
ChangeCipherSpec, a bleeder by heartbeat or by ticket, an oracle of RSA padding, and the sound kin of each; and one that
chooses its key by suites that it does not take.
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from shared.probe.hello import HEARTBEAT_MODE, SESSION_TICKET, Reader
from shared.probe.records import (
    ALERT,
    CERTIFICATE,
    CHANGE_CIPHER_SPEC,
    CLIENT_HELLO,
    HANDSHAKE,
    HEARTBEAT,
    SERVER_HELLO,
    SERVER_HELLO_DONE,
    handshake,
    record,
)
from shared.probe.suites import suite


@dataclass(frozen=True)
class Script:
    """How it behaves. `suites` are what it takes; `unpad` turns a decrypted RSA block into an alert, where it can
    decrypt at all; `secret` is the private exponent with the modulus."""

    certificate: bytes
    suites: tuple[int, ...] = (0x002F,)
    version: int = 0x0303
    ssl2_kinds: tuple[int, ...] | None = None
    heartbeat: str = ""  # "", sound, bleeds
    ccs: str = "sound"  # sound, taken
    compression: bool = False
    ticket_id: str = "echo"  # echo, bleeds
    secret: tuple[int, int] | None = None
    unpad: Callable[[bytes], int] | None = None
    misleading: tuple[int, ...] = ()  # none of them is taken, but where one is offered, the RSA key is all there is


@dataclass(frozen=True)
class Hello:
    """What a ClientHello offers."""

    version: int
    session_id: bytes
    suites: tuple[int, ...]
    compression: bytes
    extensions: dict[int, bytes]


@contextlib.contextmanager
def scripted(script: Script) -> Iterator[int]:
    """Serves while the block runs, each connection in a thread; gives the port."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:
        threading.Thread(target=_accept, args=(listener, script), daemon=True).start()
        try:
            yield int(listener.getsockname()[1])
        finally:
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)


def _accept(listener: socket.socket, script: Script) -> None:
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        threading.Thread(target=_serve, args=(connection, script), daemon=True).start()


def _serve(connection: socket.socket, script: Script) -> None:
    with connection, contextlib.suppress(OSError, EOFError):
        connection.settimeout(10)
        _talk(connection, script)
        connection.shutdown(socket.SHUT_WR)
        connection.recv(1)


def _talk(connection: socket.socket, script: Script) -> None:
    head = exactly(connection, 2)
    if head[0] & 0x80:
        exactly(connection, (head[0] & 0x7F) << 8 | head[1])
        _speak_ssl2(connection, script)
        return
    rest = exactly(connection, 3)
    hello = read_hello(exactly(connection, int.from_bytes(rest[1:3], "big")))
    kinds = ("RSA",) if set(script.misleading) & set(hello.suites) else ("RSA", "ECDSA")
    takes = (code for code in script.suites if suite(code).authentication in kinds)
    chosen = next((code for code in takes if code in hello.suites), None)
    if hello.version < script.version or (0x2B in hello.extensions and chosen is None):
        connection.sendall(record(ALERT, b"\x02\x46", script.version))
        return
    if chosen is None:
        connection.sendall(record(ALERT, b"\x02\x28", script.version))
        return
    connection.sendall(_flight(script, hello, chosen))
    while _react(connection, script):
        pass


def _speak_ssl2(connection: socket.socket, script: Script) -> None:
    if script.ssl2_kinds is None:
        connection.sendall(record(ALERT, b"\x02\x46", script.version))
        return
    specs = b"".join(kind.to_bytes(3, "big") for kind in script.ssl2_kinds)
    body = b"\x04\x00\x01\x00\x02" + b"".join(
        len(part).to_bytes(2, "big") for part in (script.certificate, specs, bytes(16))
    )
    body += script.certificate + specs + bytes(16)
    connection.sendall((0x8000 | len(body)).to_bytes(2, "big") + body)


def _flight(script: Script, hello: Hello, chosen: int) -> bytes:
    extensions = b""
    if script.heartbeat and HEARTBEAT_MODE in hello.extensions:
        extensions += HEARTBEAT_MODE.to_bytes(2, "big") + b"\x00\x01\x01"
    session = hello.session_id
    if script.ticket_id == "bleeds" and hello.extensions.get(SESSION_TICKET):
        session += os.urandom(32 - len(session))
    packed = b"\x01" if script.compression and 1 in hello.compression else b"\x00"
    body = script.version.to_bytes(2, "big") + os.urandom(32) + bytes((len(session),)) + session
    body += chosen.to_bytes(2, "big") + packed + len(extensions).to_bytes(2, "big") + extensions
    one = len(script.certificate).to_bytes(3, "big") + script.certificate
    messages = handshake(SERVER_HELLO, body) + handshake(CERTIFICATE, len(one).to_bytes(3, "big") + one)
    return record(HANDSHAKE, messages + handshake(SERVER_HELLO_DONE, b""), script.version)


def _react(connection: socket.socket, script: Script) -> bool:
    """Answers one record; False when the talk is over."""
    head = exactly(connection, 5)
    body = exactly(connection, int.from_bytes(head[3:5], "big"))
    if head[0] == HEARTBEAT:
        claimed = int.from_bytes(body[1:3], "big")
        if script.heartbeat == "bleeds":
            answer = b"\x02" + body[1:3] + os.urandom(claimed) + bytes(16)
            connection.sendall(record(HEARTBEAT, answer, script.version))
        return True
    if head[0] == CHANGE_CIPHER_SPEC:
        if script.ccs == "taken":
            exactly(connection, 6)
            connection.sendall(record(ALERT, b"\x02\x14", script.version))
        else:
            connection.sendall(record(ALERT, b"\x02\x0a", script.version))
        return False
    if head[0] == HANDSHAKE and body[0] == 16 and script.secret is not None and script.unpad is not None:
        modulus, exponent = script.secret
        size = (modulus.bit_length() + 7) // 8
        block = pow(int.from_bytes(body[6:], "big"), exponent, modulus).to_bytes(size, "big")
        connection.sendall(record(ALERT, bytes((2, script.unpad(block))), script.version))
    return False


def read_hello(body: bytes) -> Hello:
    """Reads the one message in a record. Raises EOFError for another one, ProbeError for nonsense."""
    reader = Reader(body)
    if reader.number(1) != CLIENT_HELLO:
        raise EOFError
    reader.take(3)
    version = reader.number(2)
    reader.take(32)
    session, suites, compression = reader.vector(1), reader.vector(2), reader.vector(1)
    extensions: dict[int, bytes] = {}
    if reader.left:
        listed = Reader(reader.vector(2))
        while listed.left:
            kind = listed.number(2)
            extensions[kind] = listed.vector(2)
    codes = tuple(int.from_bytes(suites[at : at + 2], "big") for at in range(0, len(suites), 2))
    return Hello(version, session, codes, compression, extensions)


def exactly(connection: socket.socket, count: int) -> bytes:
    """So many bytes. Raises EOFError when the peer closed."""
    received = b""
    while len(received) < count:
        piece = connection.recv(count - len(received))
        if not piece:
            raise EOFError
        received += piece
    return received
