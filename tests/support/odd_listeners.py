# SPDX-License-Identifier: Apache-2.0
"""Forty odd listeners on one port of 127.77.0.0/24: sound servers of every kind, and those that a scan stumbles over.

with listening(folder) as lab:
    lab.port, lab.leaves  # address: DER of the certificate that a scan must find there; nothing else is one
"""

import contextlib
import socket
import ssl
import struct
import threading
import time
import warnings
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from shared.probe.records import ALERT, CERTIFICATE, HANDSHAKE, SERVER_HELLO, handshake, record
from tests.support.small_ca import SmallCA

NET = "127.77.0."
DEAD_AT = 60  # addresses from here on refuse
TLS12, TLS13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
ALL = "DEFAULT:@SECLEVEL=0"


def address(number):
    return f"{NET}{number}"


def server_hello(suite=0xC02B, version=0x0303):
    return handshake(
        SERVER_HELLO, version.to_bytes(2, "big") + bytes(32) + b"\x00" + suite.to_bytes(2, "big") + b"\x00"
    )


def certificates(*ders):
    body = b"".join(len(der).to_bytes(3, "big") + der for der in ders)
    return handshake(CERTIFICATE, len(body).to_bytes(3, "big") + body)


@dataclass
class Lab:
    port: int
    leaves: dict = field(default_factory=dict)
    starttls: dict = field(default_factory=dict)  # address: protocol
    accepted: list = field(default_factory=list)  # addresses, as connections came
    sockets: list = field(default_factory=list)
    ended: threading.Event = field(default_factory=threading.Event)

    def listen(self, number, serve):
        """`serve(connection)` for each connection in a thread of its own."""
        server = socket.create_server((address(number), self.port), backlog=512)
        self.sockets.append(server)
        threading.Thread(target=self._accept, args=(server, address(number), serve), daemon=True).start()

    def _accept(self, server, place, serve):
        while not self.ended.is_set():
            try:
                connection, _ = server.accept()
            except OSError:
                return
            self.accepted.append(place)
            threading.Thread(target=self._serve, args=(connection, serve), daemon=True).start()

    def _serve(self, connection, serve):
        with contextlib.suppress(OSError, ssl.SSLError, ValueError), connection:
            connection.settimeout(30)
            serve(connection)


@contextlib.contextmanager
def listening(folder, port):
    """The lab; `port` is free on 127.77.0.0/24."""
    lab = Lab(port)
    try:
        sound = Sound(lab, folder, SmallCA())
        _sound(sound)
        _behind_words(sound)
        _hostile(lab)
        yield lab
    finally:
        lab.ended.set()
        for server in lab.sockets:
            with contextlib.suppress(OSError):
                server.shutdown(socket.SHUT_RDWR)
            server.close()


@dataclass
class Sound:
    """Makes servers that a scan must find."""

    lab: Lab
    folder: Path
    ca: SmallCA

    def pair(self, name, kind="ec"):
        key = rsa.generate_private_key(65537, 2048) if kind == "rsa" else ec.generate_private_key(ec.SECP256R1())
        pem, _ = self.ca.sign(key.public_key(), [name])
        chain, private = self.folder / f"{name}.pem", self.folder / f"{name}.key"
        chain.write_text(pem + self.ca.chain_pem)
        private.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        return chain, private, ssl.PEM_cert_to_DER_cert(pem)

    def tls(self, number, made, *, low=TLS12, high=TLS13, ciphers=ALL, before=None, protocol=None, tune=None):
        chain, private, der = made
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(chain, private)
        context.set_ciphers(ciphers)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # old versions are what this is about
            context.minimum_version, context.maximum_version = low, high
        if tune:
            tune(context)

        def serve(connection):
            if before:
                before(connection)
            with context.wrap_socket(connection, server_side=True) as secured:
                secured.recv(1)

        self.lab.listen(number, serve)
        self.lab.leaves[address(number)] = der
        if protocol:
            self.lab.starttls[address(number)] = protocol

    def scripted(self, number, der, flight, pause=0.0):
        self.lab.leaves[address(number)] = der
        self.lab.listen(number, lambda one: (one.recv(2000), _send_in_pieces(one, flight, pause), one.recv(1)))


def _sound(sound):
    tls, pair = sound.tls, sound.pair
    rsa_pair, everywhere = pair("rsa.example", "rsa"), pair("everywhere.example")
    tls(1, rsa_pair, high=TLS12)
    tls(2, pair("ecdsa.example"), high=TLS12)
    tls(3, pair("only13.example"), low=TLS13)
    tls(4, pair("old.example"), low=ssl.TLSVersion.TLSv1, high=ssl.TLSVersion.TLSv1)
    tls(5, pair("mtls12.example"), high=TLS12, tune=lambda one: _asks_for_certificate(one, sound))
    tls(6, pair("mtls13.example"), low=TLS13, tune=lambda one: _asks_for_certificate(one, sound))
    tls(7, rsa_pair, high=TLS12, ciphers="AES128-SHA:@SECLEVEL=0")
    tls(8, rsa_pair, high=TLS12, ciphers="ECDHE-RSA-CHACHA20-POLY1305")
    tls(9, pair("retry.example"), low=TLS13, tune=lambda one: one.set_ecdh_curve("secp384r1"))
    tls(10, pair("rsa13.example", "rsa"), low=TLS13)
    for number in range(11, 20):
        tls(number, everywhere)


