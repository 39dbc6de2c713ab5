# SPDX-License-Identifier: Apache-2.0
"""Protocols, suites and chains of real servers are those for which the servers were set up."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from shared.probe.suites import LEGACY_SUITES, suite
from shared.probe.survey import Survey
from shared.probe.surveying.surveyor import survey
from tests.support.key_files import KeyFiles, self_signed
from tests.support.s_server import s_server
from tests.support.scripted_tls import Script, scripted

_EVERYTHING = "ALL:COMPLEMENTOFALL:!aDSS:!PSK:!SRP:@SECLEVEL=0"


@pytest.fixture(scope="module")
def rsa(tmp_path_factory: pytest.TempPathFactory) -> KeyFiles:
    return self_signed(tmp_path_factory.mktemp("rsa"), "rsa")


@pytest.fixture(scope="module")
def ec(tmp_path_factory: pytest.TempPathFactory) -> KeyFiles:
    return self_signed(tmp_path_factory.mktemp("ec"), "ec")


def _listed(*arguments: str) -> set[int]:
    """The suites that this OpenSSL would take, by its own list."""
    listed = subprocess.run(["openssl", "ciphers", "-V", *arguments], check=True, capture_output=True, text=True)
    codes = {int("".join(line.split()[0].replace("0x", "").split(",")), 16) for line in listed.stdout.splitlines()}
    young = {code for code in codes if code >> 8 == 0x13}  # listed for every protocol
    return young if "-tls1_3" in arguments else codes - young


def _codes(found: Survey, protocol: str) -> set[str]:
    return set(found.protocols[protocol].suites)


def test_all_that_openssl_can_offer_is_found(rsa: KeyFiles, ec: KeyFiles) -> None:
    options = ["-dcert", str(ec.pem), "-dkey", str(ec.key), "-cipher", _EVERYTHING, "-serverpref"]
    with s_server(rsa, "-www", *options) as port:
        found = survey("127.0.0.1", port, server_name="a.example.test", depth="advanced")
    assert found.failure == ""
    offered = {name: offer.offered for name, offer in found.protocols.items()}
    assert offered == {
        "SSLv2": False,
        "SSLv3": False,
        "TLSv1.0": True,
        "TLSv1.1": True,
        "TLSv1.2": True,
        "TLSv1.3": True,
    }
    for name, option in (("TLSv1.0", "-tls1"), ("TLSv1.1", "-tls1_1"), ("TLSv1.2", "-tls1_2"), ("TLSv1.3", "-tls1_3")):
        wanted = {suite(code).name for code in _listed("-s", option, _EVERYTHING)}
        assert _codes(found, name) == wanted, name
        assert found.protocols[name].preference == "server"
        assert found.protocols[name].complete
    chains = {(chain.authentication, chain.certificates[0], chain.proved) for chain in found.chains}
    assert chains >= {("RSA", rsa.der, True), ("ECDSA", ec.der, True)}
    assert found.negotiated_protocol == "TLSv1.3"


def test_the_server_s_order_is_the_configured_one(rsa: KeyFiles) -> None:
    order = ["AES128-SHA", "ECDHE-RSA-AES128-GCM-SHA256", "AES256-SHA", "ECDHE-RSA-AES256-GCM-SHA384", "AES128-SHA256"]
    with s_server(rsa, "-www", "-tls1_2", "-serverpref", "-cipher", ":".join(order)) as port:
        found = survey("127.0.0.1", port, server_name="a.example.test", depth="advanced")
    assert found.protocols["TLSv1.2"].preference == "server"
    assert found.protocols["TLSv1.2"].suites == (
        "TLS_RSA_WITH_AES_128_CBC_SHA",
        "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
        "TLS_RSA_WITH_AES_256_CBC_SHA",
        "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
        "TLS_RSA_WITH_AES_128_CBC_SHA256",
    )


def test_a_server_without_an_order_lets_the_client_decide(rsa: KeyFiles) -> None:
    with s_server(rsa, "-www", "-tls1_2", "-cipher", "AES128-SHA:AES256-SHA") as port:
        found = survey("127.0.0.1", port, server_name="a.example.test", depth="advanced")
    assert found.protocols["TLSv1.2"].preference == "client"


def test_anonymous_suites_alone_are_found(rsa: KeyFiles) -> None:
    with s_server(rsa, "-www", "-tls1_2", "-cipher", "aNULL:@SECLEVEL=0") as port:
        found = survey("127.0.0.1", port, server_name="a.example.test", depth="advanced")
    wanted = {suite(code).name for code in _listed("-s", "-tls1_2", "aNULL:@SECLEVEL=0")}
    assert _codes(found, "TLSv1.2") == wanted
    assert found.failure == ""
    assert found.chains == ()


def test_suites_that_are_refused_in_company_are_found(rsa: KeyFiles) -> None:
    """Tomcat with two certificates chooses one by suites that Java's TLS then does not take."""
    taken = (0xC02F, 0xC02B, 0xC00A, 0xCCA9)  # one of an RSA key, three of an ECDSA key
    misleading = tuple(code for code in LEGACY_SUITES if suite(code).authentication == "RSA" and code not in taken)
    with scripted(Script(rsa.der, suites=taken, misleading=misleading)) as port:
        found = survey("127.0.0.1", port, server_name="a.example.test", depth="advanced", web=False)
    offer = found.protocols["TLSv1.2"]
    assert offer.suites == tuple(suite(code).name for code in taken)
    assert (offer.complete, offer.preference) == (True, "server")


def test_a_basic_survey_has_the_chain_proved_by_two_connections(rsa: KeyFiles) -> None:
    with s_server(rsa, "-www") as port:
        found = survey("127.0.0.1", port, server_name="a.example.test")
    assert [(chain.certificates, chain.proved) for chain in found.chains] == [((rsa.der,), True)]
    assert found.connections == 2
    assert found.protocols == {}
    assert found.negotiated_suite == "TLS_AES_256_GCM_SHA384"


@pytest.mark.parametrize("option", ["-tls1", "-tls1_1", "-tls1_2", "-tls1_3"])
def test_a_server_of_one_protocol(ec: KeyFiles, option: str, tmp_path: Path) -> None:
    named = {"-tls1": "TLSv1.0", "-tls1_1": "TLSv1.1", "-tls1_2": "TLSv1.2", "-tls1_3": "TLSv1.3"}[option]
    with s_server(ec, "-www", option, "-cipher", "ALL:@SECLEVEL=0") as port:
        found = survey("127.0.0.1", port, server_name="a.example.test", depth="advanced")
        basic = survey("127.0.0.1", port, server_name="a.example.test")
    assert [name for name, offer in found.protocols.items() if offer.offered] == [named]
    assert [offer.offered for offer in found.protocols.values()].count(None) == 0
    assert basic.negotiated_protocol == named
    assert [chain.certificates[0] for chain in basic.chains] == [ec.der]
    assert basic.chains[0].proved
