# SPDX-License-Identifier: Apache-2.0
"""The web console: built files from `static/console`, and one page for every address below /console/.

The page carries a new nonce each time, since its libraries add styles (CSP level 3); no script stands in it. File names
carry no hash, so that browsers ask each time and mostly hear "not modified".
"""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
import secrets
from functools import cache
from pathlib import Path
from typing import NamedTuple

from flask import Flask, Response, redirect, request
from werkzeug.wrappers import Response as AnyResponse

from gateway.problems import RefusedError
from gateway.traffic import ROUTE
from shared.errors import Code

BUILT = Path(__file__).parent / "static" / "console"
PREFIX = "/console/"
PACKED = frozenset({"text/javascript", "text/css", "image/svg+xml", "application/json"})
mimetypes.add_type("font/woff2", ".woff2")
mimetypes.add_type("text/javascript", ".js")


class _File(NamedTuple):
    body: bytes
    packed: bytes | None
    media: str
    etag: str


def policy(nonce: str) -> str:
    """The content-security policy of the console."""
    return (
        f"default-src 'none'; script-src 'self'; style-src 'self' 'nonce-{nonce}'; img-src 'self' data:; "
        "font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )


def add(flask: Flask) -> None:
    """Adds the rules."""
    flask.add_url_rule("/", "page_landing", lambda: redirect(PREFIX, 302))
    flask.add_url_rule("/console", "page_console_bare", lambda: redirect(PREFIX, 302))
    flask.add_url_rule(PREFIX, "page_console", lambda: _serve(""))
    flask.add_url_rule(f"{PREFIX}<path:path>", "page_console_file", _serve)


def _serve(path: str) -> AnyResponse:
    request.environ[ROUTE] = "page_console"
    file = _files().get(path)
    if file is not None and path != "index.html":
        return _file(file)
    if path.startswith("assets/"):
        raise RefusedError(Code.NOT_FOUND, "There is no such file. The console was updated: load the page again.")
    return _page()


def _page() -> Response:
    index = _files().get("index.html")
    if index is None:
        raise RefusedError(Code.NOT_FOUND, "The console was not built into this installation: run `make console`.")
    nonce = secrets.token_urlsafe(16)
    return Response(
        index.body.replace(b"%NONCE%", nonce.encode()),
        content_type="text/html; charset=utf-8",
        headers={"Content-Security-Policy": policy(nonce)},
    )


def _file(file: _File) -> Response:
    answer = Response(content_type=file.media)
    answer.headers["Cache-Control"] = "no-cache"
    answer.headers["Vary"] = "Accept-Encoding"
    answer.set_etag(file.etag)
    if file.packed is not None and "gzip" in request.headers.get("Accept-Encoding", ""):
        answer.headers["Content-Encoding"] = "gzip"
        answer.set_data(file.packed)
    else:
        answer.set_data(file.body)
    answer.make_conditional(request.environ)
    return answer


@cache
def _files() -> dict[str, _File]:
    """Every built file by its path, read and packed once: a few megabytes."""
    return {path.relative_to(BUILT).as_posix(): _read(path) for path in BUILT.rglob("*") if path.is_file()}


def _read(path: Path) -> _File:
    body = path.read_bytes()
    kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    media = f"{kind}; charset=utf-8" if kind.startswith("text/") else kind
    packed = gzip.compress(body, 9, mtime=0) if kind in PACKED else None
    return _File(body, packed, media, hashlib.sha256(body).hexdigest()[:32])
