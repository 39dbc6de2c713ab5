# SPDX-License-Identifier: Apache-2.0
"""One HTTPS request and one HTTP request: status, headers, names and flags of cookies. No page is kept."""

from __future__ import annotations

from dataclasses import dataclass

from shared.probe.conversation import Conversation, Outcome
from shared.probe.openssl import context_of, shake_hands, write_and_read
from shared.probe.outcome import Failed, Failure, ProbeError
from shared.probe.survey import Web
from shared.probe.surveying.inquiry import Inquiry, ask, together

_MOST = 64 * 1024  # bytes of headers; RFC 9110 sets no bound, servers stop at 8 to 64 KiB
_HEADERS = 200
_VALUE = 4096


@dataclass(frozen=True)
class Answer:
    """The head of an HTTP answer. `headers` in lower case, the first of each name; `cookies` without values."""

    status: int
    headers: dict[str, str]
    cookies: tuple[str, ...]


def ask_plainly(server_name: str, plain_port: int) -> Inquiry[Outcome[Answer]]:
    """Asks `plain_port` for `/` without TLS (0: not at all)."""
    if not plain_port:
        yield from together()
        return Failed(Failure.STOPPED, "not asked")
    return (yield from ask("HTTP", lambda: _ask_plainly(server_name), plain_port))


def survey_web(server_name: str, plain: Outcome[Answer]) -> Inquiry[Web]:
    """Asks for `/` by TLS; `plain` is what came without."""
    secure: Outcome[Answer] = yield from ask("HTTPS", lambda: _ask_by_tls(server_name))
    told = Web(reason=_reason(secure)) if isinstance(secure, Failed) else _told(secure)
    if isinstance(plain, Failed):
        return told
    return Web(
        told.status,
        told.location,
        told.headers,
        told.cookies,
        told.compresses,
        plain.status,
        plain.headers.get("location", ""),
        told.reason,
    )


def _told(answer: Answer) -> Web:
    compresses = answer.headers.get("content-encoding", "").lower() in ("gzip", "deflate", "br", "zstd")
    return Web(answer.status, answer.headers.get("location", ""), answer.headers, answer.cookies, compresses)


def _reason(failed: Failed) -> str:
    return f"{failed.failure.value}: {failed.detail}"


def _request(server_name: str) -> bytes:
    host = server_name or "localhost"
    return (
        f"GET / HTTP/1.1\r\nHost: {host}\r\nUser-Agent: certwright\r\nAccept: */*\r\n"
        "Accept-Encoding: gzip, deflate, br\r\nConnection: close\r\n\r\n"
    ).encode("ascii", "replace")


def _ask_by_tls(server_name: str) -> Conversation[Answer]:
    hands = yield from shake_hands(context_of(alpn=("http/1.1",)), server_name or None)
    return read_answer((yield from write_and_read(hands, _request(server_name), _MOST, until=b"\r\n\r\n")))


def _ask_plainly(server_name: str) -> Conversation[Answer]:
    received = yield _request(server_name)
    answer = received
    while received and b"\r\n\r\n" not in answer and len(answer) < _MOST:
        received = yield b""
        answer += received
    return read_answer(answer)


def read_answer(received: bytes) -> Answer:
    """The head of it (RFC 9112 §4, §5). Raises ProbeError for what is no HTTP."""
    head, _, _ = received.partition(b"\r\n\r\n")
    first, *lines = head.split(b"\r\n")
    words = first.split(b" ", 2)
    if not first.startswith(b"HTTP/1.") or len(words) < 2 or not words[1].isdigit() or len(words[1]) != 3:
        raise ProbeError(Failure.MALFORMED, "the answer is no HTTP")
    headers: dict[str, str] = {}
    cookies = []
    for line in lines[:_HEADERS]:
        name, colon, value = line.decode("latin-1").partition(":")
        if not colon:
            continue
        text = "".join(char for char in value.strip() if char.isprintable())[:_VALUE]
        if name.strip().lower() == "set-cookie":
            cookies.append(_cookie(text))
        else:
            headers.setdefault(name.strip().lower(), text)
    return Answer(int(words[1]), headers, tuple(cookies))


def _cookie(text: str) -> str:
    """`name; Secure; HttpOnly; SameSite=Lax`: its value is none of our business (RFC 6265 §4.1)."""
    pair, *attributes = (part.strip() for part in text.split(";"))
    kept = [one for one in attributes if one.lower() in ("secure", "httponly", "partitioned")]
    kept += [one for one in attributes if one.lower().startswith("samesite=")]
    return "; ".join([pair.partition("=")[0], *kept])
