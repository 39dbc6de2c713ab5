# SPDX-License-Identifier: Apache-2.0
"""What is said before TLS where a protocol starts in the clear: mail, FTP, LDAP, PostgreSQL, MySQL."""

from __future__ import annotations

from typing import Callable

from shared.probe.conversation import Conversation, T, more
from shared.probe.outcome import Failure, ProbeError

STARTTLS = ("smtp", "imap", "pop3", "ftp", "ldap", "postgresql", "mysql")
DEFAULT_PORTS: dict[int, str] = {
    21: "ftp",
    25: "smtp",
    110: "pop3",
    143: "imap",
    389: "ldap",
    587: "smtp",
    2525: "smtp",
    3268: "ldap",
    3306: "mysql",
    5432: "postgresql",
}

_LINE = 4096  # bytes; RFC 5321 §4.5.3.1.5 allows 512, RFC 2683 §3.2.1.5 advises 8192 for IMAP commands
_LINES = 100  # before the word that lets TLS begin
# RFC 4511 §4.14: ExtendedRequest [APPLICATION 23] with requestName [0] 1.3.6.1.4.1.1466.20037, message 1.
_LDAP_REQUEST = b"\x30\x1d\x02\x01\x01\x77\x18\x80\x16" + b"1.3.6.1.4.1.1466.20037"
# PostgreSQL, "Message Formats": SSLRequest is its length and the code 80877103.
_POSTGRESQL_REQUEST = b"\x00\x00\x00\x08\x04\xd2\x16\x2f"
# MySQL, "Protocol::SSLRequest": CLIENT_PROTOCOL_41, CLIENT_SSL, CLIENT_SECURE_CONNECTION; 16 MiB; utf8; zeros.
_MYSQL_SSL = 0x0800
_MYSQL_REQUEST = b"\x20\x00\x00\x01" + (0x0200 | _MYSQL_SSL | 0x8000).to_bytes(4, "little") + b"\x00\x00\x00\x01\x21"
_MYSQL_REQUEST += bytes(23)


def starttls(protocol: str) -> Conversation[bytes]:
    """Leads a conversation of `protocol` (one of `STARTTLS`) to where TLS may begin.

    Returns what must go out in front of the ClientHello, in the same breath: MySQL's request gets no answer; nothing
    with the others. What the peer sent too early, behind its go-ahead, is dropped (RFC 3207 §4.2). Raises KeyError for
    an unknown protocol; ends by ProbeError: NO_STARTTLS where TLS is refused or not offered, NOT_TLS where the peer
    speaks something else.
    """
    return _TALKS[protocol]()


def after_starttls(protocol: str, talk: Callable[[], Conversation[T]]) -> Conversation[T]:
    """The conversation `talk` behind that prefix; what it sends first is the ClientHello."""
    before = yield from starttls(protocol)
    conversation = talk()
    try:
        outgoing = before + next(conversation)
        while True:
            outgoing = conversation.send((yield outgoing))
    except StopIteration as end:
        result: T = end.value
        return result


class _Lines:
    """Cuts what came into lines that end by LF; bounded."""

    def __init__(self, protocol: str) -> None:
        self.protocol = protocol
        self.rest = b""
        self._left = _LINES

    def next(self, send: bytes = b"") -> Conversation[bytes]:
        """Sends something, and waits for the next line; without its end."""
        if send:
            self.rest += more((yield send))
        while b"\n" not in self.rest:
            if len(self.rest) > _LINE:
                break
            self.rest += more((yield b""))
        line, _, self.rest = self.rest.partition(b"\n")
        self._left -= 1
        if len(line) > _LINE or self._left < 0:
            raise ProbeError(Failure.TOO_LONG, f"more words of {self.protocol} than any server says")
        return line.rstrip(b"\r")

    def reply(self, send: bytes = b"") -> Conversation[tuple[bytes, list[bytes]]]:
        """A reply of three digits, of one or more lines (RFC 5321 §4.2.1, RFC 959 §4.2): digits, and the texts."""
        line = yield from self.next(send)
        code, texts = line[:3], [line[4:]]
        if not code.isdigit() or len(code) != 3 or line[3:4] not in (b"", b" ", b"-"):
            raise _stranger(self.protocol, line)
        more_follow = line[3:4] == b"-"
        while more_follow:
            line = yield from self.next()
            # FTP lets a line in the middle be anything; the last one repeats the digits.
            more_follow = line[:3] != code or line[3:4] == b"-"
            texts.append(line[4:] if line[:3] == code else line)
        return code, texts


def _smtp() -> Conversation[bytes]:
    lines = _Lines("SMTP")
    code, texts = yield from lines.reply()
    if code != b"220":
        raise _refused("SMTP", code + b" " + texts[0])
    code, texts = yield from lines.reply(b"EHLO probe.invalid\r\n")
    if code != b"250" or not any(text.strip().upper() == b"STARTTLS" for text in texts):  # RFC 3207 §4
        raise _refused("SMTP", b"no STARTTLS among the extensions" if code == b"250" else code + b" " + texts[0])
    code, texts = yield from lines.reply(b"STARTTLS\r\n")
    if code != b"220":
        raise _refused("SMTP", code + b" " + texts[0])
    return b""


