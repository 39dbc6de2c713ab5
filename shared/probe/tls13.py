# SPDX-License-Identifier: Apache-2.0
"""Reads the certificate chain of a TLS 1.3 server with a key schedule of its own, and hangs up (RFC 8446 §7).

Only the key agreement and one direction of decryption are done, up to the Certificate message: the server's signature
is not checked (`proof` does that), and so `Chain.proved` is False. `cryptography` does the primitives; where it is
missing, as in the agent, importing this fails, and `openssl` serves instead. One `Keys` serves a whole sweep: these
keys protect nothing.
"""

from __future__ import annotations

import hmac
import os
from dataclasses import replace
from functools import lru_cache, partial
from importlib import import_module
from typing import Any, Callable, NamedTuple

from cryptography.hazmat.primitives.asymmetric import x25519

from shared.probe.chain import Chain, Flight13
from shared.probe.conversation import Conversation
from shared.probe.groups import SECP256R1, SECP384R1, SECP521R1, X25519, group_name
from shared.probe.hello import (
    COOKIE,
    SCT,
    STATUS_REQUEST,
    TLS12,
    TLS13,
    ClientHello,
    ServerHello,
    read_certificates13,
    read_server_hello,
)
from shared.probe.outcome import Failure, ProbeError
from shared.probe.records import (
    ALERT,
    APPLICATION_DATA,
    CERTIFICATE,
    CERTIFICATE_REQUEST,
    CHANGE_CIPHER_SPEC,
    ENCRYPTED_EXTENSIONS,
    HANDSHAKE,
    SERVER_HELLO,
    Message,
    Records,
    handshake,
    raise_for_alert,
    read_record,
    record,
)
from shared.probe.schedule13 import (
    AES_128_CCM,
    AES_128_CCM_8,
    AES_128_GCM,
    AES_256_GCM,
    CHACHA20,
    CIPHERS,
    Opener,
    expand,
    handshake_secret,
)
from shared.probe.usual_flight import chain_at_once

_SIGNATURES = (0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0603, 0x0806, 0x0601, 0x0807, 0x0808, 0x0809, 0x080B)
_GROUPS = (X25519, SECP256R1, SECP384R1, SECP521R1)
_CURVES = (SECP256R1, SECP384R1, SECP521R1)
_MESSAGE_HASH = 254
_MOST_RECORDS = 64  # up to the Certificate; honest servers need a handful

Agree = Callable[[bytes], bytes]


class Keys:
    """The key shares that one sweep offers, made once each."""

    def __init__(self) -> None:
        self._x25519 = x25519.X25519PrivateKey.generate()
        self._public = self._x25519.public_key().public_bytes_raw()
        self._curves: dict[int, Any] = {}  # `curves13.CurveKey` by group
        self._random = os.urandom(32)
        self._session_id = os.urandom(32)  # RFC 8446 §D.4: boxes in between take it for a TLS 1.2 resumption
        self._hello: ClientHello | None = None

    def hello(self, server_name: str | None) -> ClientHello:
        """The first hello to a server. Each has the same random: it protects nothing here either."""
        if self._hello is None or self._hello.server_name != server_name:
            self._hello = ClientHello(
                suites=(AES_128_GCM, CHACHA20, AES_256_GCM, AES_128_CCM, AES_128_CCM_8),
                server_name=server_name,
                groups=_GROUPS,
                signature_algorithms=_SIGNATURES,
                versions13=(TLS13,),
                key_shares=((X25519, self._public),),
                session_id=self._session_id,
                random=self._random,
            )
        return self._hello

    def share(self, group: int) -> bytes:
        """The public key of a group. Raises ProbeError for a group that was not offered."""
        if group == X25519:
            return self._public
        if group not in _CURVES:
            raise ProbeError(Failure.MALFORMED, f"the server asks for the group {group_name(group)}, not offered")
        if group not in self._curves:
            # Few servers ask for another group than X25519, and to import this takes as long as hundreds of looks.
            self._curves[group] = import_module("shared.probe.curves13").CurveKey(group)
        public: bytes = self._curves[group].public
        return public

    def agree(self, group: int, theirs: bytes) -> bytes:
        """The shared secret (RFC 8446 §7.4.2). Raises ProbeError for a key that is none."""
        try:
            if group == X25519:
                return self._x25519.exchange(x25519.X25519PublicKey.from_public_bytes(theirs))
            agree: Agree = self._curves[group].agree
            return agree(theirs)
        except (ValueError, KeyError) as error:
            raise ProbeError(Failure.MALFORMED, "a key share that is no key of its group") from error


