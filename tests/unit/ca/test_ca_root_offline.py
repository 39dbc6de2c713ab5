# SPDX-License-Identifier: Apache-2.0
"""The root's key leaves: nothing that stays can sign with it, and what is written about it is true."""

import os
import pty
import subprocess
import sys
from datetime import UTC, datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key

from services.ca import jobs
from services.ca.adapters import lint
from services.ca.adapters.ceremony import hold
from services.ca.adapters.founding import Plan
from services.ca.adapters.key_files import KeyStoreError
from services.ca.adapters.key_store import RootKey, load, open_key_store, root_key_of
from services.ca.adapters.offline_root import take_offline
from shared.contracts.ca import IssuingAuthorityInstalled, RootTakenOffline
from tests.support import ca_keys
from tests.support.ca_room import ca_room

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
PLAN = Plan("Blumen AG", country="DE", base="http://pki.example.com/pki")


def told_of(ca):
    return [each.data for each in ca.app.room.events("authorities")]


def test_shown_to_a_person_the_passphrase_is_written_nowhere(tmp_path):
    shown = []
    store = open_key_store(tmp_path / "ca", None, plan=PLAN, now=NOW, tell=shown.append)
    assert store.root_key is RootKey.SEALED
    [secret] = shown
    root = load_pem_private_key((tmp_path / "ca/offline/root.key.pem").read_bytes(), secret.encode())
    assert root.public_key() == store.active.root.public_key()
    opened = [key for _, key in ca_keys.keys_that_open(tmp_path)]
    assert opened == [store.active.issuing.public_key()]
    assert all(secret.encode() not in path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())


def test_nothing_in_a_running_ca_can_sign_with_the_root(tmp_path):
    with ca_room(tmp_path) as ca:
        ca_keys.take_away(tmp_path / "ca", tmp_path.parent / f"{tmp_path.name}-safe")
        ca.issue()
        jobs.notice_authorities(ca.app)
        root = x509.load_pem_x509_certificate(ca.app.issuer.chain().root_pem.encode())
        opened = [key for _, key in ca_keys.keys_that_open(tmp_path)]
        assert opened
        assert root.public_key() not in opened
        assert [type(each) for each in told_of(ca)] == [IssuingAuthorityInstalled, RootTakenOffline]
        assert ca.app.authorities.root_is_offline


def test_the_first_start_at_a_terminal_says_what_it_did_once(tmp_path):
    """As `certwright serve` in an empty folder: no question is asked."""
    script = (
        "from pathlib import Path; from services.ca import bootstrap; from shared.settings import Settings;"
        f"bootstrap.build(Settings(data_dir=Path({str(tmp_path)!r}))).room.database.close()"
    )

    def start():
        outer, inner = pty.openpty()
        done = subprocess.run(
            [sys.executable, "-c", script], stdin=subprocess.DEVNULL, stdout=inner, stderr=inner, check=True, timeout=60
        )
        assert done.returncode == 0
        os.close(inner)
        try:
            return os.read(outer, 100_000).decode()
        except OSError:  # nothing was said
            return ""
        finally:
            os.close(outer)

    said = start()
    assert "stored nowhere" in said
    assert f"{tmp_path}/ca/offline" in said
    assert root_key_of(tmp_path / "ca") is RootKey.SEALED
    assert "passphrase" not in start()


def test_the_root_signs_its_list_before_it_leaves(tmp_path):
    with ca_room(tmp_path) as ca:
        root = x509.load_pem_x509_certificate(ca.app.issuer.chain().root_pem.encode())
        issuing = x509.load_pem_x509_certificate(ca.app.issuer.chain().issuers_pem[0].encode())
        crl = x509.load_der_x509_crl(ca.app.authorities.root_list)
        assert crl.is_signature_valid(root.public_key())
        assert crl.next_update_utc == issuing.not_valid_after_utc
        points = issuing.extensions.get_extension_for_class(x509.CRLDistributionPoints).value
        assert points[0].full_name[0].value == "http://certwright.test/pki/root.crl"
        assert jobs.root_crl(ca.app).number == 1


# --- a ceremony ------------------------------------------------------------------------------------------------------


def ceremony(out, **changes):
    fields = {"root_secret": b"x" * 20, "passphrase_file": None, "by": "A", "witnesses": ["B"], "now": NOW}
    return hold(changes.pop("plan", PLAN), out, **(fields | changes))


