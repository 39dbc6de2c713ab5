# SPDX-License-Identifier: Apache-2.0
"""Sign-in by an OpenID Connect provider: what is asked of it, and what its answers must hold."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlencode, urlsplit

import msgspec

LIFE = timedelta(minutes=10)  # of a sign-in that was begun
MOST_PENDING = 10_000  # in the whole installation
MOST_PENDING_PER_ADDRESS = 50
CLOCK_SKEW = timedelta(seconds=60)
OLDEST_TOKEN = timedelta(minutes=10)
CALLBACK = "/sign-in/oidc/callback"
# No `none`, and no HMAC: with it, whoever knows the client's secret could say who anybody is.
ALGORITHMS = ("RS256", "PS256", "ES256", "EdDSA", "Ed25519")
_NEXT = re.compile(r"/(?![/\\])[!-\[\]-~]{0,500}")


class ProviderError(Exception):
    """The provider gave no identity. `reason`: unavailable, refused or invalid; `detail` for the operator's log."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


class _Discovery(msgspec.Struct):
    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    authorization_response_iss_parameter_supported: bool = False


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Where a provider is asked. `says_issuer`: its answers by the browser name it (RFC 9207 §3)."""

    authorization: str
    token: str
    jwks: str
    says_issuer: bool


@dataclass(frozen=True, slots=True)
class Asking:
    """One sign-in that begins: unguessable texts, and where the browser comes back."""

    state: str
    nonce: str
    verifier: str
    redirect_uri: str


def discovery_url(issuer: str) -> str:
    """Where an issuer describes itself (OpenID Connect Discovery §4.1)."""
    return issuer.removesuffix("/") + "/.well-known/openid-configuration"


def allowed_url(url: str, *, plain: bool) -> bool:
    """Whether a provider may be there: https; with `plain`, also http on this very machine."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return False
    if parts.fragment or "@" in parts.netloc or not host or not url.isascii() or not url.isprintable():
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and plain and _loopback(host))


def _loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def read_discovery(raw: bytes, issuer: str, *, plain: bool) -> Endpoints:
    """What a provider says of itself. Raises ValueError for another one's, or for a place not allowed."""
    try:
        found = msgspec.json.decode(raw, type=_Discovery)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError("the discovery document cannot be read") from error
    if found.issuer != issuer:  # OpenID Connect Discovery §4.3
        raise ValueError("the discovery document names another issuer")
    for url in (found.authorization_endpoint, found.token_endpoint, found.jwks_uri):
        if not allowed_url(url, plain=plain):
            raise ValueError("the discovery document names an endpoint without TLS")
    return Endpoints(
        found.authorization_endpoint,
        found.token_endpoint,
        found.jwks_uri,
        found.authorization_response_iss_parameter_supported,
    )


def challenge_of(verifier: str) -> str:
    """S256 (RFC 7636 §4.2)."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def authorization_url(endpoints: Endpoints, client_id: str, asking: Asking) -> str:
    """Where the browser goes (OpenID Connect Core §3.1.2.1). Nothing but the subject is asked for."""
    query = {
        "response_type": "code",
        "client_id": client_id,
        "redirect_uri": asking.redirect_uri,
        "scope": "openid",
        "state": asking.state,
        "nonce": asking.nonce,
        "code_challenge": challenge_of(asking.verifier),
        "code_challenge_method": "S256",
    }
    glue = "&" if urlsplit(endpoints.authorization).query else "?"
    return f"{endpoints.authorization}{glue}{urlencode(query)}"


def check_answer(said: str, issuer: str, *, required: bool) -> None:
    """That an answer by the browser came from this provider (RFC 9207 §2.4). Raises ProviderError."""
    if said != issuer if said else required:
        raise ProviderError("invalid", "the answer names another issuer, or none")


def subject_of(claims: Mapping[str, Any], *, issuer: str, client_id: str, nonce: str, now: datetime) -> str:
    """Whom an ID token is about, once its signature holds (OpenID Connect Core §3.1.3.7). Raises ValueError."""
    audience = claims.get("aud")
    audiences = audience if isinstance(audience, list) else [audience]
    subject, said_nonce = claims.get("sub"), claims.get("nonce")
    if claims.get("iss") != issuer:
        raise ValueError("iss is another issuer")
    if client_id not in audiences:
        raise ValueError("aud is another client")
    if (len(audiences) > 1 or "azp" in claims) and claims.get("azp") != client_id:
        raise ValueError("azp is another client")
    if not isinstance(said_nonce, str) or not hmac.compare_digest(said_nonce.encode(), nonce.encode()):
        raise ValueError("nonce is not the one that was sent")
    moment = now.timestamp()
    skew = CLOCK_SKEW.total_seconds()
    if _seconds(claims, "exp") <= moment - skew:
        raise ValueError("exp has passed")
    issued = _seconds(claims, "iat")
    if not moment - OLDEST_TOKEN.total_seconds() <= issued <= moment + skew:
        raise ValueError("iat is not now")
    if "nbf" in claims and _seconds(claims, "nbf") > moment + skew:
        raise ValueError("nbf is to come")
    if not isinstance(subject, str) or not re.fullmatch(r"[ -~]{1,255}", subject):  # §2: at most 255 ASCII characters
        raise ValueError("sub cannot be read")
    return subject


def _seconds(claims: Mapping[str, Any], name: str) -> float:
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > 1 << 40:
        raise ValueError(f"{name} is no moment")
    return value


def safe_next(path: str) -> str:
    """The page of the console to go on with: a path of this site, or the first page."""
    return path if _NEXT.fullmatch(path) else "/"
