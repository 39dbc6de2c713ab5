# SPDX-License-Identifier: Apache-2.0
"""Public keys of ACME accounts as JWK (RFC 7517): read strictly, compared by thumbprint (RFC 7638), used to verify."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Mapping
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from gateway.acme.refusal import ACMERefusedError

PublicKey = ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey | rsa.RSAPublicKey

# alg → (kty, crv). RFC 8555 §6.2: a MAC or `none` never signs a request; RFC 7518 §3.1, RFC 8037 §3.1.
ALGORITHMS: Mapping[str, tuple[str, str]] = {
    "ES256": ("EC", "P-256"),
    "ES384": ("EC", "P-384"),
    "ES512": ("EC", "P-521"),
    "EdDSA": ("OKP", "Ed25519"),
    "RS256": ("RSA", ""),
}
_CURVES: Mapping[str, tuple[ec.EllipticCurve, int, hashes.HashAlgorithm]] = {
    "P-256": (ec.SECP256R1(), 32, hashes.SHA256()),
    "P-384": (ec.SECP384R1(), 48, hashes.SHA384()),
    "P-521": (ec.SECP521R1(), 66, hashes.SHA512()),
}
RSA_BITS = (2048, 4096)
_MEMBERS = {"EC": ("crv", "x", "y"), "OKP": ("crv", "x"), "RSA": ("e", "n")}


def decode(text: Any) -> bytes:
    """base64url without padding (RFC 7515 §2), in its one form only. Raises ACMERefusedError malformed."""
    if not isinstance(text, str):
        raise ACMERefusedError("malformed", "A member that should be base64url is none.")
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (ValueError, binascii.Error):
        raise ACMERefusedError("malformed", "A member is not base64url without padding.") from None
    if encode(raw) != text:
        raise ACMERefusedError("malformed", "A member is not base64url without padding.")
    return raw


def encode(raw: bytes) -> str:
    """base64url without padding."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def public_members(jwk: Any) -> dict[str, str]:
    """The members that make the key (RFC 7638 §3.2), sorted. Raises ACMERefusedError badPublicKey."""
    kind = jwk.get("kty") if isinstance(jwk, dict) else None
    names = _MEMBERS.get(kind) if isinstance(kind, str) else None
    if names is None or kind is None:
        raise _bad("The account key has a type that is not supported; use an EC, RSA or Ed25519 key.")
    if {"d", "p", "q", "k"} & jwk.keys():
        raise _bad("The account key holds its private part. Never send it; make a new key.")
    found = {"kty": kind, **{name: jwk.get(name) for name in names}}
    if not all(isinstance(value, str) for value in found.values()):
        raise _bad("The account key is incomplete.")
    return dict(sorted(found.items()))


def thumbprint(jwk: Any) -> str:
    """SHA-256 over the canonical form (RFC 7638), base64url."""
    text = json.dumps(public_members(jwk), separators=(",", ":"), sort_keys=True)
    return encode(hashlib.sha256(text.encode()).digest())


def load(jwk: Any) -> PublicKey:
    """The key. Raises ACMERefusedError badPublicKey, malformed."""
    members = public_members(jwk)
    try:
        if members["kty"] == "EC":
            curve, size, _ = _CURVES[members["crv"]]
            x, y = decode(members["x"]), decode(members["y"])
            if len(x) != size or len(y) != size:
                raise _bad("The coordinates of the account key have the wrong length.")
            numbers = ec.EllipticCurvePublicNumbers(int.from_bytes(x), int.from_bytes(y), curve)
            return numbers.public_key()
        if members["kty"] == "OKP":
            if members["crv"] != "Ed25519":
                raise _bad("Of the Edwards curves, only Ed25519 is supported.")
            return ed25519.Ed25519PublicKey.from_public_bytes(decode(members["x"]))
        modulus, exponent = int.from_bytes(decode(members["n"])), int.from_bytes(decode(members["e"]))
        if not RSA_BITS[0] <= modulus.bit_length() <= RSA_BITS[1] or not 3 <= exponent < 2**32 or not exponent % 2:
            raise _bad(f"An RSA account key has {RSA_BITS[0]} to {RSA_BITS[1]} bits and an odd exponent.")
        return rsa.RSAPublicNumbers(exponent, modulus).public_key()
    except (KeyError, ValueError):
        raise _bad("The account key is no key on its curve.") from None


def verify(jwk: Any, algorithm: str, signed: bytes, signature: bytes) -> None:
    """Raises ACMERefusedError unless `signature` over `signed` was made with the key and its own algorithm."""
    members = public_members(jwk)
    if ALGORITHMS.get(algorithm) != (members["kty"], members.get("crv", "")):
        raise ACMERefusedError(
            "badSignatureAlgorithm",
            f"A key of type {members['kty']} does not sign by {algorithm[:20]}.",
            algorithms=list(ALGORITHMS),
        )
    key = load(jwk)
    try:
        _verify(key, members, signed, signature)
    except InvalidSignature:
        raise ACMERefusedError("unauthorized", "The signature does not fit the request and the account key.") from None


def _verify(key: PublicKey, members: Mapping[str, str], signed: bytes, signature: bytes) -> None:
    if isinstance(key, ec.EllipticCurvePublicKey):
        _, size, digest = _CURVES[members["crv"]]
        if len(signature) != 2 * size:  # RFC 7518 §3.4: R and S side by side, no DER
            raise InvalidSignature
        r, s = int.from_bytes(signature[:size]), int.from_bytes(signature[size:])
        key.verify(encode_dss_signature(r, s), signed, ec.ECDSA(digest))
    elif isinstance(key, ed25519.Ed25519PublicKey):
        key.verify(signature, signed)
    else:
        key.verify(signature, signed, padding.PKCS1v15(), hashes.SHA256())


def spki_sha256(jwk: Any) -> str:
    """SHA-256 (lower-case hex) of the key's SubjectPublicKeyInfo: how keys of certificates are compared."""
    der = load(jwk).public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(der).hexdigest()


def _bad(detail: str) -> ACMERefusedError:
    return ACMERefusedError("badPublicKey", detail)
