# SPDX-License-Identifier: Apache-2.0
"""The WSGI application: Flask rules made from the route table, pages, and one form for every refusal."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from gateway import console_files, pages, provider_pages
from gateway.acme import routes as acme_routes
from gateway.admission import Admission
from gateway.exchange import Rpc
from gateway.operation import Ground, Operation, refuse
from gateway.operations import ROUTES
from gateway.problems import RefusedError
from gateway.route import SLASHED, Route
from gateway.settings import GatewaySettings
from gateway.stream import Streams
from gateway.traffic import Traffic, shown_path
from shared.clock import Ids, RandomIds
from shared.errors import Code

logger = logging.getLogger("certwright.gateway")
HERE = Path(__file__).parent
_HTTP_CODES = {400: "malformed", 404: Code.NOT_FOUND, 408: "request_timeout", 413: Code.TOO_LARGE,
    415: "unsupported_media_type"}  # fmt: skip


class Gateway:
    """The application with what has to be stopped. Call it with (environ, start_response)."""

    def __init__(
        self,
        rpc: Rpc,
        settings: GatewaySettings | None = None,
        *,
        public_url: str = "http://127.0.0.1:8080",
        ids: Ids | None = None,
        routes: Iterable[Route] = ROUTES,
    ) -> None:
        settings = settings or GatewaySettings()
        self.streams = Streams(rpc, poll=settings.event_poll_seconds, most=settings.max_connections // 2)
        self.ground = Ground(rpc, settings, ids=ids or RandomIds(), url=origin(public_url), streams=self.streams)
        self.flask = _flask()
        self.operations = [Operation(route, self.ground) for route in routes]
        for operation in self.operations:
            self.flask.add_url_rule(
                rule_of(operation.route.path),
                operation.route.operation_id,
                operation,
                methods=[operation.route.method],
                merge_slashes=False,
            )
        pages.add(self.flask, self.ground)
        provider_pages.add(self.flask, self.ground)
        self.acme = acme_routes.add(self.flask, self.ground)
        console_files.add(self.flask)
        admitted = Admission(self.flask.wsgi_app, settings.agent_requests)
        self._serve = Traffic(admitted, secure=self.ground.secure, trusted=settings.trusted_proxies)

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Serves one request."""
        return self._serve(environ, start_response)


def origin(url: str) -> str:
    """Scheme, host and port of the public URL, as browsers write an Origin."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.netloc:
        raise ValueError(f"public_url must be http(s)://host[:port], not {url!r}")
    return f"{parts.scheme}://{parts.netloc}".lower()


def rule_of(path: str) -> str:
    """The Flask rule of a route's path."""
    return re.sub(r"\{(\w+)\}", lambda name: f"<path:{name[1]}>" if name[1] in SLASHED else f"<{name[1]}>", path)


def _flask() -> Flask:
    flask = Flask("certwright", template_folder=str(HERE / "templates"), static_folder=str(HERE / "static"))
    flask.url_map.merge_slashes = False
    flask.register_error_handler(HTTPException, _http_error)
    flask.register_error_handler(RefusedError, lambda error: refuse(error, request.environ))
    flask.register_error_handler(Exception, _unexpected)
    return flask


def _http_error(error: HTTPException) -> Response:
    headers = []
    if isinstance(error, MethodNotAllowed):
        headers.append(("Allow", ", ".join(sorted(error.valid_methods or ()))))
        refused = RefusedError("method_not_allowed", "This path does not know the method.", headers=headers)
    else:
        code = _HTTP_CODES.get(error.code or 500, "malformed" if (error.code or 500) < 500 else Code.INTERNAL)
        refused = RefusedError(code, "There is nothing here." if error.code == 404 else "The request cannot be served.")
    return refuse(refused, request.environ)


def _unexpected(error: Exception) -> Response:
    logger.error("%s %s failed", request.method, shown_path(request.path), exc_info=error)
    return refuse(
        RefusedError(Code.INTERNAL, "Something went wrong here. The trace id finds it in the log."), request.environ
    )
