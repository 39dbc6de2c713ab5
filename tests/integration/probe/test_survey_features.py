# SPDX-License-Identifier: Apache-2.0
"""Features, groups, primes, chains by name, and the web, of servers that were set up to have them or not."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from shared.probe.survey import Survey
from shared.probe.surveying.surveyor import SurveyLimits, survey
from tests.support.key_files import KeyFiles, self_signed
from tests.support.s_server import free_port, running, s_server

_NAME = "a.example.test"


@pytest.fixture(scope="module")
def rsa(tmp_path_factory: pytest.TempPathFactory) -> KeyFiles:
    return self_signed(tmp_path_factory.mktemp("rsa"), "rsa")


@pytest.fixture(scope="module")
def ec(tmp_path_factory: pytest.TempPathFactory) -> KeyFiles:
    return self_signed(tmp_path_factory.mktemp("ec"), "ec384")


def _survey(port: int, **further: Any) -> Survey:
    return survey("127.0.0.1", port, server_name=_NAME, depth="advanced", **further)


def test_a_usual_server(rsa: KeyFiles) -> None:
    with s_server(rsa, "-www", "-alpn", "h2,http/1.1") as port:
        found = _survey(port)
    values = {name: fact.value for name, fact in found.features.items()}
    assert values == {
        "sni_required": False,
        "sni_matters": False,
        "extended_master_secret": True,
        "encrypt_then_mac": True,
        "secure_renegotiation": True,
        "client_renegotiation": False,
        "fallback_scsv": True,
        "compression": False,
        "session_tickets": True,
        "session_ids": True,
        "early_data": False,
        "stapling": False,
        "client_certificate": False,
        "version_intolerance": False,
        "server_side_random_reuse": False,
    }
    assert found.holes.pop("winshock").value is None
    assert {fact.value for fact in found.holes.values()} == {False}
    assert set(found.alpn) == {"h2", "http/1.1"}
    assert found.groups[:2] == ("x25519", "secp256r1")
    assert "ffdhe2048" in found.groups
    assert found.groups_checked
    assert found.alpn_checked
    assert found.web is not None
    assert found.web.status == 200
    assert Survey.from_json(found.to_json()) == found


def test_the_features_that_a_server_was_told_to_have(rsa: KeyFiles) -> None:
    options = ["-tls1_2", "-client_renegotiation", "-no_ticket", "-no_etm", "-verify", "1", "-comp"]
    with s_server(rsa, *options) as port:
        found = _survey(port, web=False)
    assert found.features["client_renegotiation"].value is True
    assert found.features["session_tickets"].value is False
    assert found.features["encrypt_then_mac"].value is False
    assert found.features["client_certificate"].value is True
    assert found.features["fallback_scsv"].value is None


def test_early_data_and_client_certificates_in_tls13(rsa: KeyFiles) -> None:
    with s_server(rsa, "-tls1_3", "-early_data", "-verify", "1", "-max_early_data", "4096") as port:
        found = _survey(port, web=False)
    assert found.features["early_data"].value is True
    assert "4096" in found.features["early_data"].detail
    assert found.features["client_certificate"].value is True
    assert found.features["extended_master_secret"].value is None
    assert found.features["client_renegotiation"].value is False
    assert found.holes["heartbleed"].value is False


def test_primes_and_curves(rsa: KeyFiles, ec: KeyFiles, tmp_path: Path) -> None:
    parameters = tmp_path / "dh.pem"
    argv = [
        "openssl",
        "genpkey",
        "-genparam",
        "-algorithm",
        "DH",
        "-pkeyopt",
        "group:modp_1536",
        "-out",
        str(parameters),
    ]
    subprocess.run(argv, check=True, capture_output=True)
    text = parameters.read_text()
    assert "BEGIN" in text
    options = ["-dcert", str(ec.pem), "-dkey", str(ec.key), "-cipher", "ALL:@SECLEVEL=0", "-curves", "P-521:P-384"]
    with s_server(rsa, *options, "-tls1_2", "-dhparam", str(parameters), "-serverpref") as port:
        found = _survey(port, web=False)
    assert found.groups == ("secp521r1", "secp384r1")
    assert [(field.bits, field.known) for field in found.finite_fields] == [(1536, "RFC 3526 group 5")]


def test_a_staple_is_taken_along(tmp_path: Path, rsa: KeyFiles) -> None:
    stapled = tmp_path / "ocsp.der"
    stapled.write_bytes(b"\x30\x03\x0a\x01\x06")  # OCSPResponse: unauthorized (RFC 6960 §4.2.1)
    with s_server(rsa, "-status_file", str(stapled)) as port:
        found = survey("127.0.0.1", port, server_name=_NAME)
        full = _survey(port, web=False)
    assert found.stapled_ocsp == stapled.read_bytes()
    assert full.features["stapling"].value is True


def test_another_certificate_without_a_name(rsa: KeyFiles, ec: KeyFiles) -> None:
    options = ["-servername", _NAME, "-cert2", str(ec.pem), "-key2", str(ec.key)]
    with s_server(rsa, *options) as port:
        found = _survey(port, web=False)
    assert found.features["sni_matters"].value is True
    leaves = {(chain.certificates[0], chain.with_server_name) for chain in found.chains}
    assert leaves == {(ec.der, True), (rsa.der, False)}


@contextlib.contextmanager
def _nginx(folder: Path, rsa: KeyFiles) -> Iterator[tuple[int, int]]:
    secure, plain = free_port(), free_port()
    (folder / "nginx.conf").write_text(
        f"""daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log; events {{}}
