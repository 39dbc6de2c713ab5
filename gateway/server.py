# SPDX-License-Identifier: Apache-2.0
"""Serves the application by eventlet's WSGI server, with limits against slow and greedy clients, TLS, and a drain.

eventlet has a time limit per read only; a client that sends a byte now and then would hold its connection for ever.
Here the request line with all headers has one limit, and so has the body (quality bar S21). A drain lets running
requests end, closes idle connections, and answers `Connection: close` from then on.
"""

from __future__ import annotations

import contextlib
import logging
import ssl
from collections.abc import Callable, Iterable
from io import BytesIO
from typing import Any

import eventlet
import eventlet.wsgi
from eventlet.green import socket as green_socket
from eventlet.green import ssl as green_ssl
from greenlet import GreenletExit

from gateway import problems
from gateway.settings import GatewaySettings

logger = logging.getLogger("certwright.gateway")
BACKLOG = 4096  # the kernel takes less where net.core.somaxconn is less
MAX_REQUEST_LINE = 16 << 10
CLOSE = "certwright.close"
MAX_DISCARD = 8 << 20
_METHODS_WITHOUT_BODY = frozenset({"GET", "HEAD", "DELETE", "OPTIONS"})


class Server:
    """One listening socket. `url` is right after `start`, also for port 0."""

    def __init__(self, application: Callable[..., Iterable[bytes]], settings: GatewaySettings) -> None:
        self._settings = settings
        self._application = BodyReader(application, settings)
        self._context = _tls(settings)
        self._socket: Any = None
        self._thread: Any = None
        self._pool = eventlet.GreenPool(settings.max_connections)
        self.listening = False
        self.port = settings.port

    @property
    def url(self) -> str:
        """Where it listens."""
        host = self._settings.host
        shown = f"[{host}]" if ":" in host else host
        return f"{'https' if self._context else 'http'}://{shown}:{self.port}"

    def start(self) -> None:
        """Returns when it listens. Raises OSError."""
        host = self._settings.host
        family = green_socket.AF_INET6 if ":" in host else green_socket.AF_INET
        listener = eventlet.listen((host, self._settings.port), family=family, backlog=BACKLOG, reuse_port=False)
        self.port = listener.getsockname()[1]
        if self._context is not None:
            # The handshake happens at the first read of a connection, so that a slow one stops nobody else.
            listener = green_ssl.GreenSSLSocket(
                listener, server_side=True, do_handshake_on_connect=False, _context=self._context
            )
        self._socket = listener
        self.listening = True
        self._thread = eventlet.spawn(self._serve, listener)

    def stop(self) -> None:
        """Takes no more connections and waits for running requests, at most `drain_seconds`."""
        if not self.listening:
            return
        self.listening = False
        self._thread.kill()  # ends the accept loop; eventlet closes idle connections and waits for the others
        self._socket.close()  # only then are new connections refused
        with eventlet.Timeout(self._settings.drain_seconds, False), contextlib.suppress(GreenletExit):
            self._thread.wait()
        if not self._pool.running():
            return
        logger.warning("%d connections did not end in time", self._pool.running())
        for running in list(self._pool.coroutines_running):
            eventlet.kill(running)

    def _serve(self, listener: Any) -> None:
        eventlet.wsgi.server(
            listener,
            self._application,
            protocol=type("Connection", (Connection,), {"header_seconds": self._settings.header_seconds}),
            custom_pool=self._pool,
            keepalive=True,
            log_output=False,
            debug=False,
            log_x_forwarded_for=False,
            url_length_limit=MAX_REQUEST_LINE,
            socket_timeout=self._settings.write_seconds,
        )


def _tls(settings: GatewaySettings) -> ssl.SSLContext | None:
    if settings.tls_certificate is None:
        return None
    context = green_ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    try:
        context.load_cert_chain(settings.tls_certificate, settings.tls_key)
    except (OSError, ssl.SSLError) as error:
        raise ValueError(f"{settings.tls_certificate} and {settings.tls_key} are no usable pair: {error}") from error
    return context


