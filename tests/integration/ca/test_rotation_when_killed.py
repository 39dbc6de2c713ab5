# SPDX-License-Identifier: Apache-2.0
"""`certwright ca` killed at each step: the CA goes on as it was or as it should be, and the same command finishes."""

import os

import pytest
from cryptography import x509

from services.ca.adapters.certify import common_name
from services.ca.adapters.key_store import RootKey, load, open_key_store, root_key_of
from shared.clock import RandomIds
from tests.support import ca_keys
from tests.support.ca_keys import certwright
from tests.support.ca_room import ca_room

ROTATE = [
    "ca/rotate/request/before-rename",
    "ca/rotate/request/after-rename",
    "ca/rotate/install/before-rename",
    "ca/rotate/install/after-rename",
]
OFFLINE = ["ca/offline/sealed", "ca/offline/before-destroyed", "ca/offline/destroyed"]
URL = {"CERTWRIGHT_PUBLIC_URL": "http://certwright.test"}


@pytest.fixture
def data(tmp_path):
    with ca_room(tmp_path / "data", ids=RandomIds()) as ca:
        ca.issue()
    return tmp_path / "data"


def issues(data, number):
    """Another certificate of the CA in `data`, and by whom."""
    with ca_room(data, ids=RandomIds()) as ca:
        ca.asked(ca.request(number=number), event_id=f"asked-{number}")
        ca.work()
        signed = ca.facts(f"issuance-{number}")[-1]
        issuing = x509.load_pem_x509_certificate(signed.chain_pem.encode())
        root = x509.load_pem_x509_certificate(ca.app.issuer.chain().root_pem.encode())
        x509.load_pem_x509_certificate(signed.certificate_pem.encode()).verify_directly_issued_by(issuing)
        issuing.verify_directly_issued_by(root)
        return signed.issuer


@pytest.mark.parametrize("place", ROTATE)
def test_a_rotation(data, tmp_path, place):
    key, secret = ca_keys.take_away(data / "ca", tmp_path / "safe")
    command = ["rotate", "--root-key", key, "--passphrase-file", ca_keys.passphrase_file(tmp_path, secret)]
    assert certwright(data, *command, CERTWRIGHT_CRASH_AT=place, **URL).returncode == 137
    done = place == "ca/rotate/install/after-rename"
    assert issues(data, 101) == f"Certwright Issuing CA {2 if done else 1}"
    if done:
        assert common_name(load(data / "ca", None).active.issuing) == "Certwright Issuing CA 2"
    again = certwright(data, *command, **URL)
    assert all(check["ok"] for check in again["checks"])
    assert issues(data, 102) == f"Certwright Issuing CA {3 if done else 2}"
    left = [path.name for path in (data / "ca").iterdir()]
    assert not [name for name in left if name.startswith((".", "request-"))]


def test_a_certificate_whose_installation_was_killed_is_installed_once(data, tmp_path):
    key, secret = ca_keys.take_away(data / "ca", tmp_path / "safe")
    phrase = ca_keys.passphrase_file(tmp_path, secret)
    csr, issuing = tmp_path / "issuing.csr", tmp_path / "issuing.pem"
    certwright(data, "request", "--out", csr, **URL)
    signed = certwright(
        tmp_path / "nowhere", "sign-issuing", csr, "--root", data / "ca/root.pem", "--root-key", key,
        "--passphrase-file", phrase, "--out", issuing,
    )  # fmt: skip
    assert all(check["ok"] for check in signed["checks"])
    killed = certwright(data, "install-issuing", issuing, CERTWRIGHT_CRASH_AT="ca/rotate/install/after-rename")
    assert killed.returncode == 137
    certwright(data, "install-issuing", issuing)
    assert [each["number"] for each in certwright(data, "show")["issuers"]] == [1, 2]
    assert issues(data, 101) == "Certwright Issuing CA 2"


@pytest.mark.parametrize("place", OFFLINE)
def test_the_root_on_its_way_out(data, tmp_path, place):
    root = ca_keys.as_older_releases_left_it(data / "ca")
    phrase = ca_keys.passphrase_file(tmp_path)
    command = ["take-root-offline", "--passphrase-file", phrase]
    assert certwright(data, *command, CERTWRIGHT_CRASH_AT=place).returncode == 137
    assert issues(data, 101) == "Certwright Issuing CA 1"
    again = certwright(data, *command)
    if place != "ca/offline/destroyed":
        assert all(check["ok"] for check in again["checks"])
    assert root_key_of(data / "ca") is RootKey.SEALED
    assert root.public_key() not in [key for _, key in ca_keys.keys_that_open(data)]
    rotated = ["rotate", "--root-key", data / "ca/offline/root.key.pem", "--passphrase-file", phrase]
    certwright(data, *rotated, **URL)
    assert issues(data, 102) == "Certwright Issuing CA 2"


def test_a_ceremony_and_a_first_start(tmp_path):
    out = tmp_path / "out"
    command = [
        "ceremony", "--out", out, "--organization", "Blumen AG", "--public-url", "http://pki.example.com/pki",
        "--passphrase-file", ca_keys.passphrase_file(tmp_path),
    ]  # fmt: skip
    assert certwright(tmp_path, *command, CERTWRIGHT_CRASH_AT="ca/ceremony/before-rename").returncode == 137
    assert not out.exists()
    assert certwright(tmp_path, *command)["by"]
    (out / "ca").rename(tmp_path / "data-ca")
    assert open_key_store(tmp_path / "data-ca", None, plan=None, now=None).root_key is RootKey.AWAY


def test_what_goes_wrong_is_said_in_a_line(data, tmp_path):
    short = ca_keys.passphrase_file(tmp_path, "short")
    for command, said in (
        (["rotate", "--root-key", tmp_path / "none", "--passphrase-file", short], "fewer than 16"),
        (["rotate", "--root-key", tmp_path / "none"], "--passphrase-file"),
        (["take-root-offline"], "nothing is to be done"),
        (["install-issuing", tmp_path / "none"], "There is no file"),
        (["ceremony", "--out", tmp_path / "o", "--organization", "A/B", "--public-url", "x"], "--organization"),
    ):
        done = certwright(data, *command, json_out=False)
        assert done.returncode in {1, 2}
        assert said in done.stderr.replace("\n", " ")
        assert "Traceback" not in done.stderr
    done = certwright(tmp_path / "empty", "show", json_out=False)
    assert "There is no CA in" in done.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="gives a folder to another user")
def test_a_folder_of_another_user_is_left_alone(data, tmp_path):
    """What root wrote there, the service could not read at its next start."""
    os.chown(data / "ca", 65534, -1)
    done = certwright(data, "request", json_out=False)
    assert done.returncode == 1
    assert "run this as that user" in done.stderr.replace("\n", " ")
    assert not (data / "ca/request-2").exists()
