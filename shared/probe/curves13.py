# SPDX-License-Identifier: Apache-2.0
"""Key shares of TLS 1.3 on the curves of NIST (RFC 8446 §4.2.8.2), for servers that want one of these."""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from shared.probe.groups import SECP256R1, SECP384R1, SECP521R1

_CURVES: dict[int, ec.EllipticCurve] = {
    SECP256R1: ec.SECP256R1(),
    SECP384R1: ec.SECP384R1(),
    SECP521R1: ec.SECP521R1(),
}


class CurveKey:
    """A key of its own on one curve; `public` is the share to send."""

    def __init__(self, group: int) -> None:
        self._curve = _CURVES[group]
        self._key = ec.generate_private_key(self._curve)
        self.public = self._key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)

    def agree(self, theirs: bytes) -> bytes:
        """The shared secret (RFC 8446 §7.4.2). Raises ValueError for a share that is no point of the curve."""
        return self._key.exchange(ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(self._curve, theirs))
