# SPDX-License-Identifier: Apache-2.0
"""What proves a key and what does not: flights of OpenSSL, whole, damaged, repeated, and signed by another key."""

from __future__ import annotations

import contextlib
import ssl

import pytest

from shared.probe import proof as proving
from shared.probe.chain import Proof
from shared.probe.outcome import Failed, Failure
from shared.probe.tls13 import Keys, Sealed
from tests.support.key_files import self_signed

KEYS = Keys()
NAME = "a.example.test"
VERSIONS = [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("proving")
    return {kind: self_signed(folder, kind) for kind in ("rsa", "ec", "ec384", "ed25519")}


def serving(files, version, ciphers="DEFAULT"):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files.pem, files.key)
    context.minimum_version = context.maximum_version = version
    context.set_ciphers(ciphers)
    return context


def talk(context, *, change=lambda flight: flight):
    """A conversation with OpenSSL's server, whose flight goes through `change`."""
    conversation = proving.read_proof(KEYS, proving.hello_for_proof(KEYS, NAME))
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    server = context.wrap_bio(incoming, outgoing, server_side=True)
    request = next(conversation)
    try:
        while True:
            incoming.write(request)
            with contextlib.suppress(ssl.SSLWantReadError, ssl.SSLError):
                server.do_handshake()
            request = conversation.send(change(outgoing.read()))
    except StopIteration as end:
        return end.value
    except proving.ProbeError as error:
        return error.failed()


@pytest.mark.parametrize("kind", ["rsa", "ec", "ec384", "ed25519"])
@pytest.mark.parametrize("version", VERSIONS)
def test_keys_of_every_kind_prove_themselves(files, kind, version):
    found = talk(serving(files[kind], version))
    assert isinstance(found, Proof)
    assert (found.certificates, found.version) == ((files[kind].der,), int(version))


@pytest.mark.parametrize("version", VERSIONS)
def test_a_flight_of_another_handshake_proves_nothing(files, version):
    recorded = []
    context = serving(files["ec"], version)
    assert isinstance(talk(context, change=lambda flight: recorded.append(flight) or flight), Proof)
    again = talk(context, change=lambda _: recorded[0])
    assert isinstance(again, Failed)
    assert again.failure is Failure.MALFORMED


@pytest.mark.parametrize("kind", ["rsa", "ec", "ed25519"])
@pytest.mark.parametrize("version", VERSIONS)
def test_a_signature_by_another_key_proves_nothing(monkeypatch, files, kind, version):
    other = "ec384" if kind == "ec" else "ec"
    key = proving._key_of(files[other].der)
    monkeypatch.setattr(proving, "_key_of", lambda _: key)
    found = talk(serving(files[kind], version))
    assert isinstance(found, Failed)
    assert found.failure is Failure.MALFORMED
    assert "signature" in found.detail


def test_a_changed_key_exchange_proves_nothing(files):
    def spoiled(flight):
        at = flight.rindex(b"\x16\x03\x03", 0, flight.rindex(b"\x16\x03\x03"))  # the record of ServerKeyExchange
        changed = bytearray(flight)
        changed[at + 20] ^= 1  # in the middle of the server's public key
        return bytes(changed)

    found = talk(serving(files["rsa"], ssl.TLSVersion.TLSv1_2), change=spoiled)
    assert isinstance(found, Failed)
    assert found.detail == "a signature that is not by the certificate's key"


def test_a_handshake_that_is_not_finished_proves_nothing(monkeypatch, files):
    monkeypatch.setattr(Sealed, "finished", lambda _: bytes(48))
    found = talk(serving(files["ec"], ssl.TLSVersion.TLSv1_3))
    assert isinstance(found, Failed)
    assert found.detail == "a handshake that the server does not finish"


def test_without_a_signature_there_is_no_proof(files):
    found = talk(serving(files["rsa"], ssl.TLSVersion.TLSv1_2, "AES128-GCM-SHA256"))
    assert isinstance(found, Failed)
    assert found.detail == "the server signs nothing with TLS_RSA_WITH_AES_128_GCM_SHA256"


def test_every_hello_is_fresh():
    assert proving.hello_for_proof(KEYS, NAME).random != proving.hello_for_proof(KEYS, NAME).random
