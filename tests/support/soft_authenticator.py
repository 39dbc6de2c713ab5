# SPDX-License-Identifier: Apache-2.0
"""An authenticator in software that answers like a browser does, and lies where a test tells it to."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from shared.contracts import accounts as c

PRESENT, VERIFIED, ATTESTED = 0x01, 0x04, 0x40


def text_of(raw):
    """base64url without padding."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


class SoftAuthenticator:
    """One P-256 key and its counter. `verifies`: knows its user, as by a PIN."""

    def __init__(self, origin="https://certwright.example", rp_id="certwright.example", *, verifies=True):
        self.origin, self.rp_id, self.verifies = origin, rp_id, verifies
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.raw_id = secrets.token_bytes(32)
        self.count = 0

    def create(self, asked, **lies):
        """What navigator.credentials.create would give for a PasskeyCreation."""
        numbers = self.key.public_key().public_numbers()
        x, y = numbers.x.to_bytes(32, "big"), numbers.y.to_bytes(32, "big")
        cose = cbor2.dumps({1: 2, 3: lies.get("algorithm", -7), -1: 1, -2: x, -3: y})
        attested = bytes(16) + len(self.raw_id).to_bytes(2, "big") + self.raw_id + cose
        data = self._data(ATTESTED, lies) + attested
        attestation = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})
        client = self._client("webauthn.create", lies.get("challenge", asked.challenge), lies)
        return {"client_data_json": text_of(client), "attestation_object": text_of(attestation)}

    def get(self, asked, **lies):
        """What navigator.credentials.get would give for a PasskeyChallenge."""
        self.count = lies.get("count", self.count + 1)
        data = self._data(0, lies)
        client = self._client("webauthn.get", lies.get("challenge", asked.challenge), lies)
        key = lies.get("key", self.key)
        signature = key.sign(data + hashlib.sha256(client).digest(), ec.ECDSA(hashes.SHA256()))
        return c.PasskeyAssertion(
            credential_id=text_of(lies.get("raw_id", self.raw_id)),
            client_data_json=text_of(client),
            authenticator_data=text_of(data),
            signature=text_of(signature),
        )

    def _data(self, flags, lies):
        flags |= PRESENT if lies.get("present", True) else 0
        flags |= VERIFIED if self.verifies else 0
        rp_id = lies.get("rp_id", self.rp_id)
        return hashlib.sha256(rp_id.encode()).digest() + bytes([flags]) + self.count.to_bytes(4, "big")

    def _client(self, kind, challenge, lies):
        said = {
            "type": lies.get("type", kind),
            "challenge": challenge,
            "origin": lies.get("origin", self.origin),
            "crossOrigin": False,
        }
        return json.dumps(said).encode()
