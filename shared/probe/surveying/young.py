# SPDX-License-Identifier: Apache-2.0
"""The chains of TLS 1.3 by kind of key, with what is stapled to them, and proofs, by a key schedule of our own.

That needs `cryptography`. Where it is missing, as in the agent, nothing is asked, and the outcome says so.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

from shared.probe.chain import Flight13, Proof
from shared.probe.conversation import Outcome
from shared.probe.hello import SCT, SIGNATURE_ALGORITHMS_CERT, STATUS_REQUEST
from shared.probe.outcome import Failed, Failure
from shared.probe.surveying.inquiry import Inquiry, ask, together

try:
    from shared.probe.proof import hello_for_proof, read_proof
    from shared.probe.tls13 import Keys, read_flight13
except ImportError:  # no `cryptography`, as in the agent
    Keys = None  # type: ignore[assignment,misc]

# RFC 6066 §8: an OCSP response for the leaf, no responder named, no extensions.
OCSP_WANTED = (STATUS_REQUEST, b"\x01\x00\x00\x00\x00")
# RFC 8446 §4.2.3: the schemes that a server with such a key can sign its handshake with.
_SCHEMES = {
    "RSA": (0x0804, 0x0805, 0x0806, 0x0809, 0x080A, 0x080B),
    "ECDSA": (0x0403, 0x0503, 0x0603),
}
_UNABLE = Failed(Failure.STOPPED, "TLS 1.3 is read by a package that is not installed here")


def look_young(authentication: str, server_name: str | None) -> Inquiry[Outcome[Flight13]]:
    """What a server of TLS 1.3 shows to who takes leaves with keys of one kind only: RSA or ECDSA, or any."""
    if Keys is None:
        yield from together()
        return _UNABLE
    keys = _keys()
    plain = keys.hello(server_name)
    schemes = b"".join(code.to_bytes(2, "big") for code in plain.signature_algorithms)
    cas = (SIGNATURE_ALGORITHMS_CERT, len(schemes).to_bytes(2, "big") + schemes)
    extensions = (*plain.extensions, cas, OCSP_WANTED, (SCT, b""))
    wanted = _SCHEMES.get(authentication, plain.signature_algorithms)
    hello = replace(plain, signature_algorithms=wanted, extensions=extensions)
    outcome: Outcome[Flight13] = yield from ask(
        f"TLSv1.3 {authentication} certificate", lambda: read_flight13(keys, hello)
    )
    return outcome


def look_for_proof(server_name: str | None) -> Inquiry[Outcome[Proof]]:
    """What a server shows of itself and proves, with what it would choose for this machine's OpenSSL."""
    if Keys is None:
        yield from together()
        return _UNABLE
    keys = _keys()
    outcome: Outcome[Proof] = yield from ask("handshake", lambda: read_proof(keys, hello_for_proof(keys, server_name)))
    return outcome


@lru_cache(maxsize=1)
def _keys() -> Keys:
    return Keys()