def looks() -> Callable[[str | None], Conversation[Chain]]:
    """How a sweep asks servers of TLS 1.3 for their chains: with keys of its own for all of it."""
    return partial(read_chain13, Keys())


def read_chain13(keys: Keys, server_name: str | None) -> Conversation[Chain]:
    """Offers TLS 1.3 alone and returns the chain. Ends by ProbeError."""
    hello = keys.hello(server_name)
    message = _packed(hello)
    received = yield record(HANDSHAKE, message)
    chain = chain_at_once(keys.agree, message, received)
    if chain is not None:
        return chain
    flight = yield from _flight13(keys, (yield from _answered(keys, hello, message, received)))
    return Chain(flight.certificates, flight.version, flight.suite, proved=False)


def read_flight13(keys: Keys, hello: ClientHello) -> Conversation[Flight13]:
    """Sends `hello`, which is `keys.hello` with what else is wanted, and reads up to the certificates. Ends by
    ProbeError."""
    return (yield from _flight13(keys, (yield from begin(keys, hello, _packed(hello)))))


def _flight13(keys: Keys, begun: Begun) -> Conversation[Flight13]:
    sealed = Sealed(keys, begun)
    shown, asks = yield from sealed.certificates()
    certificates = read_certificates13(shown.body)
    attached = certificates[0][1]
    return Flight13(
        tuple(der for der, _ in certificates),
        begun.chosen.version,
        begun.chosen.suite,
        attached.get(STATUS_REQUEST, b""),
        attached.get(SCT, b""),
        asks,
    )


@lru_cache(maxsize=8)
def _packed(hello: ClientHello) -> bytes:
    """Thousands of hosts without a name get the same one."""
    return hello.message()


class Begun(NamedTuple):
    """A handshake up to the ServerHello: what was chosen, and the messages up to it (the transcript of RFC 8446
    §4.4.1)."""

    records: Records
    chosen: ServerHello
    transcript: bytes


def begin(keys: Keys, hello: ClientHello, message: bytes, lowest: int = TLS13) -> Conversation[Begun]:
    """Sends `hello`, whose handshake message is `message`, and reads the ServerHello, also where the server asks for
    another key first. Ends by ProbeError, also where a version below `lowest` is chosen."""
    return (yield from _answered(keys, hello, message, (yield record(HANDSHAKE, message)), lowest))


def _answered(
    keys: Keys, hello: ClientHello, message: bytes, received: bytes, lowest: int = TLS13
) -> Conversation[Begun]:
    records = Records()
    transcript = message
    records.feed(received)
    body, chosen = yield from _server_hello(records, lowest)
    if chosen.retry:  # RFC 8446 §4.1.4, §4.4.1
        digest = CIPHERS[chosen.suite].hash(transcript).digest()
        cookie = ((COOKIE, chosen.extensions[COOKIE]),) if COOKIE in chosen.extensions else ()
        group = chosen.group or X25519
        again = replace(hello, key_shares=((group, keys.share(group)),), extensions=hello.extensions + cookie)
        transcript = handshake(_MESSAGE_HASH, digest) + handshake(SERVER_HELLO, body) + again.message()
        records.feed((yield again.pack()))
        body, chosen = yield from _server_hello(records, TLS13)
        if chosen.retry:
            raise ProbeError(Failure.MALFORMED, "a second HelloRetryRequest")
    return Begun(records, chosen, transcript + handshake(SERVER_HELLO, body))


