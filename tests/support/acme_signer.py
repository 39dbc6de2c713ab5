# SPDX-License-Identifier: Apache-2.0
"""Signs requests as an ACME client does, and as one that goes astray does."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from gateway.acme.jwk import encode

CURVES = {"ES256": (ec.SECP256R1(), "P-256", 32, hashes.SHA256()), "ES384": (ec.SECP384R1(), "P-384", 48,
    hashes.SHA384()), "ES512": (ec.SECP521R1(), "P-521", 66, hashes.SHA512())}  # fmt: skip


def integer(number: int) -> str:
    """A big-endian integer without leading zeros, base64url."""
    return encode(number.to_bytes((number.bit_length() + 7) // 8))


class Signer:
    """An account key. `algorithm` is one that the server knows."""

    def __init__(self, algorithm: str = "ES256") -> None:
        self.algorithm = algorithm
        self.key: Any
        if algorithm in CURVES:
            curve, name, size, _ = CURVES[algorithm]
            self.key = ec.generate_private_key(curve)
            numbers = self.key.public_key().public_numbers()
            x, y = (encode(each.to_bytes(size)) for each in (numbers.x, numbers.y))
            self.jwk = {"kty": "EC", "crv": name, "x": x, "y": y}
        elif algorithm == "EdDSA":
            self.key = ed25519.Ed25519PrivateKey.generate()
            self.jwk = {"kty": "OKP", "crv": "Ed25519", "x": encode(self.key.public_key().public_bytes_raw())}
        else:
            self.key = rsa.generate_private_key(65537, 2048)
            public = self.key.public_key().public_numbers()
            self.jwk = {"kty": "RSA", "n": integer(public.n), "e": integer(public.e)}

    def raw(self, signed: bytes) -> bytes:
        """The signature alone."""
        if self.algorithm in CURVES:
            _, _, size, digest = CURVES[self.algorithm]
            r, s = decode_dss_signature(self.key.sign(signed, ec.ECDSA(digest)))
            return r.to_bytes(size) + s.to_bytes(size)
        if self.algorithm == "EdDSA":
            return bytes(self.key.sign(signed))
        return bytes(self.key.sign(signed, padding.PKCS1v15(), hashes.SHA256()))

    def message(self, header: dict[str, Any], payload: Any) -> dict[str, str]:
        """A flattened JWS. `payload` None is a POST-as-GET."""
        protected = encode(json.dumps({"alg": self.algorithm, **header}).encode())
        body = "" if payload is None else encode(json.dumps(payload).encode())
        return {
            "protected": protected,
            "payload": body,
            "signature": encode(self.raw(f"{protected}.{body}".encode())),
        }

    def sign(self, url: str, payload: Any, nonce: str, kid: str | None = None) -> bytes:
        """A request, by the account's URL or by the key itself."""
        signer: dict[str, Any] = {"kid": kid} if kid else {"jwk": self.jwk}
        return json.dumps(self.message({"url": url, "nonce": nonce, **signer}, payload)).encode()

    def binding(self, url: str, key_id: str, key: bytes) -> dict[str, str]:
        """An external account binding of this key."""
        protected = encode(json.dumps({"alg": "HS256", "kid": key_id, "url": url}).encode())
        payload = encode(json.dumps(self.jwk).encode())
        mac = hmac.digest(key, f"{protected}.{payload}".encode(), hashlib.sha256)
        return {"protected": protected, "payload": payload, "signature": encode(mac)}
