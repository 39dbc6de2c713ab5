# SPDX-License-Identifier: Apache-2.0
"""Who may ask: whoever has the URL from the terminal, in a browser that really shows this page.

Every site in that browser, and every user of the host, can connect to a port of loopback. So the path holds a random
token; the Host must be this very address, which a name that was bound to 127.0.0.1 is not (DNS rebinding); and what
changes something must come from a form of this page (RFC 6454 §7).
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from urllib.parse import parse_qsl

BODY_LIMIT = 64 * 1024
_MOST_FIELDS = 20
_FORM = "application/x-www-form-urlencoded"

HEADERS = {
    # No script at all, nothing from elsewhere, and no other page around it.
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    # Not no-referrer: a form would then say `Origin: null`.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class RefusedRequest(Exception):  # noqa: N818  an answer, not an accident
    """Nothing is done; `status` and the few words go back."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(words)
        self.status = status
        self.words = words


class Guard:
    """For one port and one token of 256 random bits."""

    def __init__(self, port: int, token: str) -> None:
        self._hosts = (f"127.0.0.1:{port}", f"localhost:{port}")
        self._token = token.encode("ascii")

    def place(self, target: str, headers: Mapping[str, str]) -> str:
        """The path behind the token. Raises RefusedRequest."""
        if headers.get("Host") not in self._hosts:
            raise RefusedRequest(403, "This page is at 127.0.0.1 only.")
        before, token, place = [*target.partition("?")[0].split("/", 2), "?", "?"][:3]
        if before or place == "?" or not hmac.compare_digest(token.encode("utf-8", "replace"), self._token):
            raise RefusedRequest(404, "Not found. The address is the one that the agent printed.")
        return place

    def length(self, headers: Mapping[str, str]) -> int:
        """The length of a form that this page sent. Raises RefusedRequest before a byte of it is read."""
        if headers.get("Origin") != f"http://{headers.get('Host')}":
            raise RefusedRequest(403, "This was not asked by the agent's own page.")
        if headers.get("Sec-Fetch-Site", "same-origin") != "same-origin":
            raise RefusedRequest(403, "This was not asked by the agent's own page.")
        if headers.get("Content-Type", "").partition(";")[0].strip().lower() != _FORM:
            raise RefusedRequest(415, "Only forms are read.")
        length = headers.get("Content-Length", "")
        if "Transfer-Encoding" in headers or not (length.isascii() and length.isdigit() and len(length) < 12):
            raise RefusedRequest(411, "The length is missing.")
        if int(length) > BODY_LIMIT:
            raise RefusedRequest(413, "Too large.")
        return int(length)


def read_form(body: bytes, length: int) -> dict[str, str]:
    """The fields of a form that came whole. Raises RefusedRequest."""
    if len(body) != length:
        raise RefusedRequest(400, "The form is cut off.")
    try:
        pairs = parse_qsl(
            body.decode("ascii"), keep_blank_values=True, strict_parsing=bool(body), errors="strict",
            max_num_fields=_MOST_FIELDS,
        )  # fmt: skip
    except ValueError:
        raise RefusedRequest(400, "This is no form.") from None
    return dict(pairs)
