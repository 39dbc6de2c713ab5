# SPDX-License-Identifier: Apache-2.0
"""A small client of our own HTTP API, for the command line and the demonstration."""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import requests


class ProblemError(Exception):
    """The API said no: an RFC 9457 problem document."""

    def __init__(self, status: int, document: dict[str, Any]) -> None:
        super().__init__(status, document)
        self.status = status
        self.document = document

    def __str__(self) -> str:
        text = str(self.document.get("detail") or self.document.get("title") or f"HTTP {self.status}")
        fields = [f"  {e.get('pointer', '')}: {e.get('detail', '')}" for e in self.document.get("errors", [])]
        return "\n".join([text, *fields])


class UnreachableError(Exception):
    """Nobody answered at the address."""


class APIClient:
    """Speaks JSON with `<url>/api/v1`. A token or the cookies of a sign-in say who asks.

    `ca_file` verifies a gateway whose certificate is not in the system's trust store.
    """

    def __init__(
        self, url: str, token: str | None = None, *, ca_file: str | None = None, timeout: float = 30.0
    ) -> None:
        self.url = url.rstrip("/")
        self.timeout = timeout
        self._session = requests.Session()
        self._session.trust_env = False
        if ca_file:
            self._session.verify = ca_file
        if token:
            self._session.headers["Authorization"] = f"Bearer {token}"

    def call(
        self,
        method: str,
        path: str,
        body: dict[str, Any] | None = None,
        *,
        params: dict[str, Any] | None = None,
        idempotency_key: str | None = None,
    ) -> Any:
        """One request. Writes get an Idempotency-Key, so that a repeated attempt has one effect.

        Raises ProblemError, UnreachableError.
        """
        headers = {"Origin": self.url}
        if method != "GET":
            headers["Idempotency-Key"] = idempotency_key or str(uuid.uuid4())
        address = path if path.startswith("http") else f"{self.url}/api/v1{path}"
        try:
            answer = self._session.request(
                method, address, json=body, params=params, headers=headers, timeout=self.timeout
            )
        except requests.RequestException as error:
            raise UnreachableError(f"{self.url} does not answer: {type(error).__name__}") from error
        if answer.status_code >= 400:
            raise ProblemError(answer.status_code, _document(answer))
        if "json" in answer.headers.get("Content-Type", ""):
            return answer.json()
        return answer.content

    def get(self, path: str, **params: Any) -> Any:
        """Reads; parameters that are None are left out."""
        return self.call("GET", path, params={k: v for k, v in params.items() if v is not None})

    def post(self, path: str, body: dict[str, Any] | None = None, *, idempotency_key: str | None = None) -> Any:
        """Writes."""
        return self.call("POST", path, body if body is not None else {}, idempotency_key=idempotency_key)

    def pages(self, path: str, *, most: int, **params: Any) -> Iterator[dict[str, Any]]:
        """Walks a list page by page, up to `most` items."""
        cursor: str | None = None
        left = most
        while left > 0:
            page = self.get(path, cursor=cursor, limit=min(left, 100), **params)
            yield from page["items"]
            left -= len(page["items"])
            cursor = page.get("next_cursor")
            if not cursor:
                return


def _document(answer: requests.Response) -> dict[str, Any]:
    try:
        document = answer.json()
    except ValueError:
        return {"title": f"HTTP {answer.status_code}"}
    return document if isinstance(document, dict) else {"title": f"HTTP {answer.status_code}"}


def credentials_path() -> Path:
    """Where `certwright sign-in` keeps the address and the token; readable by its owner only."""
    base = os.environ.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
    return Path(base) / "certwright" / "credentials.json"


def save_credentials(url: str, token: str) -> Path:
    """Writes the credentials file with mode 0600."""
    path = credentials_path()
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump({"url": url, "token": token}, file)
    return path


def load_credentials() -> tuple[str | None, str | None]:
    """The saved address and token, or None for each."""
    path = credentials_path()
    if not path.is_file():
        return None, None
    saved = json.loads(path.read_text())
    return saved.get("url"), saved.get("token")
