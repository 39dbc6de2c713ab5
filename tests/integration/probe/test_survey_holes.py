# SPDX-License-Identifier: Apache-2.0
"""Each hole is seen in a server that has it, and not in its sound kin."""

from __future__ import annotations

from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from shared.probe.survey import Survey
from shared.probe.surveying.inquiry import Inquirer
from shared.probe.surveying.resumption import survey_ticketbleed
from shared.probe.surveying.surveyor import survey
from tests.support.bleeding_proxy import bleeding
from tests.support.key_files import KeyFiles, self_signed
from tests.support.s_server import s_server
from tests.support.scripted_tls import Script, scripted


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> KeyFiles:
    return self_signed(tmp_path_factory.mktemp("holes"), "rsa")


def _survey(files: KeyFiles, **further: Any) -> Survey:
    with scripted(Script(files.der, **further)) as port:
        return survey("127.0.0.1", port, server_name="a.example.test", depth="advanced", web=False)


@pytest.mark.parametrize(("heartbeat", "bleeds"), [("", False), ("sound", False), ("bleeds", True)])
def test_heartbleed(files: KeyFiles, heartbeat: str, bleeds: bool) -> None:
    assert _survey(files, heartbeat=heartbeat).holes["heartbleed"].value is bleeds


@pytest.mark.parametrize(("ccs", "taken"), [("sound", False), ("taken", True)])
def test_early_change_cipher_spec(files: KeyFiles, ccs: str, taken: bool) -> None:
    assert _survey(files, ccs=ccs).holes["ccs_injection"].value is taken


@pytest.mark.parametrize("packs", [False, True])
def test_compression(files: KeyFiles, packs: bool) -> None:
    assert _survey(files, compression=packs).features["compression"].value is packs


def test_ssl2_alone_and_beside_tls(files: KeyFiles) -> None:
    found = _survey(files, ssl2_kinds=(0x010080, 0x020080))
    assert found.protocols["SSLv2"].suites == ("SSL_CK_RC4_128_WITH_MD5", "SSL_CK_RC4_128_EXPORT40_WITH_MD5")
    assert found.protocols["TLSv1.2"].offered
    assert _survey(files).protocols["SSLv2"].offered is False
    assert {chain.certificates for chain in found.chains} == {(files.der,)}
    alone = _survey(files, suites=(), ssl2_kinds=(0x010080,))
    assert [(chain.protocol, chain.certificates) for chain in alone.chains] == [("SSLv2", (files.der,))]
    empty = _survey(files, ssl2_kinds=())
    assert empty.protocols["SSLv2"].offered is False
    assert empty.protocols["SSLv2"].reason


def test_export_suites_of_ssl3(files: KeyFiles) -> None:
    found = _survey(files, suites=(0x0003, 0x0008, 0x0004), version=0x0300)
    assert set(found.protocols["SSLv3"].suites) == {
        "TLS_RSA_EXPORT_WITH_RC4_40_MD5",
        "TLS_RSA_EXPORT_WITH_DES40_CBC_SHA",
        "TLS_RSA_WITH_RC4_128_MD5",
    }
    assert found.protocols["SSLv3"].preference == "server"
    assert found.protocols["SSLv3"].suites[0] == "TLS_RSA_EXPORT_WITH_RC4_40_MD5"


def test_the_chain_of_a_server_that_takes_nothing_usual(files: KeyFiles) -> None:
    found = _survey(files, suites=(0x0009,), version=0x0301)  # single DES
    assert found.protocols["TLSv1.0"].suites == ("TLS_RSA_WITH_DES_CBC_SHA",)
    assert [(chain.certificates, chain.proved) for chain in found.chains] == [((files.der,), False)]
    assert found.failure == ""


def _strict(block: bytes) -> int:
    return 20 if block.startswith(b"\x00\x02") else 40


def _always(_block: bytes) -> int:
    return 20


@pytest.mark.parametrize(("unpad", "tells"), [(_strict, True), (_always, False)])
def test_robot(files: KeyFiles, unpad: Any, tells: bool) -> None:
    key = serialization.load_pem_private_key(files.key.read_bytes(), None)
    assert isinstance(key, rsa.RSAPrivateKey)
    secret = (key.public_key().public_numbers().n, key.private_numbers().d)
    fact = _survey(files, secret=secret, unpad=unpad).holes["robot"]
    assert fact.value is tells, fact


def test_ticketbleed_needs_a_ticket(files: KeyFiles) -> None:
    with scripted(Script(files.der)) as port:
        fact = Inquirer("127.0.0.1", port).hold(survey_ticketbleed("a.example.test"))
    assert fact.value is None  # no handshake comes to its end here
    assert fact.reason


def test_ticketbleed(files: KeyFiles) -> None:
    with s_server(files, "-tls1_2", "-www") as sound, bleeding(sound) as bleeds:
        facts = [Inquirer("127.0.0.1", port).hold(survey_ticketbleed("a.example.test")) for port in (sound, bleeds)]
    assert [fact.value for fact in facts] == [False, True]
    assert "16 bytes" in facts[1].detail