class Connection(eventlet.wsgi.HttpProtocol):
    """One connection, with one time limit for everything before the body."""

    header_seconds = 65.0

    def _read_request_line(self) -> bytes:
        self._timer = eventlet.Timeout(self.header_seconds, TimeoutError("the request line or headers came too slowly"))
        try:
            return super()._read_request_line()
        except (TimeoutError, OSError):
            self._timer.cancel()
            return b""

    def parse_request(self) -> bool:
        """Request line and headers, within the time."""
        try:
            return super().parse_request()
        except (TimeoutError, OSError):
            self.close_connection = True
            return False
        finally:
            self._timer.cancel()

    def get_environ(self) -> dict[str, Any]:
        """What the application sees, with a way to end the connection after the answer."""
        environ: dict[str, Any] = super().get_environ()
        environ[CLOSE] = self._close_afterwards
        return environ

    def _close_afterwards(self) -> None:
        self.close_connection = True

    def handle_one_request(self) -> None:
        """One request; its time limit never outlives it."""
        try:
            super().handle_one_request()
        finally:
            self._timer.cancel()

    def finish(self) -> None:
        """Closes everything, also what cannot be flushed."""
        try:
            super().finish()
        finally:
            for file in (self.wfile, self.rfile):
                with contextlib.suppress(OSError):
                    file.close()

    def send_error(self, code: int, _message: str | None = None, _explain: str | None = None) -> None:
        """What cannot be parsed as HTTP gets a problem document too."""
        refusal = problems.refusal("malformed", "This is no HTTP request.", instance="", trace_id="")
        self.close_connection = True
        self.wfile.write(
            b"HTTP/1.1 %d Bad Request\r\nContent-Type: %b\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%b"
            % (code, problems.MEDIA_TYPE.encode(), len(refusal.body), refusal.body)
        )


class BodyReader:
    """WSGI middleware: reads a body within its time limit before the application runs."""

    def __init__(self, application: Callable[..., Iterable[bytes]], settings: GatewaySettings) -> None:
        self._application = application
        self._seconds = settings.body_seconds
        self._limit = settings.max_body

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Serves one request."""
        if environ["REQUEST_METHOD"] in _METHODS_WITHOUT_BODY:
            return self._application(environ, start_response)
        length = int(environ.get("CONTENT_LENGTH") or 0)  # eventlet has refused what is no number
        chunked = environ.get("HTTP_TRANSFER_ENCODING", "").lower() == "chunked"
        if not length and not chunked:
            return self._application(environ, start_response)
        stream = environ["wsgi.input"]
        try:
            with eventlet.Timeout(self._seconds, TimeoutError("the body came too slowly")):
                body = _read(stream, self._limit + 1 if chunked else min(length, self._limit + 1))
                if len(body) > self._limit:
                    environ[CLOSE]()
                    # A client that still sends when its connection closes never sees why.
                    _read(stream, MAX_DISCARD)
        except (OSError, ValueError) as error:  # ValueError: eventlet's ChunkReadError
            environ[CLOSE]()
            return _refused(error, start_response)
        environ["wsgi.input"] = BytesIO(body)
        return self._application(environ, start_response)


def _read(stream: Any, most: int) -> bytes:
    parts, got = [], 0
    while got < most and (part := stream.read(min(65536, most - got))):
        parts.append(part)
        got += len(part)
    return b"".join(parts)


def _refused(error: Exception, start_response: Callable[..., Any]) -> list[bytes]:
    slow = isinstance(error, TimeoutError)
    code = "request_timeout" if slow else "malformed"
    refusal = problems.refusal(code, "The body did not come as announced.", instance="", trace_id="")
    start_response(f"{refusal.status} {'Request Timeout' if slow else 'Bad Request'}", refusal.headers)
    return [refusal.body]