def _server_hello(records: Records, lowest: int) -> Conversation[tuple[bytes, ServerHello]]:
    message = yield from _clear_message(records)
    if message.kind != SERVER_HELLO:
        raise ProbeError(Failure.MALFORMED, f"handshake message {message.kind} before the ServerHello")
    chosen = read_server_hello(message.body)
    is_young = chosen.version > TLS12
    if chosen.version < lowest or is_young != (chosen.suite in CIPHERS) or (chosen.retry and not is_young):
        raise ProbeError(Failure.MALFORMED, "a version or a suite that was not offered")
    return message.body, chosen


def _clear_message(records: Records) -> Conversation[Message]:
    """The next message before encryption; the ChangeCipherSpec behind a HelloRetryRequest means nothing (§D.4)."""
    message = records.taken()
    while message is None:
        came = yield from read_record(records)
        if came.kind == ALERT:
            raise_for_alert(came.body)
        elif came.kind == HANDSHAKE:
            records.take(came.body)
        elif came.kind != CHANGE_CIPHER_SPEC:
            raise ProbeError(Failure.MALFORMED, f"a record of type {came.kind} before the ServerHello")
        message = records.taken()
    return message


class Sealed:
    """The encrypted part of a server's flight, message by message."""

    def __init__(self, keys: Keys, begun: Begun) -> None:
        """Raises ProbeError for a key share that is none."""
        chosen = begun.chosen
        self._cipher = CIPHERS[chosen.suite]
        self._secret = handshake_secret(self._cipher, keys.agree(chosen.group, chosen.key), begun.transcript)
        self._records = begun.records
        self._opener = Opener(self._cipher, self._secret)
        self._left = _MOST_RECORDS
        self._transcript = begun.transcript

    @property
    def digest(self) -> bytes:
        """The hash of all messages up to the one that was read last."""
        digest: bytes = self._cipher.hash(self._transcript).digest()
        return digest

    def finished(self) -> bytes:
        """What the server's Finished must say now (RFC 8446 §4.4.4)."""
        key = expand(self._cipher, self._secret, b"finished", b"", self._cipher.hash_size)
        return hmac.digest(key, self.digest, self._cipher.name)

    def certificates(self) -> Conversation[tuple[Message, bool]]:
        """The Certificate message, and whether the server asks for one of the client. Ends by ProbeError."""
        asks = False
        while True:
            message = yield from self.message()
            if message.kind == CERTIFICATE:
                return message, asks
            if message.kind not in (ENCRYPTED_EXTENSIONS, CERTIFICATE_REQUEST):
                raise ProbeError(Failure.NO_CERTIFICATE, f"handshake message {message.kind} instead of a certificate")
            asks = asks or message.kind == CERTIFICATE_REQUEST

    def message(self) -> Conversation[Message]:
        """The next message. Ends by ProbeError."""
        records = self._records
        message = records.taken()
        while message is None:
            if not self._left:
                raise ProbeError(Failure.TOO_LONG, "more records than any server needs for its flight")
            self._left -= 1
            came = yield from read_record(records)
            if came.kind == CHANGE_CIPHER_SPEC:
                continue
            if came.kind == ALERT:
                raise_for_alert(came.body)
            if came.kind != APPLICATION_DATA:
                raise ProbeError(Failure.MALFORMED, f"a record of type {came.kind} where encrypted ones come")
            kind, content = self._opener.open(came.version, came.body)
            if kind == ALERT:
                raise_for_alert(content)
            if kind != HANDSHAKE:
                raise ProbeError(Failure.MALFORMED, f"content of type {kind} in the handshake")
            records.take(content)
            message = records.taken()
        self._transcript += handshake(message.kind, message.body)
        return message