def _behind_words(sound):
    tls, pair = sound.tls, sound.pair
    tls(20, pair("smtp.example"), before=_smtp, protocol="smtp")
    tls(21, pair("imap.example"), before=_lines([b"* OK ready", b"a1 OK go"]), protocol="imap", low=TLS13)
    tls(22, pair("pop.example"), before=_lines([b"+OK ready", b"+OK go"]), protocol="pop3")
    tls(23, pair("ftp.example"), before=_lines([b"220 ready", b"234 go"]), protocol="ftp")
    tls(24, pair("sql.example"), before=lambda one: (one.recv(8), one.sendall(b"S")), protocol="postgresql")
    sliced = pair("sliced.example")[2]
    flight = record(HANDSHAKE, server_hello(), 0x0303) + record(HANDSHAKE, certificates(sliced), 0x0303)
    sound.scripted(25, sliced, [flight[at : at + 40] for at in range(0, len(flight), 40)], pause=0.005)
    ssl3 = pair("ssl3.example")[2]
    messages = server_hello(0x000A, 0x0300) + certificates(ssl3)
    sound.scripted(26, ssl3, [record(HANDSHAKE, messages[:50], 0x0300) + record(HANDSHAKE, messages[50:], 0x0300)])


def _hostile(lab):
    der = SmallCA().issuer.public_bytes(Encoding.DER)
    flight = record(HANDSHAKE, server_hello()) + record(HANDSHAKE, certificates(der))
    lab.starttls[address(30)] = "smtp"
    lab.listen(30, _lines([b"220 mx", b"250 mx without", b"502 no"]))
    says = {
        31: b"HTTP/1.1 400 Bad Request\r\n\r\n",
        32: bytes.fromhex("030000130ed000001234000209080000000000"),  # RDP
        33: b"SSH-2.0-OpenSSH_9.2\r\n",
        34: flight[:60],
        35: b"\x16\x03\x03\xff\xff" + bytes(70_000),
        36: record(ALERT, b"\x02\x28"),
        37: record(HANDSHAKE, server_hello()) + record(HANDSHAKE, certificates()),
        38: record(HANDSHAKE, server_hello() + certificates(b"not a certificate")),
        39: record(HANDSHAKE, server_hello(0x0018) + handshake(12, bytes(20))),
        40: record(HANDSHAKE, server_hello() + handshake(CERTIFICATE, b"\x00\x00\x09\x00\x00\x07abcd")),
        41: record(HANDSHAKE, server_hello(version=0x0304) + certificates(der)),
        42: b"",
    }
    for number, words in says.items():
        lab.listen(number, lambda one, words=words: (one.recv(2000), one.sendall(words)))
    lab.listen(50, lambda one: _drip(lab, one))
    lab.listen(51, _reset)
    lab.listen(52, lambda one: lab.ended.wait(30))  # silent
    lab.listen(53, lambda one: (one.recv(2000), one.sendall(flight[:60]), lab.ended.wait(30)))
    endless = record(HANDSHAKE, server_hello()) + record(HANDSHAKE, b"\x0b\xff\xff\xff" + bytes(4000))
    lab.listen(
        54, lambda one: (one.recv(2000), one.sendall(endless), _pour(lab, one, record(HANDSHAKE, bytes(16_000))))
    )
    lab.listen(55, lambda one: (one.recv(2000), _pour(lab, one, record(ALERT, b"\x01\x70") * 500)))
    lab.listen(56, lambda one: (one.recv(2000), one.sendall(record(HANDSHAKE, server_hello())), lab.ended.wait(30)))


def _asks_for_certificate(context, sound):
    (sound.folder / "root.pem").write_text(sound.ca.root_pem)
    context.load_verify_locations(sound.folder / "root.pem")
    context.verify_mode = ssl.CERT_REQUIRED


def _line(connection):
    found = b""
    while not found.endswith(b"\n"):
        came = connection.recv(1)
        if not came:
            raise OSError("the client is gone")
        found += came
    return found


def _smtp(connection):
    connection.sendall(b"220-mx.example\r\n220 ready\r\n")
    while not _line(connection).startswith(b"STARTTLS"):
        connection.sendall(b"250-mx.example\r\n250-SIZE 1000\r\n250 STARTTLS\r\n")
    connection.sendall(b"220 go\r\n")


def _lines(answers):
    """Says the first line, and each further one after a line of the client."""

    def talk(connection):
        connection.sendall(answers[0] + b"\r\n")
        for answer in answers[1:]:
            _line(connection)
            connection.sendall(answer + b"\r\n")

    return talk


def _send_in_pieces(connection, pieces, pause):
    for piece in pieces:
        connection.sendall(piece)
        time.sleep(pause)


def _drip(lab, connection):
    connection.recv(2000)
    while not lab.ended.wait(0.2):
        connection.sendall(b"\x16")


def _pour(lab, connection, piece):
    while not lab.ended.is_set():
        connection.sendall(piece)


def _reset(connection):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
