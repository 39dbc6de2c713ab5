# SPDX-License-Identifier: Apache-2.0
"""A hostile gateway gets nothing done: every argument is data and is checked here (S11, S12, S13)."""

import json
import zipfile

import pytest
from certwright_agent import arguments as check
from certwright_agent.config import load
from certwright_agent.errors import Refused
from certwright_agent.jobs import Worker
from certwright_agent.keystore import _escaped
from hypothesis import given
from hypothesis import strategies as st

from tests.support.agent_driver import job, write_settings
from tests.support.small_ca import SmallCA

HOSTILE = [
    "", " ", ".", "..", "../../etc/passwd", "a/../b.test", "/etc/nginx", "a.test/../..", "a.test\n", "a.test\x00",
    "$(touch canary).test", "`touch canary`.test", "a.test;touch canary", "-oProxyCommand=x.test", "*.*.test", "*",
    "a..test", "-a.test", "a-.test", "a_b.test", "ä.test", "127.0.0.1:80", "x" * 64 + ".test", ".".join(["a"] * 130),
    "CON", "%2e%2e%2f.test", "a.test ", "A.test", None, 5, [], {"a": 1}, True,
]  # fmt: skip


@pytest.mark.parametrize("value", HOSTILE)
def test_what_is_no_fqdn_is_refused(value):
    with pytest.raises(Refused):
        check.fqdn(value)


@given(st.text(max_size=80))
def test_an_accepted_fqdn_holds_nothing_but_labels(value):
    try:
        name = check.fqdn(value)
    except Refused:
        return
    assert set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789-.*")
    assert ".." not in name
    assert not name.startswith(("-", "."))


@pytest.mark.parametrize(
    "path",
    [
        ".well-known/pki-validation/../../x.txt",
        ".well-known/pki-validation/" + "a" * 32 + ".txt/../x",
        ".well-known/acme-challenge/" + "a" * 32 + ".txt",
        "//.well-known/pki-validation/" + "a" * 32 + ".txt",
        ".well-known/pki-validation/" + "a" * 32 + ".php",
        ".well-known/pki-validation/" + "a" * 32 + ".txt\n",
    ],
)
def test_a_validation_file_has_one_place_only(path):
    with pytest.raises(Refused):
        check.dcv_file({"path": path})


@pytest.mark.parametrize("content", ["<?php system('x');\x00", "ä", "x" * 5000, ""])
def test_a_validation_file_is_short_and_plain(content):
    with pytest.raises(Refused):
        check.dcv_content({"content": content})


def test_pem_that_is_not_only_certificates_is_refused():
    pem = SmallCA().chain_pem
    assert check.certificates({"p": pem + pem}, "p") == [pem, pem]
    key = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"
    for spoilt in (key, pem + key, key + pem, pem + "x", pem[:-40], pem * 9, "x" * 70_000):
        with pytest.raises(Refused):
            assert check.certificates({"p": spoilt}, "p") is None


@given(st.text(alphabet=st.characters(codec="utf-8", exclude_categories=("C",)), max_size=60))
def test_no_subject_breaks_out_of_its_line(value):
    escaped = _escaped(value)
    assert "\n" not in escaped
    position = 0
    while position < len(escaped):  # every character with a meaning has its backslash
        if escaped[position] == "\\":
            position += 2
            continue
        assert escaped[position].isalnum() or ord(escaped[position]) > 127 or escaped[position] == " "
        position += 1


@pytest.fixture
def worker(tmp_path):
    (tmp_path / "canary-watch").mkdir()
    return Worker(load(write_settings(tmp_path, [], [])))


def done(worker, work):
    return worker.work(work, lambda step: None)[1]


def snapshot(folder):
    return {
        path: path.read_bytes() if path.is_file() else None
        for path in folder.rglob("*")
        if "outcomes" not in path.parts
    }


@pytest.mark.parametrize("kind", ["run", "shell", "", None, 7, "__class__", "update"])
def test_a_job_that_is_not_on_the_list_is_refused(worker, tmp_path, kind):
    before = snapshot(tmp_path)
    outcome = done(worker, {**job("x"), "kind": kind})
    assert not outcome.succeeded
    assert "does not know the job" in outcome.reason
    assert snapshot(tmp_path) == before


