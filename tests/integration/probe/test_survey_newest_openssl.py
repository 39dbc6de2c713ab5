# SPDX-License-Identifier: Apache-2.0
"""A survey of a real server that speaks the hybrid post-quantum groups, beside one that does not."""

import pytest

from shared.checker.judge import judge
from shared.probe.surveying.surveyor import survey
from tests.support.discovery_room import NOW
from tests.support.key_files import self_signed
from tests.support.newest_openssl import newest_openssl
from tests.support.s_server import s_server

NAME = "a.example.test"


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    return self_signed(tmp_path_factory.mktemp("keys"), "rsa")


def look(port):
    return survey("127.0.0.1", port, server_name=NAME, depth="advanced", web=False)


def test_the_hybrid_group_is_seen_where_a_real_server_has_it(files):
    with newest_openssl(files) as port:
        found = look(port)
    assert found.failure == ""
    assert found.groups_checked
    assert found.groups[0] == "X25519MLKEM768"
    assert {"X25519MLKEM768", "x25519", "secp256r1"} <= set(found.groups)
    assert [name for name, offer in found.protocols.items() if offer.offered] == ["TLSv1.2", "TLSv1.3"]
    assert post_quantum(found) == "good"


def test_dhe_that_is_done_by_named_groups_alone_is_seen(files):
    """OpenSSL 4.0 without parameters of its own does DHE for who names a group of RFC 7919."""
    with newest_openssl(files) as port:
        offer = look(port).protocols["TLSv1.2"]
    assert {name for name in offer.suites if "_DHE_" in name} == {
        "TLS_DHE_RSA_WITH_AES_256_GCM_SHA384",
        "TLS_DHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
        "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256",
        "TLS_DHE_RSA_WITH_AES_256_CBC_SHA256",
        "TLS_DHE_RSA_WITH_AES_128_CBC_SHA256",
        "TLS_DHE_RSA_WITH_AES_256_CBC_SHA",
        "TLS_DHE_RSA_WITH_AES_128_CBC_SHA",
    }
    assert (offer.complete, offer.preference) == (True, "client")


def test_it_is_not_seen_where_a_real_server_lacks_it(files):
    with s_server(files, "-groups", "X25519:P-256") as port:
        found = look(port)
    assert found.groups_checked
    assert not [group for group in found.groups if "MLKEM" in group]
    assert post_quantum(found) != "good"


def post_quantum(found):
    """The severity of what the judgement says of it."""
    (finding,) = [one for one in judge(found, at=NOW).findings if "quantum" in f"{one.code} {one.text}".lower()]
    return finding.severity
