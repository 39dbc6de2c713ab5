# SPDX-License-Identifier: Apache-2.0
"""Checks every argument of a job again on this side: the gateway's word is data, not an order (quality-bar S12).

All functions raise Refused with the reason; all return the checked value.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from certwright_agent.errors import Refused

# RFC 1034 §3.5 with RFC 1123 §2.1: letters, digits, hyphens; the whole name at most 253, a label at most 63.
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_FQDN = re.compile(rf"(?:\*\.)?(?:{_LABEL}\.)+{_LABEL}\Z")
_HEX64 = re.compile(r"[0-9a-f]{64}\Z")
_SERIAL = re.compile(r"[0-9A-Fa-f]{1,42}\Z")
_DCV_PATH = re.compile(r"/?\.well-known/pki-validation/([0-9A-Fa-f]{32}\.txt)\Z")
_TOKEN = re.compile(r"[A-Za-z0-9_-]{16,200}\Z")  # RFC 8555 §8.1: base64url, 128 bits at least
_KEY_AUTHORIZATION = re.compile(r"[A-Za-z0-9_-]{16,200}\.[A-Za-z0-9_-]{43}\Z")
_CONTENT = re.compile(r"[\x20-\x7e\n\r]{1,4096}\Z")
_SITE_NAME = re.compile(r"[^\x00-\x1f\x7f]{1,255}\Z")  # names a site of this host or nothing: may be a pattern
_ORDER_NUMBER = re.compile(r"[0-9]{1,18}\Z")
_CERTIFICATE = re.compile(
    r"-----BEGIN CERTIFICATE-----\r?\n(?:[A-Za-z0-9+/=]{1,76}\r?\n)+-----END CERTIFICATE-----\s*\Z"
)
_MAX_PEM = 64 * 1024
_MAX_NAMES = 250
KEY_ALGORITHMS = ("ec-p256", "ec-p384", "rsa-2048", "rsa-3072")


def text(arguments: Mapping[str, Any], name: str, pattern: re.Pattern[str] | None = None, *, limit: int = 255) -> str:
    """A string argument that fits `pattern` entirely (from its start) and is no longer than `limit`."""
    value = arguments.get(name)
    if not isinstance(value, str) or len(value) > limit:
        raise Refused(f"the job's {name} is not a text of at most {limit} characters")
    if pattern is not None and not pattern.match(value):
        raise Refused(f"the job's {name} does not have the form that it must have")
    return value


def fqdn(value: object, name: str = "fqdn") -> str:
    """A lower-case FQDN in A-label form; a wildcard only as the whole first label."""
    if not isinstance(value, str) or len(value) > 253 or not _FQDN.match(value):
        raise Refused(f"the job's {name} is not a domain name")
    return value


def names(arguments: Mapping[str, Any]) -> list[str]:
    """The FQDNs of a certificate, 1 to 250, each once."""
    value = arguments.get("names")
    if not isinstance(value, list) or not 1 <= len(value) <= _MAX_NAMES:
        raise Refused(f"the job's names are not a list of 1 to {_MAX_NAMES} domain names")
    checked = [fqdn(item, "names") for item in value]
    if len(set(checked)) != len(checked):
        raise Refused("the job's names hold a name twice")
    return checked


def serial(arguments: Mapping[str, Any], name: str = "serial") -> str:
    """A serial number: upper-case hexadecimal without leading zeros."""
    return f"{int(text(arguments, name, _SERIAL), 16):X}"


def spki(arguments: Mapping[str, Any]) -> str:
    """SHA-256 of a SubjectPublicKeyInfo, lower-case hexadecimal."""
    return text(arguments, "spki_sha256", _HEX64)


def site_name(arguments: Mapping[str, Any]) -> str:
    """The name of a site as this agent reported it."""
    return text(arguments, "site_name", _SITE_NAME)


def order_number(arguments: Mapping[str, Any]) -> str:
    """An order number, given as digits or as a number."""
    return text({"number": str(arguments.get("number"))}, "number", _ORDER_NUMBER)


def key_algorithm(arguments: Mapping[str, Any]) -> str:
    """One of KEY_ALGORITHMS; ec-p256 when none is named."""
    value = arguments.get("key_algorithm", KEY_ALGORITHMS[0])
    if value not in KEY_ALGORITHMS:
        raise Refused("the job's key_algorithm is not one that this agent makes: " + ", ".join(KEY_ALGORITHMS))
    return str(value)


def dcv_file(arguments: Mapping[str, Any]) -> str:
    """The file name of a validation file: 32 hexadecimal digits and `.txt`, nothing else."""
    found = _DCV_PATH.match(text(arguments, "path"))
    if found is None:
        raise Refused("the job's path is not .well-known/pki-validation/<MD5>.txt")
    return found.group(1)


def dcv_content(arguments: Mapping[str, Any]) -> str:
    """The content of a validation file: printable ASCII lines, at most 4 KiB."""
    return text(arguments, "content", _CONTENT, limit=4096)


def acme_token(arguments: Mapping[str, Any]) -> str:
    """The token of a challenge, which is the name of its file."""
    return text(arguments, "token", _TOKEN)


def acme_content(arguments: Mapping[str, Any]) -> str:
    """The key authorization of the token (RFC 8555 §8.1); nothing else is written below a web root as its file."""
    value = text(arguments, "content", _KEY_AUTHORIZATION)
    if value.partition(".")[0] != acme_token(arguments):
        raise Refused("the job's content does not belong to its token")
    return value


def certificates(arguments: Mapping[str, Any], name: str, *, most: int = 8) -> list[str]:
    """PEM certificates, one after the other, and nothing else: a private key among them is refused."""
    value = text(arguments, name, limit=_MAX_PEM)
    found = []
    for part in value.split("-----END CERTIFICATE-----")[:-1]:
        pem = part.lstrip() + "-----END CERTIFICATE-----\n"
        if not _CERTIFICATE.match(pem):
            raise Refused(f"the job's {name} holds something else than PEM certificates")
        found.append(pem.replace("\r\n", "\n"))
    if value.rsplit("-----END CERTIFICATE-----", 1)[-1].strip() or len(found) > most:
        raise Refused(f"the job's {name} holds something else than at most {most} PEM certificates")
    return found


def organization(arguments: Mapping[str, Any]) -> dict[str, str]:
    """Subject attributes beside the common name, by their short names; empty ones are left out."""
    value = arguments.get("organization")
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise Refused("the job's organization is not a set of fields")
    subject = {}
    for field, attribute in (("country", "C"), ("state", "ST"), ("locality", "L"), ("name", "O")):
        part = value.get(field) or ""
        if not isinstance(part, str) or len(part) > 128 or not (part == "" or part.isprintable()):
            raise Refused(f"the job's organization has no usable {field}")
        if part.strip():
            subject[attribute] = part.strip()
    return subject
