# SPDX-License-Identifier: Apache-2.0
"""Key authorizations of ACME (RFC 8555 §8): where each has to stand, and whether what was found is one."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Sequence
from typing import Any

from services.dcv.model.judging import MAX_FILE_BYTES, SHOWN_BYTES, FileAnswer, Outcome, Reason, refused

_WHITESPACE = b" \t\r\n"
_STRING = re.compile(r'"((?:[^"\\]|\\.)*)"')


def key_authorization(token: str, thumbprint: str) -> str:
    """The token, a dot, and the thumbprint of the client's key (§8.1)."""
    return f"{token}.{thumbprint}"


def http_url(fqdn: str, port: int, token: str) -> str:
    """Where http-01 is looked for (§8.3). The port stands in it only in laboratories."""
    authority = fqdn if port == 80 else f"{fqdn}:{port}"
    return f"http://{authority}/.well-known/acme-challenge/{token}"


def dns_name(base: str) -> str:
    """Where dns-01 is looked for (§8.4), with the trailing dot; `base` is the FQDN without `*.`."""
    return f"_acme-challenge.{base}."


def dns_value(token: str, thumbprint: str) -> str:
    """The text of the record: SHA-256 of the key authorization in base64url."""
    digest = hashlib.sha256(key_authorization(token, thumbprint).encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def texts_of(records: Sequence[str]) -> list[str]:
    """The texts of TXT records in presentation form, the strings of each put together."""
    return ["".join(_STRING.findall(record)) for record in records]


def judge_http(answer: FileAnswer, expected: str, evidence: dict[str, Any]) -> Outcome:
    """Status 200 and the key authorization; white space after it is forgiven (§8.3)."""
    shown = answer.body[:SHOWN_BYTES].decode("ascii", "backslashreplace")
    found = evidence | {"status": answer.status, "content": shown}
    if answer.status in {404, 410}:
        return refused(Reason.NOT_FOUND, found)
    if answer.status != 200:
        return refused(Reason.BAD_STATUS, found)
    if not answer.complete or len(answer.body) > MAX_FILE_BYTES:
        return refused(Reason.TOO_LARGE, found)
    if answer.body.rstrip(_WHITESPACE) != expected.encode("ascii"):
        return refused(Reason.WRONG_CONTENT, found)
    return Outcome(passed=True, evidence=found)


def judge_dns(
    question: str, status: str, records: Sequence[str], expected: str, *, server: str, dnssec: str = ""
) -> Outcome:
    """One of the TXT records is the value; others beside it are no fault (§8.4). Records are in presentation form.
    What is signed wrongly (`dnssec` is bogus) proves nothing.
    """
    texts = texts_of(records)
    asked = {"name": question, "status": status, "targets": [text[:SHOWN_BYTES] for text in texts[:20]]} | (
        {"dnssec": dnssec} if dnssec else {}
    )
    found: dict[str, Any] = {"expected": expected, "resolver": server, "dns": [asked]}
    if dnssec == "bogus":
        return refused(Reason.BOGUS, found)
    if expected in texts:
        return Outcome(passed=True, evidence=found)
    if texts:
        return refused(Reason.WRONG_TARGET, found)
    if status in {"ok", "nodata", "nxdomain"}:
        return refused(Reason.NO_SUCH_NAME, found)
    return refused(Reason.DNS_FAILED, found)
