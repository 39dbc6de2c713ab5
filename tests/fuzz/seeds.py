# SPDX-License-Identifier: Apache-2.0
"""The corpus to begin with: what sound servers say, made here, so that a fuzzer need not find out what TLS is."""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric import ec, rsa

from shared.probe.records import (
    ALERT,
    CERTIFICATE,
    HANDSHAKE,
    HEARTBEAT,
    NEW_SESSION_TICKET,
    SERVER_HELLO,
    SERVER_HELLO_DONE,
    SERVER_KEY_EXCHANGE,
    handshake,
    record,
)
from tests.support.discovery_room import der

RSA_LEAF = der("rsa.example.com", "*.example.com", key=rsa.generate_private_key(65537, 2048))
EC_LEAF = der("ec.example.com", key=ec.generate_private_key(ec.SECP256R1()), policy="2.23.140.1.2.1")


def vector(body: bytes, size: int) -> bytes:
    """A body with its length in front."""
    return len(body).to_bytes(size, "big") + body


def hello_body(suite: int, *, version: int = 0x0303, extensions: bytes = b"") -> bytes:
    """A ServerHello without its header."""
    return version.to_bytes(2, "big") + bytes(32) + b"\x00" + suite.to_bytes(2, "big") + b"\x00" + vector(extensions, 2)


CERTIFICATES = vector(b"".join(vector(one, 3) for one in (RSA_LEAF, EC_LEAF)), 3)
CERTIFICATES_13 = b"\x00" + vector(b"".join(vector(one, 3) + b"\x00\x00" for one in (RSA_LEAF, EC_LEAF)), 3)
EXTENSIONS = b"\x00\x0f\x00\x01\x01" + b"\x00\x17\x00\x00" + b"\xff\x01\x00\x01\x00" + b"\x00\x10\x00\x05\x00\x03\x02h2"
SHARE = b"\x00\x2b\x00\x02\x03\x04" + b"\x00\x33" + vector(b"\x00\x1d" + vector(bytes(range(1, 33)), 2), 2)
KEY_EC = b"\x03\x00\x17" + vector(b"\x04" + bytes(64), 1) + b"\x04\x01" + vector(bytes(256), 2)
KEY_DH = b"".join(vector(part, 2) for part in (b"\xff" * 128, b"\x02", b"\x05" * 128))
KEY_DH += b"\x04\x01" + vector(bytes(256), 2)
TICKET = handshake(NEW_SESSION_TICKET, bytes(4) + vector(bytes(64), 2))
FLIGHT = b"".join(
    record(HANDSHAKE, body, 0x0303)
    for body in (
        handshake(SERVER_HELLO, hello_body(0xC02F, extensions=EXTENSIONS)),
        handshake(CERTIFICATE, CERTIFICATES),
        handshake(SERVER_KEY_EXCHANGE, KEY_EC) + handshake(SERVER_HELLO_DONE, b""),
    )
)
FLIGHT_13 = record(HANDSHAKE, handshake(SERVER_HELLO, hello_body(0x1301, extensions=SHARE)), 0x0303)
RETRY_13 = record(
    HANDSHAKE,
    handshake(
        SERVER_HELLO,
        b"\x03\x03" + bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")
        + b"\x00\x13\x01\x00" + vector(b"\x00\x2b\x00\x02\x03\x04\x00\x33\x00\x02\x00\x17", 2),
    ),
    0x0303,
)  # fmt: skip
SSL2 = b"\x04\x00\x01\x00\x02" + len(RSA_LEAF).to_bytes(2, "big") + b"\x00\x06\x00\x10" + RSA_LEAF
SSL2 += b"\x01\x00\x80\x07\x00\xc0" + bytes(16)
STREAMS = [
    FLIGHT,
    FLIGHT_13 + record(20, b"\x01", 0x0303) + record(23, bytes(64), 0x0303) * 3,
    RETRY_13 + FLIGHT_13,
    record(ALERT, b"\x02\x28"),
    record(ALERT, b"\x01\x70") + FLIGHT,
    FLIGHT + record(HEARTBEAT, b"\x02\x00\x10" + bytes(32)),
    FLIGHT + record(20, b"\x01", 0x0303) + record(HANDSHAKE, TICKET),
    (0x8000 | len(SSL2)).to_bytes(2, "big") + SSL2,
    b"HTTP/1.1 400 Bad Request\r\n\r\n",
]
GREETINGS = {
    "smtp": b"220 mx ESMTP\r\n250-mx\r\n250-SIZE 1\r\n250 STARTTLS\r\n220 go ahead\r\n",
    "imap": b"* OK [CAPABILITY IMAP4rev1 STARTTLS] ready\r\na1 OK begin\r\n",
    "pop3": b"+OK ready\r\n+OK begin\r\n",
    "ftp": b"220-hello\r\n220 ready\r\n234 proceed\r\n",
    "ldap": bytes.fromhex("300c02010178070a010004000400"),
    "postgresql": b"S",
    "mysql": vector(b"", 1) + b"\x4a\x00\x00\x00\x0a5.7.0\x00" + bytes(8) + bytes(8) + b"\x00\xff\xff\x08" + bytes(40),
}
ANSWERS = [
    b"HTTP/1.1 302 Found\r\nLocation: /x\r\nSet-Cookie: id=secret; Path=/; Secure\r\nContent-Encoding: br\r\n\r\nbody",
    b"HTTP/1.0 200 OK\r\nStrict-Transport-Security: max-age=1; preload\r\n\r\n",
]


def seeds_of(name: str) -> list[bytes]:
    """Inputs for a target of `parsers`."""
    bodies = {
        "server_hello": [hello_body(0xC02F, extensions=EXTENSIONS), hello_body(0x1301, extensions=SHARE)],
        "certificates": [CERTIFICATES],
        "certificates13": [CERTIFICATES_13],
        "key_exchange_dh": [KEY_DH],
        "key_exchange_ec": [KEY_EC],
        "leaf": [RSA_LEAF, EC_LEAF],
        "leaf_key": [RSA_LEAF, EC_LEAF],
        "usual": [RSA_LEAF, EC_LEAF],
        "rsa_key": [RSA_LEAF, EC_LEAF],
        "http": ANSWERS,
        "sealed": STREAMS,
        "clear": STREAMS,
        "ticket": STREAMS,
    }
    if name in bodies:
        return bodies[name]
    if name.startswith("starttls_"):
        greeting = GREETINGS[name.removeprefix("starttls_")]
        return [size + greeting + stream for size in (b"\x00", b"\x05") for stream in (b"", FLIGHT)]
    if name == "http_talk":
        return [b"\x00" + one for one in ANSWERS]
    return [size + stream for size in (b"\x00", b"\x07") for stream in STREAMS]
