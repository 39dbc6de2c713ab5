# SPDX-License-Identifier: Apache-2.0
"""What is fuzzed: each target takes bytes, as a server might send them, and returns or ends by a failure of the closed
list. Whatever else it raises is a bug, and so is a result that was not made of the input.

The first bytes of the input say in which pieces the rest arrives, since servers cut where they like.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

from shared.probe import hello, proof, tls13
from shared.probe.chain import read_chain, read_flight
from shared.probe.conversation import Conversation
from shared.probe.leaf import read_leaf
from shared.probe.openssl import context_of, shake_hands
from shared.probe.outcome import ProbeError
from shared.probe.records import Records
from shared.probe.starttls import STARTTLS, after_starttls
from shared.probe.surveying import after_handshake, implementation_holes, resumption, robot, web
from shared.probe.surveying.hellos import USUAL, hello_of, say_hello
from shared.probe.surveying.overheard import clear_messages, opened, sealed_records
from shared.probe.surveying.rsa_key import RSAKey, read_rsa_key
from shared.probe.surveying.ssl2 import say_hello2
from tests.fuzz.seeds import EC_LEAF, RSA_LEAF
from tests.support.rehearsal import rehearse
from tests.support.usual_certificates import reader_that_knows, slowly

NAME = "a.example.test"
HELLO = hello_of(hello.TLS12, USUAL, NAME)
KEYS = tls13.Keys()
KEY = RSAKey((1 << 1023) + 1, 65537)
CONTEXT = context_of()
KNOWING = reader_that_knows(RSA_LEAF, EC_LEAF)
Target = Callable[[bytes], object]


def pieces(data: bytes) -> list[bytes]:
    """The input as it arrives: its first byte says how long each piece is, 0 for all at once."""
    if not data:
        return []
    size, rest = data[0], data[1:]
    return [rest[at : at + size] for at in range(0, len(rest), size)] if size else [rest]


def _talk(start: Callable[[], Conversation[Any]]) -> Target:
    return lambda data: rehearse(start(), *(piece for piece in pieces(data) if piece))


def _reads(parse: Callable[[bytes], object], *refusals: type[Exception]) -> Target:
    def target(data: bytes) -> object:
        with contextlib.suppress(*refusals):
            return parse(data)
        return None

    return target


def _messages(data: bytes) -> list[object]:
    records = Records()
    found: list[object] = []
    for piece in pieces(data):
        if not piece:
            continue
        records.feed(piece)
        while (message := records.message()) is not None:
            found.append(message)
    assert sum(len(one.body) for one in found) <= len(data)  # type: ignore[attr-defined]
    return found


def _sealed(data: bytes) -> list[object]:
    found = list(opened(bytes(32), "sha256", sealed_records(data)))
    assert sum(len(one.body) for one in found) <= len(data)
    return list(found)


def _certificates(data: bytes) -> tuple[bytes, ...]:
    found = hello.read_certificates(data)
    assert sum(map(len, found)) <= len(data)
    return found


def _usual(data: bytes) -> object:
    found = KNOWING.read(data)
    assert found is None or found == slowly(data)
    return found


TARGETS: dict[str, Target] = {
    "records": _reads(_messages, ProbeError),
    "server_hello": _reads(hello.read_server_hello, ProbeError),
    "certificates": _reads(_certificates, ProbeError),
    "certificates13": _reads(hello.read_certificates13, ProbeError),
    "key_exchange_dh": _reads(lambda data: hello.read_key_exchange(data, elliptic=False), ProbeError),
    "key_exchange_ec": _reads(lambda data: hello.read_key_exchange(data, elliptic=True), ProbeError),
    "chain": _talk(lambda: read_chain(HELLO.pack())),
    "flight": _talk(lambda: read_flight(HELLO)),
    "tls13": _talk(lambda: tls13.read_chain13(tls13.Keys(), NAME)),
    "proof": _talk(lambda: proof.read_proof(KEYS, proof.hello_for_proof(KEYS, NAME))),
    "leaf_key": _reads(proof._key_of, ValueError, IndexError),
    "sealed": _reads(_sealed, ProbeError),
    "clear": _reads(clear_messages, ProbeError),
    "ticket": _reads(resumption._ticket_in, ProbeError),
    "leaf": _reads(read_leaf, ValueError),
    "usual": _usual,
    "rsa_key": _reads(read_rsa_key, ValueError),
    "hello": _talk(lambda: say_hello(HELLO)),
    "ssl2": _talk(say_hello2),
    "handshake": _talk(lambda: shake_hands(CONTEXT, NAME)),
    "heartbeat": _talk(lambda: implementation_holes._ask_heartbeat(HELLO)),
    "ccs": _talk(lambda: implementation_holes._send_ccs(HELLO)),
    "robot": _talk(lambda: robot._send_block(HELLO, KEY, bytes(128), whole=True)),
    "renegotiation": _talk(lambda: after_handshake._renegotiate(context_of(), NAME)),
    "http": _reads(web.read_answer, ProbeError),
    "http_talk": _talk(lambda: web._ask_plainly(NAME)),
}
for _protocol in STARTTLS:
    TARGETS[f"starttls_{_protocol}"] = _talk(
        lambda protocol=_protocol: after_starttls(protocol, lambda: read_chain(HELLO.pack()))  # type: ignore[misc]
    )
