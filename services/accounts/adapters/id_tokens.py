# SPDX-License-Identifier: Apache-2.0
"""Signatures of ID tokens, checked by joserfc."""

from __future__ import annotations

import base64
import binascii
import warnings
from typing import Any

import msgspec
from joserfc import jwk, jwt
from joserfc.errors import JoseError, SecurityWarning
from joserfc.jwk import ECKey, OKPKey, RSAKey

from services.accounts.model.openid import ALGORITHMS

MOST_TOKEN = 64 * 1024
LEAST_RSA_BITS = 2048
MOST_KEYS = 100
_FAULTS = (JoseError, ValueError, TypeError, KeyError, AttributeError, RecursionError)
Key = RSAKey | ECKey | OKPKey


class UnknownKeyError(ValueError):
    """The token is signed by a key that is not among those that were given."""


class _KeyDocument(msgspec.Struct):
    keys: list[dict[str, Any]]


class _Header(msgspec.Struct):
    alg: str
    kid: str | None = None


def read_keys(raw: bytes) -> list[Key]:
    """The keys of a JWK Set that can sign ID tokens; others are passed over (RFC 7517 §5). Raises ValueError."""
    try:
        document = msgspec.json.decode(raw, type=_KeyDocument)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError("the keys cannot be read") from error
    found = []
    for one in document.keys[:MOST_KEYS]:
        if one.get("use", "sig") != "sig" or one.get("kty") not in {"RSA", "EC", "OKP"}:
            continue
        try:
            key = jwk.import_key(one)
            bits = key.raw_value.key_size if isinstance(key, RSAKey) else LEAST_RSA_BITS
        except _FAULTS:
            continue
        if isinstance(key, RSAKey | ECKey | OKPKey) and bits >= LEAST_RSA_BITS:
            found.append(key)
    return found


def claims_of(token: str, keys: list[Key]) -> dict[str, Any]:
    """What a token says, its signature checked; nothing in it is. Raises UnknownKeyError, ValueError."""
    header = _header_of(token)
    if header.alg not in ALGORITHMS:
        raise ValueError("the algorithm is not allowed")
    fit = [key for key in keys if _fits(key, header)]
    if not fit:
        raise UnknownKeyError("no such key")
    for key in fit:
        try:
            return _decoded(token, key, header.alg)
        except _FAULTS:
            continue
    raise ValueError("the signature does not hold")


def _decoded(token: str, key: Key, alg: str) -> dict[str, Any]:
    with warnings.catch_warnings():
        # Its new name is Ed25519 (RFC 9864); OpenID Connect providers still write the old one.
        warnings.filterwarnings("ignore", "EdDSA is deprecated", SecurityWarning)
        return dict(jwt.decode(token, key, algorithms=[alg]).claims)


def _fits(key: Key, header: _Header) -> bool:
    said = key.as_dict(private=False)
    if said.get("alg", header.alg) != header.alg or (header.kid is not None and said.get("kid") != header.kid):
        return False
    if header.alg == "ES256":
        return said.get("crv") == "P-256"
    if header.alg in {"EdDSA", "Ed25519"}:
        return said.get("crv") == "Ed25519"
    return said.get("kty") == "RSA"


def _header_of(token: str) -> _Header:
    first, _, _ = token.partition(".")
    if len(token) > MOST_TOKEN or not token.isascii():
        raise ValueError("this is no token")
    try:
        return msgspec.json.decode(base64.urlsafe_b64decode(first + "=" * (-len(first) % 4)), type=_Header)
    except (binascii.Error, msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError("this is no token") from error
