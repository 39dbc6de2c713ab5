# SPDX-License-Identifier: Apache-2.0
"""The looks of a sweep: the chain in the clear, by our own TLS 1.3, by `ssl`; and that no server can break them."""

import ssl
from contextlib import suppress

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import example, given, settings
from hypothesis import strategies as st

from shared.probe import chain as chains
from shared.probe.chain import Chain, read_chain
from shared.probe.openssl import read_chain_by_ssl
from shared.probe.outcome import Failed, Failure, ProbeError
from shared.probe.records import ALERT, CERTIFICATE, CHANGE_CIPHER_SPEC, HANDSHAKE, SERVER_HELLO, handshake, record
from shared.probe.tls13 import Keys, read_chain13
from tests.support.rehearsal import rehearse
from tests.support.small_ca import SmallCA

DER = SmallCA().issuer.public_bytes(Encoding.DER)


def server_hello(*, version=0x0303, suite=0xC02F, session_id=b"", extensions=None):
    body = version.to_bytes(2, "big") + bytes(32) + bytes((len(session_id),)) + session_id
    body += suite.to_bytes(2, "big") + b"\x00"
    return handshake(
        SERVER_HELLO, body + (b"" if extensions is None else len(extensions).to_bytes(2, "big") + extensions)
    )


def certificates(*ders):
    body = b"".join(len(der).to_bytes(3, "big") + der for der in ders)
    return handshake(CERTIFICATE, len(body).to_bytes(3, "big") + body)


FLIGHTS = [
    record(HANDSHAKE, server_hello() + certificates(DER, DER)),
    record(HANDSHAKE, server_hello(extensions=b"\xff\x01\x00\x01\x00"), 0x0303) + record(HANDSHAKE, certificates(DER)),
    record(HANDSHAKE, server_hello(session_id=bytes(32), version=0x0300, suite=5), 0x0300)
    + record(HANDSHAKE, certificates(DER)[:100])
    + record(HANDSHAKE, certificates(DER)[100:] + handshake(14, b"")),
    record(ALERT, b"\x01\x70") + record(HANDSHAKE, server_hello() + certificates(DER)),
]


EXTENSIONS_OF_THE_SECOND = range(47, 54)  # after headers, version, random, session, suite and compression
END_OF_THE_THIRD = range(
    len(FLIGHTS[2]) - 4, len(FLIGHTS[2])
)  # ServerHelloDone: the short way has what it wants by then


@pytest.mark.parametrize("flight", FLIGHTS)
def test_the_same_chain_at_once_and_byte_by_byte(flight):
    whole = rehearse(read_chain(b"hello"), flight)
    assert isinstance(whole, Chain)
    assert set(whole.certificates) == {DER}
    assert not whole.proved
    assert rehearse(read_chain(b"hello"), *(flight[at : at + 1] for at in range(len(flight)))) == whole


@given(
    flight=st.sampled_from(FLIGHTS),
    at=st.integers(0, 700),
    octet=st.integers(0, 255),
    cut=st.integers(0, 800),
)
@example(flight=FLIGHTS[0], at=43, octet=33, cut=800)
@example(flight=FLIGHTS[1], at=51, octet=1, cut=800)
@example(flight=FLIGHTS[2], at=414, octet=3, cut=800)
def test_the_short_way_takes_nothing_that_the_long_way_would_not(flight, at, octet, cut):
    damaged = bytearray(flight)
    if at < len(damaged):
        damaged[at] = octet
    flight = bytes(damaged[:cut]) or b"\x16"
    quick = chains._at_once(flight)
    if quick is not None:
        slowly = rehearse(read_chain(b"hello"), *(flight[at : at + 1] for at in range(len(flight))))
        # Extensions are not looked into on the short way: nothing of them is used.
        assert (
            slowly == quick
            or (isinstance(slowly, Failed) and "extension" in slowly.detail)
            or (isinstance(slowly, Failed) and slowly.failure is Failure.MALFORMED and b"\xff\x01" not in flight[:60])
            or (isinstance(slowly, Failed) and slowly.failure is Failure.MALFORMED and at in EXTENSIONS_OF_THE_SECOND)
            or (isinstance(slowly, Failed) and slowly.failure is Failure.TOO_LONG and at in END_OF_THE_THIRD)
        )


@given(
    st.lists(
        st.binary(max_size=80) | st.sampled_from([b"\x16\x03\x03", b"\x15\x03\x03\x00\x02\x02", *FLIGHTS]), max_size=8
    )
)
def test_garbage_is_a_failure_or_a_chain(pieces):
    keys = Keys()
    for talk in (read_chain(b"hello"), read_chain13(keys, "a.example"), read_chain_by_ssl("a.example")):
        assert isinstance(rehearse(talk, *filter(None, pieces)), (Chain, Failed))


