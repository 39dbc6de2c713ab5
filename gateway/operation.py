# SPDX-License-Identifier: Apache-2.0
"""What happens to a request of an operation: who asks, may they, what do they say, the service's answer, the reply."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import msgspec
from flask import Response, request

from gateway import problems
from gateway.exchange import NOBODY, Exchange, Raw, Rpc
from gateway.identity import Identities, caller_of, refuse_foreign_write
from gateway.problems import RefusedError
from gateway.route import JSON, WITH_BODY, Input, Route, command_key
from gateway.settings import GatewaySettings
from gateway.stream import Streams
from gateway.traffic import ACTOR, REMOTE, ROUTE, TRACE
from shared.clock import Ids, derived_id
from shared.context import Context
from shared.contracts.base import Permission
from shared.errors import Code, ServiceError
from shared.messaging.permission import require_permission

logger = logging.getLogger("certwright.gateway")
_encode = msgspec.json.Encoder().encode


class Ground:
    """What all operations stand on."""

    def __init__(self, rpc: Rpc, settings: GatewaySettings, *, ids: Ids, url: str, streams: Streams) -> None:
        self.rpc = rpc
        self.settings = settings
        self.ids = ids
        self.url = url
        self.secure = url.startswith("https:")
        self.identities = Identities(rpc)
        self.streams = streams

    def exchange(self, environ: Mapping[str, Any]) -> Exchange:
        """A public request: nobody is asked who sends it."""
        context = Context(trace_id=environ[TRACE])
        return self._exchange(context, environ, NOBODY)

    def identified(self, environ: Mapping[str, Any]) -> Exchange:
        """A request with the context of its credential. Raises RefusedError and ServiceError."""
        caller = caller_of(self.identities, environ, secure=self.secure, trace_id=environ[TRACE])
        context = Context(
            actor=caller.actor, account_id=caller.account_id, permissions=caller.permissions, trace_id=environ[TRACE]
        )
        return self._exchange(context, environ, caller)

    def _exchange(self, context: Context, environ: Mapping[str, Any], caller: Any) -> Exchange:
        return Exchange(
            self.rpc,
            context,
            caller=caller,
            remote_address=environ[REMOTE],
            trace_id=environ[TRACE],
            url=self.url,
            timeout=self.settings.rpc_seconds,
            settings=self.settings,
        )


class Operation:
    """The Flask view of one route."""

    def __init__(self, route: Route, ground: Ground) -> None:
        self.route = route
        self.input = Input(route)
        self._ground = ground
        self._public = route.request.PERMISSION is Permission.PUBLIC
        self._json_body = route.method in WITH_BODY and route.form is None
        self.__name__ = route.operation_id

    def __call__(self, **path: str) -> Response:
        """The answer, or the problem document."""
        environ = request.environ
        environ[ROUTE] = self.route.operation_id
        try:
            return self._answer(environ, path)
        except ServiceError as error:
            if error.code is Code.INTERNAL:
                logger.warning("%s: the service failed: %s", self.route.operation_id, error.detail)
            return refused(
                problems.of_service(
                    error, self.input.parameters, instance=environ["PATH_INFO"], trace_id=environ[TRACE]
                )
            )
        except RefusedError as error:
            return refuse(error, environ)

    def _answer(self, environ: dict[str, Any], path: Mapping[str, str]) -> Response:
        route, ground = self.route, self._ground
        refuse_foreign_write(environ, ground.url)
        exchange = ground.exchange(environ) if self._public else ground.identified(environ)
        environ[ACTOR] = exchange.context.actor
        require_permission(route.request, exchange.context)
        body = self._body(environ) if route.method in WITH_BODY else None
        asked = self.input.read(path, environ.get("QUERY_STRING", ""), body, exchange, environ)
        if route.stream:
            return self._stream(exchange, asked, environ)
        if route.writes:
            self._name_command(exchange, environ)
        reply = route.call(exchange, asked) if route.call else exchange.send(asked)
        if route.forgets:
            ground.identities.forget()
        if route.answer is not None:
            reply = route.answer(exchange, reply)
        return self._reply(exchange, reply)

    def _body(self, environ: dict[str, Any]) -> bytes:
        limit = self._ground.settings.max_body
        body = read_body(environ, limit)
        if self._json_body and (body or not self.input.body_optional):
            media = environ.get("CONTENT_TYPE") or ""
            kind, _, rest = media.partition(";")
            charset = rest.strip().lower()
            if kind.strip().lower() != JSON or (charset.startswith("charset=") and charset[8:].strip('"') != "utf-8"):
                raise RefusedError("unsupported_media_type", f"Send `Content-Type: {JSON}` in UTF-8.")
        return body

    def _name_command(self, exchange: Exchange, environ: Mapping[str, Any]) -> None:
        key = command_key(environ.get("HTTP_IDEMPOTENCY_KEY"))
        if key is None:
            command = self._ground.ids.new()
        else:
            who = exchange.caller.user_id or exchange.caller.actor
            if exchange.caller is NOBODY:
                who = f"public:{exchange.remote_address}"
            command = derived_id("http", who, self.route.operation_id, key)
        exchange.context = msgspec.structs.replace(exchange.context, command_id=command, correlation_id=command)

    def _stream(self, exchange: Exchange, asked: Any, environ: dict[str, Any]) -> Response:
        environ["eventlet.minimum_write_chunk_size"] = 1  # each event leaves at once
        last = environ.get("HTTP_LAST_EVENT_ID")
        if last is None and "after=" in environ.get("QUERY_STRING", ""):
            last = str(asked.after)

        def still_welcome() -> bool:
            try:
                require_permission(type(asked), self._ground.identified(environ).context)
            except (ServiceError, RefusedError) as error:
                return error.code in {Code.UNAVAILABLE, Code.DEADLINE_EXCEEDED}
            return True

        chunks = self._ground.streams.open(exchange, asked, last, still_welcome)
        return Response(chunks, content_type=self.route.media, headers={"X-Accel-Buffering": "no"})

    def _reply(self, exchange: Exchange, reply: Any) -> Response:
        route = self.route
        if route.status == 204:
            return Response(status=204, headers=exchange.headers)
        if isinstance(reply, Raw):
            answer = Response(reply.body, content_type=reply.media_type, headers=exchange.headers)
            if reply.file_name:
                answer.headers["Content-Disposition"] = f'attachment; filename="{_file_name(reply.file_name)}"'
            return answer
        answer = Response(_encode(reply), status=route.status, content_type=JSON, headers=exchange.headers)
        if route.location:
            fields = {name: getattr(reply, name) for name in reply.__struct_fields__ if f"{{{name}}}" in route.location}
            answer.headers["Location"] = route.location.format_map(fields)
        return answer


def _file_name(name: str) -> str:
    return "".join(c if c.isascii() and (c.isalnum() or c in "._-") else "_" for c in name)


def refused(refusal: problems.Refusal) -> Response:
    """The answer for a problem."""
    return Response(refusal.body, status=refusal.status, headers=refusal.headers)


def refuse(error: RefusedError, environ: Mapping[str, Any]) -> Response:
    """The answer for what the gateway itself refuses."""
    return refused(
        problems.refusal(
            error.code, error.detail, instance=environ["PATH_INFO"], trace_id=environ[TRACE], headers=error.headers
        )
    )


def read_body(environ: Mapping[str, Any], limit: int) -> bytes:
    """The whole body. Raises RefusedError `too_large`, `malformed`."""
    stream = environ["wsgi.input"]
    length = environ.get("CONTENT_LENGTH")
    if length:
        size = int(length) if length.isascii() and length.isdigit() else -1
        if size < 0:
            raise RefusedError("malformed", "Content-Length is no number.")
        if size > limit:
            raise RefusedError(Code.TOO_LARGE, f"A body has at most {limit} bytes.")
        body: bytes = stream.read(size)
        if len(body) < size:
            raise RefusedError("malformed", "The body is shorter than Content-Length says.")
        return body
    if environ.get("HTTP_TRANSFER_ENCODING", "").lower() != "chunked":
        return b""
    parts, got = [], 0
    while got <= limit and (part := stream.read(min(65536, limit + 1 - got))):
        parts.append(part)
        got += len(part)
    if got > limit:
        raise RefusedError(Code.TOO_LARGE, f"A body has at most {limit} bytes.")
    return b"".join(parts)
