# SPDX-License-Identifier: Apache-2.0
"""Talks to the gateway: HTTPS against the pinned CA, JSON both ways, a time and a size limit on everything."""

from __future__ import annotations

import http.client
import json
import ssl
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from certwright_agent import VERSION
from certwright_agent.errors import GatewayError

_BODY_LIMIT = 4 * 1024 * 1024
_LONGEST_WAIT = 600  # seconds, whatever a gateway asks for


class Gateway:
    """The agent API below `<url>/api/agent/v1`. `token` is None until the agent is enrolled."""

    def __init__(self, url: str, ca_file: Path | None, token: str | None = None, *, timeout: float = 20.0) -> None:
        parts = urlsplit(url)
        self._host = parts.hostname or ""
        self._port = parts.port
        self._base = parts.path.rstrip("/") + "/api/agent/v1"
        self._token = token
        self._timeout = timeout
        self._context: ssl.SSLContext | None = None
        if parts.scheme == "https":
            # Only the pinned CA vouches for the gateway: no system store.
            self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            self._context.minimum_version = ssl.TLSVersion.TLSv1_2
            self._context.load_verify_locations(cafile=str(ca_file))

    def send(self, method: str, path: str, body: dict[str, Any], *, timeout: float | None = None) -> dict[str, Any]:
        """Sends one request and returns the JSON object of the answer. Raises GatewayError; follows no redirect."""
        headers = {"Content-Type": "application/json", "User-Agent": f"certwright-agent/{VERSION}"}
        if self._token is not None:
            headers["Authorization"] = f"Bearer {self._token}"
        connection = self._connection(timeout or self._timeout)
        try:
            connection.request(method, self._base + path, json.dumps(body).encode(), headers)
            answer = connection.getresponse()
            content = answer.read(_BODY_LIMIT + 1)
        except ssl.SSLCertVerificationError as error:
            raise GatewayError(f"the gateway's certificate is not vouched for by the pinned CA: {error}") from None
        except (OSError, http.client.HTTPException) as error:
            raise GatewayError(f"the gateway at {self._host} cannot be reached: {error}") from None
        finally:
            connection.close()
        return _read(answer.status, content, _retry_after(answer.headers.get("Retry-After")))

    def _connection(self, timeout: float) -> http.client.HTTPConnection:
        if self._context is None:
            return http.client.HTTPConnection(self._host, self._port, timeout=timeout)
        return http.client.HTTPSConnection(self._host, self._port, timeout=timeout, context=self._context)


def _retry_after(text: str | None) -> float:
    """Seconds of a Retry-After (RFC 9110 §10.2.3), which our gateway never gives as a date; 0 for anything else."""
    if text is None or not text.isascii() or not text.isdigit():
        return 0.0
    return float(min(int(text[:9]), _LONGEST_WAIT))


def _read(status: int, content: bytes, retry_after: float = 0.0) -> dict[str, Any]:
    if len(content) > _BODY_LIMIT:
        raise GatewayError("the gateway's answer is too large", status)
    try:
        value = json.loads(content) if content else {}
    except (ValueError, RecursionError):  # also when it is nested too deep to be read
        value = None
    if not 200 <= status < 300:
        detail = value.get("detail") if isinstance(value, dict) else None
        raise GatewayError(
            f"the gateway answered {status}: {str(detail or 'no reason given')[:300]}", status, retry_after
        )
    if not isinstance(value, dict):
        raise GatewayError("the gateway's answer is not a JSON object", status)
    return value