@pytest.mark.parametrize("kinds", [("ec-p384", "ec-p256"), ("rsa-4096", "rsa-2048"), ("ec-p256", "ec-p384")])
def test_what_a_ceremony_makes_is_a_ca(tmp_path, kinds):
    plan = Plan(
        "Blumen AG", country="DE", base="http://p.example/pki", root_algorithm=kinds[0], issuing_algorithm=kinds[1]
    )
    transcript = ceremony(tmp_path / "out", plan=plan)
    assert all(check["ok"] for check in transcript.checks)
    assert root_key_of(tmp_path / "out/ca") is RootKey.AWAY
    store = load(tmp_path / "out/ca", None)
    for kind, certificate in (("root", store.active.root), ("issuing", store.active.issuing)):
        assert lint.ca_problems(certificate.public_bytes(Encoding.DER), kind) == []
    with ca_room(tmp_path / "server", folder=tmp_path / "out/ca") as ca:
        assert ca.issue()[-1].issuer == "Blumen AG Issuing CA 1"


def test_the_transcript_has_every_file_and_no_secret(tmp_path):
    ceremony(tmp_path / "out")
    text = (tmp_path / "out/transcript.txt").read_text()
    for path in (tmp_path / "out").rglob("*.pem"):
        assert str(path.relative_to(tmp_path / "out")) in text
    assert "x" * 20 not in text
    assert (tmp_path / "out/ca/passphrase").read_text() not in text
    assert "NO" not in text.replace("NOT", "")
    assert "B: ____" in text


def test_a_ceremony_needs_an_empty_place(tmp_path):
    ceremony(tmp_path / "out")
    before = (tmp_path / "out/ca/root.pem").read_bytes()
    with pytest.raises(KeyStoreError, match="empty place"):
        ceremony(tmp_path / "out")
    assert (tmp_path / "out/ca/root.pem").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_ceremony_that_would_make_a_wrong_certificate_leaves_nothing(tmp_path):
    with pytest.raises(KeyStoreError, match="country"):
        ceremony(tmp_path / "out", plan=Plan("Blumen AG", country="QQ", base="http://p.example/pki"))
    assert list(tmp_path.iterdir()) == []


# --- installations of older releases ---------------------------------------------------------------------------------


@pytest.fixture
def older(tmp_path):
    with ca_room(tmp_path):
        pass
    key = ca_keys.as_older_releases_left_it(tmp_path / "ca")
    return tmp_path / "ca", key


def test_an_older_installation_starts_and_is_told_what_to_do(older, tmp_path, caplog):
    folder, key = older
    with ca_room(tmp_path) as ca:
        assert "certwright ca take-root-offline" in caplog.text
        assert ca.issue()[-1].issuer == "Certwright Issuing CA 1"
        assert not ca.app.authorities.root_is_offline
        assert key.public_key() in [each for _, each in ca_keys.keys_that_open(folder)]


def test_the_root_of_an_older_installation_is_taken_offline_while_it_runs(older, tmp_path):
    folder, key = older
    with ca_room(tmp_path) as ca:
        jobs.notice_authorities(ca.app)
        taken = take_offline(folder, None, root_secret=ca_keys.PASS.encode(), to=None, now=NOW)
        assert taken.list_made
        assert load_pem_private_key(taken.key_file.read_bytes(), ca_keys.PASS.encode()).public_key() == key.public_key()
        assert key.public_key() not in [each for _, each in ca_keys.keys_that_open(folder)]
        jobs.notice_authorities(ca.app)
        jobs.notice_authorities(ca.app)
        assert [type(each) for each in told_of(ca)] == [IssuingAuthorityInstalled, RootTakenOffline]
        assert jobs.root_crl(ca.app).number == 1
        with pytest.raises(KeyStoreError, match="nothing is to be done"):
            take_offline(folder, None, root_secret=ca_keys.PASS.encode(), to=None, now=NOW)


def test_an_empty_file_in_the_place_of_the_key_is_a_root_that_is_away(older):
    folder, _ = older
    (folder / "root.key.pem").write_bytes(b"")
    assert load(folder, None).root_key is RootKey.AWAY


def test_a_damaged_or_foreign_root_key_is_not_destroyed(older, tmp_path):
    folder, _ = older
    with ca_room(tmp_path / "other"):
        pass
    other = ca_keys.as_older_releases_left_it(tmp_path / "other/ca")
    content = ca_keys.sealed(other, (folder / "passphrase").read_bytes())
    (folder / "root.key.pem").write_bytes(content)
    with pytest.raises(KeyStoreError, match="not that of"):
        take_offline(folder, None, root_secret=ca_keys.PASS.encode(), to=None, now=NOW)
    assert (folder / "root.key.pem").read_bytes() == content
