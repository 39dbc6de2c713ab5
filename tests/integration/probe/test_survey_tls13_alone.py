# SPDX-License-Identifier: Apache-2.0
"""Servers of TLS 1.3 alone: both certificates and stamps; one that hangs up; one that never answers HTTP."""

from __future__ import annotations

import base64
import contextlib
import socket
import ssl
import threading

import pytest

from shared.probe.chain import Chain
from shared.probe.loop import Limits
from shared.probe.surveying import young
from shared.probe.surveying.surveyor import SurveyLimits, survey
from shared.probe.sweep import Sweep
from shared.probe.targets import Endpoint
from tests.support.key_files import self_signed
from tests.support.s_server import s_server
from tests.support.tls_listeners import context_for, listen

NAME = "a.example.test"
STAMPS = b"\x00\x04\x00\x02ab"


@pytest.fixture(scope="module")
def rsa(tmp_path_factory):
    return self_signed(tmp_path_factory.mktemp("rsa13"), "rsa")


@pytest.fixture(scope="module")
def ec(tmp_path_factory):
    return self_signed(tmp_path_factory.mktemp("ec13"), "ec")


@pytest.fixture(scope="module")
def information(tmp_path_factory):
    """The file by which OpenSSL sends an extension of ours, in the ServerHello and with the certificate: stamps."""
    # CLIENT_HELLO, TLS1_2_SERVER_HELLO and TLS1_3_CERTIFICATE of <openssl/ssl.h>; then type 18, and its body.
    packed = (0x0080 | 0x0100 | 0x1000).to_bytes(4, "big") + b"\x00\x12" + len(STAMPS).to_bytes(2, "big") + STAMPS
    label = "SERVERINFOV2 FOR TESTS"
    path = tmp_path_factory.mktemp("information") / "stamps.pem"
    path.write_text(f"-----BEGIN {label}-----\n{base64.b64encode(packed).decode()}\n-----END {label}-----\n")
    return path


def chains(found):
    return {(one.certificates[0], one.authentication, one.proved) for one in found.chains if one.with_server_name}


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_both_certificates_and_the_stamps_are_seen(rsa, ec, information, version):
    both = ("-dcert", str(ec.pem), "-dkey", str(ec.key), "-serverinfo", str(information), "-www", version)
    with s_server(rsa, *both) as port:
        found = survey("127.0.0.1", port, server_name=NAME, depth="advanced")
    assert found.tls_scts == STAMPS
    assert {(leaf, kind) for leaf, kind, _ in chains(found)} == {(rsa.der, "RSA"), (ec.der, "ECDSA")}
    assert found.features["stapling"].value is False
    assert found.features["client_certificate"].value is False


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_a_basic_look_sees_stamps_too(rsa, information, version):
    with s_server(rsa, "-serverinfo", str(information), "-www", version) as port:
        found = survey("127.0.0.1", port, server_name=NAME, depth="basic")
    assert found.tls_scts == STAMPS
    assert {(leaf, proved) for leaf, _, proved in chains(found)} == {(rsa.der, True)}


@pytest.mark.parametrize("suite", ["TLS_AES_128_CCM_SHA256", "TLS_AES_128_CCM_8_SHA256"])
def test_a_certificate_behind_a_suite_that_the_standard_library_lacks_is_seen(ec, suite):
    with s_server(ec, "-tls1_3", "-ciphersuites", suite, "-cipher", "ALL:@SECLEVEL=0", "-www") as port:
        found = survey("127.0.0.1", port, server_name=NAME, depth="advanced")
        (seen,) = Sweep([Endpoint("127.0.0.1", port, NAME, None)], total=1, limits=Limits(in_flight=2)).run()
        basic = survey("127.0.0.1", port, server_name=NAME, depth="basic")
    assert [(one.failure, one.negotiated_suite) for one in (found, basic)] == [("", suite)] * 2
    assert basic.chains[0].certificates == (ec.der,)
    assert found.protocols["TLSv1.3"].suites == (suite,)
    assert chains(found) == {(ec.der, "ECDSA", False)}
    assert isinstance(seen.outcome, Chain)
    assert seen.outcome.certificates == (ec.der,)


def test_where_the_package_is_missing_it_says_so(rsa, monkeypatch):
    monkeypatch.setattr(young, "Keys", None)
    with s_server(rsa, "-tls1_3", "-www") as port:
        found = survey("127.0.0.1", port, server_name=NAME, depth="advanced")
    assert [leaf for leaf, _, proved in chains(found) if proved] == [rsa.der]
    assert found.features["stapling"].value is None


def test_a_server_that_never_answers_http_and_takes_one_at_a_time_is_seen_whole(rsa):
    limits = SurveyLimits(talk_s=2.0)
    with s_server(rsa, "-tls1_2") as port:  # without -www it waits for what its standard input says
        found = survey("127.0.0.1", port, server_name=NAME, depth="advanced", limits=limits)
    assert found.web is not None
    assert found.web.reason.startswith("timeout")
    assert [name for name, offer in found.protocols.items() if offer.offered is None] == []
    assert found.protocols["TLSv1.2"].complete
    assert [name for name, fact in found.holes.items() if fact.value is None] == ["winshock"]


@pytest.mark.parametrize("abruptly", [False, True], ids=["closes", "resets"])
def test_a_sweep_tries_tls13_where_a_server_hangs_up_on_anything_else(ec, abruptly):
    context = context_for(ec.pem, ec.key, ssl.TLSVersion.TLSv1_3)
    with listen("127.0.0.1") as listener:

        def serve():
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    with contextlib.suppress(OSError), connection:
                        connection.settimeout(5)
                        hello = connection.recv(4096, socket.MSG_PEEK)
                        if b"\x00\x2b" not in hello:  # supported_versions
                            if abruptly:
                                connection.setsockopt(
                                    socket.SOL_SOCKET, socket.SO_LINGER, bytes((1, 0, 0, 0) + (0,) * 4)
                                )
                            connection.recv(4096)
                            continue
                        with context.wrap_socket(connection, server_side=True) as secure:
                            secure.recv(1)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        port = listener.getsockname()[1]
        (seen,) = Sweep([Endpoint("127.0.0.1", port, NAME, None)], total=1, limits=Limits(in_flight=2)).run()
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(5)
    assert isinstance(seen.outcome, Chain)
    assert seen.outcome.certificates == (ec.der,)