class Server:
    """TLS 1.3 in memory, by OpenSSL."""

    def __init__(self, tmp_path, curve=None, suites=None, more=0):
        ca = SmallCA()
        key = ec.generate_private_key(ec.SECP256R1())
        pem, _ = ca.sign(key.public_key(), ["a.example"])
        (tmp_path / "chain.pem").write_text(pem + ca.chain_pem * (1 + more))
        (tmp_path / "key.pem").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        self.ders = tuple(map(ssl.PEM_cert_to_DER_cert, [pem, *[ca.chain_pem] * (1 + more)]))
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.minimum_version = ssl.TLSVersion.TLSv1_3
        self.context.load_cert_chain(tmp_path / "chain.pem", tmp_path / "key.pem")
        self.names = []
        self.context.sni_callback = lambda _tls, name, _context: self.names.append(name)
        if curve:
            self.context.set_ecdh_curve(curve)

    def answers(self, talk, change=lambda flight: [flight]):
        """Has the conversation; `change` makes pieces of what the server sends."""
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = self.context.wrap_bio(incoming, outgoing, server_side=True)
        try:
            sent = next(talk)
            while True:
                incoming.write(sent)
                with suppress(ssl.SSLWantReadError):
                    tls.do_handshake()
                for piece in change(outgoing.read()) or [b""]:
                    sent = talk.send(piece)
        except StopIteration as end:
            return end.value
        except ProbeError as error:
            return error.failed()


@pytest.mark.parametrize("curve", [None, "prime256v1", "secp384r1", "secp521r1"])
def test_own_key_schedule_agrees_with_openssl(tmp_path, curve):
    server = Server(tmp_path, curve)
    keys = Keys()
    for _ in range(2):  # one set of keys serves many
        chain = server.answers(read_chain13(keys, "a.example"))
        assert chain == Chain(server.ders, 0x0304, chain.suite, proved=False)
        assert chain.suite in {0x1301, 0x1302, 0x1303}
    assert server.names == ["a.example"] * (2 if curve is None else len(server.names))
    assert server.answers(read_chain13(keys, None)).certificates == server.ders


def test_a_chain_over_several_records_in_small_pieces(tmp_path):
    server = Server(tmp_path, more=60)

    def slices(flight):
        return [flight[at : at + 777] for at in range(0, len(flight), 777)]

    assert server.answers(read_chain13(Keys(), None), slices).certificates == server.ders


def test_ssl_proves_the_key(tmp_path):
    server = Server(tmp_path)
    chain = server.answers(read_chain_by_ssl("a.example"))
    assert chain == Chain(server.ders, 0x0304, chain.suite, proved=True)
    assert chain.suite == 0x1302


@pytest.mark.parametrize("talk", [lambda: read_chain13(Keys(), None), lambda: read_chain_by_ssl(None)])
def test_alerts_are_named(talk):
    outcome = rehearse(talk(), record(ALERT, b"\x02\x46"))
    assert (outcome.failure, outcome.alert) == (Failure.ALERT, 70)
    assert rehearse(talk()).failure is Failure.CLOSED


@settings(max_examples=60)
@given(at=st.integers(0, 1500), octet=st.integers(1, 255))
def test_a_flight_with_a_wrong_byte_is_refused_or_harmless(tmp_path_factory, at, octet):
    server = damaged_server(tmp_path_factory)

    def damage(flight):
        return [bytes(one ^ octet if index == at else one for index, one in enumerate(flight))]

    outcome = server.answers(read_chain13(Keys(), None), damage)
    assert isinstance(outcome, Failed) or outcome.certificates == server.ders


KEPT = []


def damaged_server(factory):
    if not KEPT:
        KEPT.append(Server(factory.mktemp("server")))
    return KEPT[0]


def test_records_without_end_are_cut():
    lead = record(HANDSHAKE, server_hello(suite=0x1301, extensions=b"\x00\x2b\x00\x02\x03\x04"))
    outcome = rehearse(read_chain13(Keys(), None), lead, record(CHANGE_CIPHER_SPEC, b"\x01") * 100)
    assert outcome.failure is Failure.MALFORMED  # no key share
    share = b"\x00\x2b\x00\x02\x03\x04\x00\x33\x00\x24\x00\x1d\x00\x20" + b"\x09" * 32
    lead = record(HANDSHAKE, server_hello(suite=0x1301, extensions=share))
    outcome = rehearse(read_chain13(Keys(), None), lead, record(CHANGE_CIPHER_SPEC, b"\x01") * 100)
    assert outcome.failure is Failure.TOO_LONG
