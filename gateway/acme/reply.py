# SPDX-License-Identifier: Apache-2.0
"""Answers of the ACME server."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec
from flask import Response

from gateway.acme.refusal import ACMERefusedError
from gateway.problems import MEDIA_TYPE
from gateway.route import JSON

_encode = msgspec.json.Encoder().encode


def json_reply(document: Any, status: int = 200, headers: Iterable[tuple[str, str]] = ()) -> Response:
    """A JSON object."""
    answer = Response(_encode(document), status=status, content_type=JSON)
    for name, value in headers:
        answer.headers.add(name, value)
    return answer


def refusal_reply(error: ACMERefusedError) -> Response:
    """A problem document."""
    answer = json_reply(error.document(), error.status, error.headers)
    answer.content_type = MEDIA_TYPE
    return answer
