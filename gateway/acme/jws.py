# SPDX-License-Identifier: Apache-2.0
"""Requests as flattened JWS (RFC 8555 §6.2, RFC 7515 §7.2.2): exactly the members that there may be, and no others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec

from gateway.acme import jwk as keys
from gateway.acme.refusal import ACMERefusedError

MEDIA_TYPE = "application/jose+json"
MAX_BODY = 128 << 10  # a CSR with a hundred names has some ten kilobytes
MAX_KID = 300


@dataclass(frozen=True, slots=True)
class JWS:
    """A request as it came, before anybody has looked who signed it. Of `jwk` and `kid` exactly one is there."""

    algorithm: str
    jwk: dict[str, Any] | None
    kid: str
    nonce: str
    url: str
    payload: bytes
    signed: bytes
    signature: bytes

    @property
    def empty(self) -> bool:
        """Whether it is a POST-as-GET (RFC 8555 §6.3)."""
        return self.payload == b""

    def verify(self, jwk: Any) -> None:
        """Raises ACMERefusedError unless this key signed it."""
        keys.verify(jwk, self.algorithm, self.signed, self.signature)

    def content(self) -> dict[str, Any]:
        """The payload as an object. Raises ACMERefusedError malformed."""
        return _object(self.payload, "The payload")


def read(body: bytes) -> JWS:
    """A signed request. Raises ACMERefusedError malformed, badSignatureAlgorithm."""
    protected, payload, signed, signature = _parts(_object(body, "The body"))
    algorithm = _algorithm(protected, tuple(keys.ALGORITHMS))
    nonce = protected.get("nonce")
    if not isinstance(nonce, str):
        raise ACMERefusedError("badNonce", "The request has no nonce.")
    jwk, kid = _signer(protected)
    return JWS(algorithm, jwk, kid, nonce, _url(protected), payload, signed, signature)


def read_inner(message: Any, *, url: str) -> JWS:
    """The inner JWS of a key change (RFC 8555 §7.3.5): by the new key, for the same URL, without a nonce."""
    protected, payload, signed, signature = _parts(message)
    algorithm = _algorithm(protected, tuple(keys.ALGORITHMS))
    jwk, kid = _signer(protected)
    if "nonce" in protected or jwk is None or kid:
        raise ACMERefusedError("malformed", "The inner message of a key change has a jwk and no nonce.")
    if _url(protected) != url:
        raise ACMERefusedError("malformed", "The inner and outer message are for different URLs.")
    return JWS(algorithm, jwk, "", "", url, payload, signed, signature)


@dataclass(frozen=True, slots=True)
class Binding:
    """An external account binding (RFC 8555 §7.3.4); whoever has the HMAC key says whether `mac` is right."""

    kid: str
    payload: bytes
    signed: bytes
    mac: bytes


def read_binding(message: Any, *, url: str) -> Binding:
    """The binding of a new account. Raises ACMERefusedError malformed, badSignatureAlgorithm."""
    protected, payload, signed, mac = _parts(message)
    algorithm = protected.get("alg")
    if algorithm != "HS256":
        raise ACMERefusedError(
            "badSignatureAlgorithm", "The external account binding is signed by HS256.", algorithms=["HS256"]
        )
    kid = protected.get("kid")
    if not isinstance(kid, str) or not 1 <= len(kid) <= MAX_KID or "nonce" in protected or "jwk" in protected:
        raise ACMERefusedError("malformed", "The external account binding has a kid, and neither nonce nor jwk.")
    if _url(protected) != url:
        raise ACMERefusedError("malformed", "The external account binding is for another URL.")
    return Binding(kid, payload, signed, mac)


def _object(body: bytes, what: str) -> dict[str, Any]:
    try:
        found = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise ACMERefusedError("malformed", f"{what} is no JSON.") from None
    if not isinstance(found, dict):
        raise ACMERefusedError("malformed", f"{what} is no JSON object.")
    return found


def _parts(message: Any) -> tuple[dict[str, Any], bytes, bytes, bytes]:
    if not isinstance(message, dict) or set(message) != {"protected", "payload", "signature"}:
        # `header` would be unprotected, `signatures` the general form: RFC 8555 §6.2 forbids both.
        raise ACMERefusedError("malformed", "A JWS has exactly the members protected, payload and signature.")
    protected = _object(keys.decode(message["protected"]), "The protected header")
    if "crit" in protected or "b64" in protected:  # other members that are not understood are ignored (RFC 7515 §4)
        raise ACMERefusedError("malformed", "No extension of JWS is supported (crit, b64).")
    payload = keys.decode(message["payload"])
    signed = f"{message['protected']}.{message['payload']}".encode("ascii")
    return protected, payload, signed, keys.decode(message["signature"])


def _algorithm(protected: dict[str, Any], known: tuple[str, ...]) -> str:
    algorithm = protected.get("alg")
    if not isinstance(algorithm, str) or algorithm not in known:
        raise ACMERefusedError("badSignatureAlgorithm", f"Sign by one of {', '.join(known)}.", algorithms=list(known))
    return algorithm


def _signer(protected: dict[str, Any]) -> tuple[dict[str, Any] | None, str]:
    jwk, kid = protected.get("jwk"), protected.get("kid")
    if ("jwk" in protected) == ("kid" in protected):
        raise ACMERefusedError("malformed", "The protected header has either a jwk or a kid, not both.")
    if kid is not None:
        if not isinstance(kid, str) or not 1 <= len(kid) <= MAX_KID:
            raise ACMERefusedError("malformed", "The kid is no account URL.")
        return None, kid
    if not isinstance(jwk, dict):
        raise ACMERefusedError("malformed", "The jwk is no key.")
    return jwk, ""


def _url(protected: dict[str, Any]) -> str:
    url = protected.get("url")
    if not isinstance(url, str):
        raise ACMERefusedError("malformed", "The protected header has no url.")
    return url