def _ftp() -> Conversation[bytes]:
    lines = _Lines("FTP")
    code, texts = yield from lines.reply()
    if code == b"120":  # RFC 959 §5.4: ready in some minutes, and then 220
        code, texts = yield from lines.reply()
    if code == b"220":
        code, texts = yield from lines.reply(b"AUTH TLS\r\n")  # RFC 4217 §4
        if code == b"234":
            return b""
    raise _refused("FTP", code + b" " + texts[0])


def _imap() -> Conversation[bytes]:
    lines = _Lines("IMAP")
    line = yield from lines.next()
    if not line.startswith(b"* "):
        raise _stranger("IMAP", line)
    if line[2:5].upper() != b"OK ":  # RFC 9051 §7.1: BYE, or PREAUTH, after which STARTTLS is not allowed
        raise _refused("IMAP", line)
    line = yield from lines.next(b"a1 STARTTLS\r\n")
    while line.startswith(b"* "):
        line = yield from lines.next()
    if line[:5].upper() != b"A1 OK":
        raise _refused("IMAP", line)
    return b""


def _pop3() -> Conversation[bytes]:
    lines = _Lines("POP3")
    line = yield from lines.next()
    if line[:3] != b"+OK":
        raise _refused("POP3", line) if line[:4] == b"-ERR" else _stranger("POP3", line)
    line = yield from lines.next(b"STLS\r\n")  # RFC 2595 §4
    if line[:3] != b"+OK":
        raise _refused("POP3", line)
    return b""


def _ldap() -> Conversation[bytes]:
    received = more((yield _LDAP_REQUEST))
    while True:
        if received[0] != 0x30:
            raise _stranger("LDAP", received)
        size = _ber(received, 1)
        if size is not None and len(received) >= size[0] + size[1]:
            break
        received += more((yield b""))
    start, length = size
    message = received[start : start + length]
    # RFC 4511 §4.1.1, §4.12: messageID INTEGER, then ExtendedResponse [APPLICATION 24], resultCode ENUMERATED first.
    if message[:1] != b"\x02" or len(message) < 2 or len(message) <= 2 + message[1]:
        raise _stranger("LDAP", received)
    response = message[2 + message[1] :]
    inner = _ber(response, 1)
    if response[0] != 0x78 or inner is None or response[inner[0] : inner[0] + 2] != b"\x0a\x01":
        raise _stranger("LDAP", received)
    result = response[inner[0] + 2 : inner[0] + 3]
    if result != b"\x00":
        raise _refused("LDAP", b"resultCode " + str(int.from_bytes(result, "big")).encode())
    return b""


def _ber(octets: bytes, at: int) -> tuple[int, int] | None:
    """Where the contents begin whose length stands at `at`, and their length; None while too little came."""
    if len(octets) <= at:
        return None
    first = octets[at]
    if first < 0x80:
        return at + 1, first
    count = first & 0x7F
    if not 1 <= count <= 4:
        raise _stranger("LDAP", octets)
    if len(octets) <= at + count:
        return None
    length = int.from_bytes(octets[at + 1 : at + 1 + count], "big")
    if length > _LINE:
        raise ProbeError(Failure.TOO_LONG, f"an LDAP message of {length} bytes")
    return at + 1 + count, length


def _postgresql() -> Conversation[bytes]:
    received = more((yield _POSTGRESQL_REQUEST))
    if received[:1] == b"S":
        return b""
    if received[:1] in (b"N", b"E"):  # no TLS here; an ErrorResponse of a server older than 7.0 or in trouble
        raise _refused("PostgreSQL", b"TLS is not switched on" if received[:1] == b"N" else received)
    raise _stranger("PostgreSQL", received)


def _mysql() -> Conversation[bytes]:
    received = more((yield b""))
    while len(received) < 4 or len(received) < 4 + int.from_bytes(received[:3], "little"):
        if len(received) >= 4 and int.from_bytes(received[:3], "little") > _LINE:
            raise _stranger("MySQL", received)
        received += more((yield b""))
    length = int.from_bytes(received[:3], "little")
    greeting = received[4 : 4 + length]
    if greeting[:1] == b"\xff":  # ERR_Packet: this client's host may not connect, or too many do
        raise _refused("MySQL", greeting[3:])
    version, found, tail = greeting[1:].partition(b"\x00")
    # "Protocol::HandshakeV10": thread id (4), salt (8), filler (1), the lower two bytes of the capabilities.
    if greeting[:1] != b"\x0a" or not found or len(tail) < 15 or not version.isascii():
        raise _stranger("MySQL", received)
    if not int.from_bytes(tail[13:15], "little") & _MYSQL_SSL:
        raise _refused("MySQL", b"TLS is not switched on")
    return _MYSQL_REQUEST


def _refused(protocol: str, why: bytes) -> ProbeError:
    return ProbeError(Failure.NO_STARTTLS, f"{protocol} without TLS: {_readable(why)}")


def _stranger(protocol: str, start: bytes) -> ProbeError:
    return ProbeError(Failure.NOT_TLS, f"the peer does not speak {protocol}: {_readable(start)}")


def _readable(octets: bytes) -> str:
    return "".join(chr(octet) if 32 <= octet < 127 else "." for octet in octets[:100])


_TALKS: dict[str, Callable[[], Conversation[bytes]]] = {
    "smtp": _smtp,
    "imap": _imap,
    "pop3": _pop3,
    "ftp": _ftp,
    "ldap": _ldap,
    "postgresql": _postgresql,
    "mysql": _mysql,
}