http {{ access_log off; gzip on; gzip_min_length 1; client_body_temp_path {folder}/b; proxy_temp_path {folder}/p;
fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s; default_type text/html;
server {{ listen 127.0.0.1:{secure} ssl http2; ssl_certificate {rsa.pem}; ssl_certificate_key {rsa.key};
  ssl_protocols TLSv1.2 TLSv1.3; server_name {_NAME}; location / {{ return 200 "{"hello" * 100}"; }}
  add_header Strict-Transport-Security "max-age=31536000; includeSubDomains";
  add_header Set-Cookie "session=secret; Path=/; Secure; HttpOnly; SameSite=Lax"; }}
server {{ listen 127.0.0.1:{plain}; return 301 https://{_NAME}/; }} }}
"""
    )
    with running(["nginx", "-c", str(folder / "nginx.conf"), "-e", str(folder / "error.log")], secure):
        yield secure, plain


def test_nginx_and_its_pages(tmp_path: Path, rsa: KeyFiles) -> None:
    with _nginx(tmp_path, rsa) as (secure, plain):
        found = _survey(secure, plain_port=plain)
    assert [name for name, offer in found.protocols.items() if offer.offered] == ["TLSv1.2", "TLSv1.3"]
    web = found.web
    assert web is not None
    assert (web.status, web.compresses) == (200, True)
    assert web.headers["strict-transport-security"] == "max-age=31536000; includeSubDomains"
    assert web.cookies == ("session; Secure; HttpOnly; SameSite=Lax",)
    assert (web.plain_status, web.plain_location) == (301, f"https://{_NAME}/")
    assert found.features["client_renegotiation"].value is False
    assert set(found.alpn) >= {"h2", "http/1.1"}


@contextlib.contextmanager
def _listener(behave: Any) -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:

        def accept() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    threading.Thread(target=one, args=(connection,), daemon=True).start()

        def one(connection: socket.socket) -> None:
            with connection, contextlib.suppress(OSError):
                behave(connection)

        threading.Thread(target=accept, daemon=True).start()
        try:
            yield int(listener.getsockname()[1])
        finally:
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)


def _drips(connection: socket.socket) -> None:
    stop = threading.Event()
    for octet in b"\x16\x03\x03\x40\x00" + bytes(20):
        connection.sendall(bytes((octet,)))
        if stop.wait(1):
            return


def _never_ends(connection: socket.socket) -> None:
    while True:
        connection.sendall(b"\x16\x03\x03\x40\x00" + b"\x0b\x01\x00\x00" + bytes(16380))


def _garbage(connection: socket.socket) -> None:
    connection.recv(1000)
    connection.sendall(b"SSH-2.0-something\r\n")
    connection.recv(1000)


def _silent(connection: socket.socket) -> None:
    while connection.recv(1000):
        pass


_SHORT = SurveyLimits(connect_s=1, talk_s=0.5, basic_s=2, advanced_s=4)


@pytest.mark.parametrize(
    ("behave", "failure"),
    [(_drips, "timeout"), (_never_ends, "malformed"), (_garbage, "not_tls"), (_silent, "timeout")],
)
def test_hostile_servers_end_with_a_reason(behave: Any, failure: str) -> None:
    with _listener(behave) as port:
        found = survey("127.0.0.1", port, server_name=_NAME, depth="advanced", limits=_SHORT)
        basic = survey("127.0.0.1", port, server_name=_NAME, limits=_SHORT)
    assert (found.failure, basic.failure) == (failure, failure)
    assert found.connections < 40
    assert {offer.offered for offer in found.protocols.values()} <= {None, False}
    assert all(fact.reason for fact in (*found.features.values(), *found.holes.values()) if fact.value is None)


def test_mail_by_starttls(rsa: KeyFiles) -> None:
    with s_server(rsa, "-tls1_2") as behind:

        def behave(connection: socket.socket) -> None:
            connection.sendall(b"220 mx.example.test ESMTP\r\n")
            connection.recv(1000)
            connection.sendall(b"250-mx.example.test\r\n250 STARTTLS\r\n")
            connection.recv(1000)
            connection.sendall(b"220 go ahead\r\n")
            with socket.create_connection(("127.0.0.1", behind)) as server:
                threading.Thread(target=_pour, args=(connection, server), daemon=True).start()
                _pour(server, connection)

        with _listener(behave) as port:
            found = _survey(port, starttls="smtp")
            wrong = _survey(port, starttls="imap")
    assert found.failure == ""
    assert found.chains[0].certificates == (rsa.der,)
    assert [name for name, offer in found.protocols.items() if offer.offered] == ["TLSv1.2"]
    assert found.web is None
    assert wrong.failure == "not_tls"


def test_a_survey_can_be_stopped(rsa: KeyFiles) -> None:
    asked: list[str] = []
    with s_server(rsa) as port:
        found = _survey(port, progress=lambda _done, _of, what: asked.append(what), stopped=lambda: len(asked) > 8)
    assert found.connections < 40
    assert found.protocols["TLSv1.2"].offered is None or not found.protocols["TLSv1.2"].complete
    assert found.holes["robot"].value is None
    assert found.holes["robot"].reason
    assert found.features["fallback_scsv"].reason == "not every protocol could be asked for"


def test_an_address_is_no_server_name(rsa: KeyFiles) -> None:
    with s_server(rsa) as port:
        found = survey("127.0.0.1", port, server_name="127.0.0.1")
    assert found.failure == ""
    assert found.chains[0].proved
    with pytest.raises(ValueError, match="A-labels"):
        survey("127.0.0.1", port, server_name="bücher.example")


def test_nobody_there() -> None:
    found = survey("127.0.0.1", free_port(), server_name=_NAME, depth="advanced")
    assert found.failure == "refused"
    assert {offer.offered for offer in found.protocols.values()} == {None}


def test_a_server_that_takes_few_at_a_time_is_asked_more_slowly(rsa: KeyFiles) -> None:
    allowed = threading.Semaphore(2)

    with s_server(rsa, "-cipher", "AES128-SHA:AES256-SHA:AES128-GCM-SHA256", "-tls1_2", "-www") as behind:

        def behave(connection: socket.socket) -> None:
            if not allowed.acquire(blocking=False):
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
                return
            try:
                with socket.create_connection(("127.0.0.1", behind)) as server:
                    threading.Thread(target=_pour, args=(connection, server), daemon=True).start()
                    _pour(server, connection)
            finally:
                allowed.release()

        with _listener(behave) as port:
            found = _survey(port, web=False)
    assert found.protocols["TLSv1.2"].reason == ""
    assert set(found.protocols["TLSv1.2"].suites) == {
        "TLS_RSA_WITH_AES_128_CBC_SHA",
        "TLS_RSA_WITH_AES_256_CBC_SHA",
        "TLS_RSA_WITH_AES_128_GCM_SHA256",
    }


def _pour(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while piece := source.recv(65536):
            target.sendall(piece)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)