@pytest.mark.parametrize("job_id", ["", "../../x", None, "a" * 36, 5])
def test_a_job_without_a_proper_id_is_refused(worker, job_id):
    with pytest.raises(Refused):
        worker.work({**job("make_csr"), "job_id": job_id}, lambda step: None)


@pytest.mark.parametrize("moment", ["2020-01-01T00:00:00.000000Z", "soon", None])
def test_a_job_that_came_too_late_is_refused(worker, moment):
    work = {**job("make_csr", names=["a.test"], common_name="a.test"), "expires_at": moment}
    assert not done(worker, work).succeeded


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from([text for text in HOSTILE if isinstance(text, str)]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
FIELDS = (
    "names", "common_name", "key_algorithm", "organization", "fqdn", "path", "content", "certificate_pem", "chain_pem",
    "serial", "spki_sha256", "web_server", "site_name", "number", "expected_serial", "token",
)  # fmt: skip
KINDS = (
    "make_csr", "place_dcv_file", "remove_dcv_file", "place_acme_file", "remove_acme_file", "install_certificate",
    "save_certificate", "check_installation",
)  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_hostile_arguments_change_nothing_and_crash_nothing(worker, tmp_path, kind):
    before = snapshot(tmp_path)

    @given(st.fixed_dictionaries({}, optional=dict.fromkeys(FIELDS, JSON)))
    def attack(arguments):
        outcome = done(worker, job(kind, **arguments))
        assert not outcome.succeeded
        assert "unexpectedly" not in outcome.reason

    attack()
    assert snapshot(tmp_path) == before


def test_a_csr_is_made_with_its_names_and_subject_and_the_key_stays(worker, tmp_path):
    from cryptography import x509

    organization = {"name": 'Ex\\ample, "GmbH" $HOME #1', "country": "DE", "state": "Zürich=x", "locality": "a+b"}
    work = job(
        "make_csr", names=["*.a.test", "a.test"], common_name="*.a.test", key_algorithm="rsa-2048",
        organization=organization,
    )  # fmt: skip
    outcome = done(worker, work)
    assert outcome.succeeded, outcome.reason
    csr = x509.load_pem_x509_csr(outcome.result["csr_pem"].encode())
    assert csr.is_signature_valid
    assert csr.public_key().key_size == 2048
    subject = {attribute.rfc4514_attribute_name: attribute.value for attribute in csr.subject}
    assert subject == {
        "CN": "*.a.test", "O": organization["name"], "C": "DE", "ST": "Zürich=x", "L": "a+b"
    }  # fmt: skip
    san = csr.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert san.get_values_for_type(x509.DNSName) == ["*.a.test", "a.test"]
    (key,) = (tmp_path / "state" / "keys").glob("*.pem")
    assert key.stem == outcome.result["spki_sha256"]
    assert key.stat().st_mode & 0o777 == 0o600
    assert "PRIVATE" not in json.dumps(outcome.result)


def test_a_job_told_twice_gives_the_same_csr(worker):
    work = job("make_csr", names=["a.test"], common_name="a.test")
    assert done(worker, work).result == done(worker, work).result


def test_a_certificate_is_saved_as_a_zip_without_a_key_under_a_plain_name(worker, tmp_path):
    ca = SmallCA()
    fields = {"common_name": "*.a.test", "number": 2000001, "certificate_pem": ca.root_pem, "chain_pem": ca.chain_pem}
    outcome = done(worker, job("save_certificate", **fields))
    expected = tmp_path / "saved" / "_wildcard.a.test" / "_wildcard.a.test_2000001.zip"
    assert outcome.result == {"path": str(expected)}
    with zipfile.ZipFile(expected) as archive:
        members = {name: archive.read(name).decode() for name in archive.namelist()}
    assert members["_wildcard.a.test_fullchain.pem"] == ca.root_pem + ca.chain_pem
    assert not any("PRIVATE" in content for content in members.values())


def test_a_link_in_the_way_of_the_zip_is_not_followed(worker, tmp_path):
    ca = SmallCA()
    (tmp_path / "saved").mkdir()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "saved" / "a.test").symlink_to(tmp_path / "elsewhere")
    fields = {"common_name": "a.test", "number": 1, "certificate_pem": ca.root_pem, "chain_pem": ca.chain_pem}
    assert not done(worker, job("save_certificate", **fields)).succeeded
    assert list((tmp_path / "elsewhere").iterdir()) == []
