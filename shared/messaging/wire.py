# SPDX-License-Identifier: Apache-2.0
"""Requests and replies as bytes: nameko's JSON forms, read and written by msgspec in one pass."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from shared.contracts.base import Request
from shared.errors import Code, ServiceError

_encoder = msgspec.json.Encoder()


class ErrorBody(msgspec.Struct, frozen=True, kw_only=True):
    """nameko's serialized exception, plus what a ServiceError carries."""

    exc_type: str = "ServiceError"
    exc_path: str = "shared.errors.ServiceError"
    exc_args: list[str] = []
    value: str = ""
    code: str = Code.INTERNAL.value
    detail: str = ""
    pointer: str | None = None
    extra: dict[str, str] = {}


class Reply(msgspec.Struct):
    """What comes back: one of the two is None."""

    result: msgspec.Raw = msgspec.Raw(b"null")
    error: ErrorBody | None = None


_reply_decoder = msgspec.json.Decoder(Reply)
_call_decoders: dict[type[Request[Any]], msgspec.json.Decoder[Any]] = {}
_result_decoders: dict[type[Request[Any]], msgspec.json.Decoder[Any]] = {}


def encode_call(request: Request[Any]) -> bytes:
    """`{"args": [], "kwargs": {…the request's fields…}}`, nameko's form of a call."""
    return b'{"args":[],"kwargs":' + _encoder.encode(request) + b"}"


def decode_call(body: bytes | str, request_type: type[Request[Any]]) -> Any:
    """The request, strictly: no unknown field, no conversion. Raises ServiceError `invalid` with a JSON pointer."""
    decoder = _call_decoders.get(request_type)
    if decoder is None:
        form = msgspec.defstruct(
            "Call", [("kwargs", request_type), ("args", list[Any], [])], forbid_unknown_fields=True
        )
        decoder = _call_decoders[request_type] = msgspec.json.Decoder(form)
    try:
        return decoder.decode(body).kwargs
    except msgspec.ValidationError as error:
        raise invalid_from(error, prefix="$.kwargs") from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise ServiceError(Code.INVALID, "The request is not JSON.") from None


_PATH = re.compile(r"^(?P<what>.*?) - at `(?P<path>[^`]+)`$", re.DOTALL)
_STEP = re.compile(r"\.(?P<name>[^.\[\]]+)|\[(?P<index>\d+|\.\.\.)\]")


def invalid_from(error: msgspec.ValidationError, *, prefix: str = "$") -> ServiceError:
    """msgspec's finding (`Expected `int`, got `str` - at `$.kwargs.names[0]``) as an error with an RFC 6901 pointer.

    `[...]` in msgspec's path means some key or element of a container; the pointer stops there.
    """
    match = _PATH.match(str(error))
    if match is None:
        return ServiceError(Code.INVALID, str(error), pointer="")
    pointer = ""
    for step in _STEP.finditer(match["path"].removeprefix(prefix)):
        if step["index"] == "...":
            break
        name = step["name"] if step["index"] is None else step["index"]
        pointer += "/" + name.replace("~", "~0").replace("/", "~1")
    return ServiceError(Code.INVALID, match["what"], pointer=pointer)


def encode_result(result: Any) -> bytes:
    """`{"result": …, "error": null}`. Raises TypeError when the result has no JSON form."""
    return b'{"result":' + _encoder.encode(result) + b',"error":null}'


def encode_error(error: ServiceError) -> bytes:
    """`{"result": null, "error": {…}}`."""
    body = ErrorBody(
        exc_args=[error.code.value, error.detail],
        value=str(error),
        code=error.code.value,
        detail=error.detail,
        pointer=error.pointer,
        extra=error.extra,
    )
    return b'{"result":null,"error":' + _encoder.encode(body) + b"}"


def decode_reply(body: bytes | str, request_type: type[Request[Any]]) -> Any:
    """The typed result. Raises the ServiceError that the service answered with, `internal` for any other error."""
    reply = _reply_decoder.decode(body)
    if reply.error is not None:
        raise _error(reply.error)
    if request_type.REPLY is None:
        return msgspec.json.decode(reply.result)
    decoder = _result_decoders.get(request_type)
    if decoder is None:
        decoder = _result_decoders[request_type] = msgspec.json.Decoder(request_type.REPLY)
    return decoder.decode(reply.result)


def _error(body: ErrorBody) -> ServiceError:
    if body.exc_type != "ServiceError":
        return ServiceError(Code.INTERNAL, "The service failed.")
    try:
        code = Code(body.code)
    except ValueError:  # a newer service knows more codes
        code = Code.INTERNAL
    return ServiceError(code, body.detail, pointer=body.pointer, extra=body.extra)
