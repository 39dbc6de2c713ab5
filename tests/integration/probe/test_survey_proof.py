# SPDX-License-Identifier: Apache-2.0
"""A basic survey says the same by its own proof of the key as by a handshake of OpenSSL's."""

from __future__ import annotations

import pytest

from shared.probe.surveying import young
from shared.probe.surveying.surveyor import survey
from tests.support.key_files import self_signed
from tests.support.s_server import s_server

NAME = "a.example.test"
OLD = ("-tls1_2", "-cipher")
# Key, options of the server, connections with our own proof: a third one where that cannot be, and a fourth for what a
# server of TLS 1.3 alone staples.
SERVERS = {
    "young": ("ec", (), 2),
    "young by another group": ("ec384", ("-tls1_3", "-groups", "P-384"), 2),
    "young by a group that only OpenSSL has": ("rsa", ("-tls1_3", "-groups", "X448"), 4),
    "elliptic": ("rsa", (*OLD, "ECDHE-RSA-AES128-SHA256"), 2),
    "finite field": ("rsa", (*OLD, "DHE-RSA-AES256-GCM-SHA384"), 2),
    "edwards": ("ed25519", (*OLD, "ECDHE"), 2),
    "unsigned": ("rsa", (*OLD, "AES128-SHA"), 3),
    "sha1": ("rsa", (*OLD, "ECDHE:@SECLEVEL=0", "-sigalgs", "RSA+SHA1"), 3),
    "old": ("ec", ("-tls1_1", "-cipher", "ALL:@SECLEVEL=0"), 3),
}


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("proofs")
    return {kind: self_signed(folder, kind) for kind in ("rsa", "ec", "ec384", "ed25519")}


@pytest.mark.parametrize("case", SERVERS)
def test_the_same_is_said(monkeypatch, files, case):
    kind, options, connections = SERVERS[case]
    with s_server(files[kind], "-www", *options) as port:
        ours = survey("127.0.0.1", port, server_name=NAME)
        monkeypatch.setattr(young, "Keys", None)  # as in the agent
        theirs = survey("127.0.0.1", port, server_name=NAME)
    assert [one.certificates for one in ours.chains] == [(files[kind].der,)]
    assert ours.chains == theirs.chains
    assert ours.chains[0].proved
    for name in ("failure", "negotiated_protocol", "negotiated_suite", "stapled_ocsp", "tls_scts"):
        assert getattr(ours, name) == getattr(theirs, name)
    assert ours.connections == connections


def test_both_certificates_of_a_server_are_seen(files):
    """TLS 1.3 and 1.2 choose between two by different rules: that is what the second connection is for."""
    both = ("-dcert", str(files["ec"].pem), "-dkey", str(files["ec"].key), "-www")
    with s_server(files["rsa"], *both) as port:
        found = survey("127.0.0.1", port, server_name=NAME)
    shown = {(one.certificates[0], one.proved) for one in found.chains}
    assert shown == {(files["ec"].der, True), (files["rsa"].der, False)}
