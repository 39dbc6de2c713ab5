# SPDX-License-Identifier: Apache-2.0
"""What lints the certificates of a whole run finds a bad one wherever it lies, and fails the run."""

from __future__ import annotations

import json
import os
import re
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding

from shared.contracts.ca import CertificateSigned
from tests.support import signed
from tests.support.ca_room import ca_room

ROOT = Path(__file__).resolve().parents[3]
RUN = """
import shutil
from pathlib import Path

def test_one_that_signs(tmp_path):
    shutil.copy("{log}", tmp_path / "ca.sqlite3")

def test_another(tmp_path):
    pass
"""
CONFTEST = """
from tests.support.linted_run import LintedRun

def pytest_configure(config):
    config.pluginmanager.register(LintedRun(), "linted-run")
"""


@pytest.fixture
def tmp_path():
    """Elsewhere than other tests', and gone afterwards: the bad ones are no fault of the run that this test is in."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The folder of a CA that has signed one certificate, and what it said of that."""
    folder = tmp_path_factory.mktemp("made")
    with ca_room(folder) as room:
        said = next(each for each in room.issue() if isinstance(each, CertificateSigned))
    return folder, said.certificate_pem, said.chain_pem


def longer(pem):
    """The same certificate for twice as long as the rules allow, signed by nobody in particular."""
    known = x509.load_pem_x509_certificate(pem.encode())
    builder = x509.CertificateBuilder(
        known.issuer, known.subject, known.public_key(), known.serial_number, known.not_valid_before_utc,
        known.not_valid_before_utc + timedelta(days=400), list(known.extensions),
    )  # fmt: skip
    return builder.sign(ec.generate_private_key(ec.SECP256R1()), SHA256()).public_bytes(Encoding.PEM).decode()


def log(file, *events):
    """A log of the CA with these (type, certificate)."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("CREATE TABLE events (type TEXT, data TEXT, recorded_at TEXT)")
        for kind, pem in events:
            data = json.dumps({"certificate_pem": pem, "issuer": "the other CA", "chain_pem": ""})
            connection.execute("INSERT INTO events VALUES (?, ?, ?)", (kind, data, "2026-11-23T12:00:00Z"))
        connection.commit()
    return file


def of(kind, pem):
    return (f"ca.{kind}", pem)


def test_what_the_ca_signed_is_found_and_has_no_fault(made):
    folder, leaf, chain = made
    found = list(signed.below(folder))
    assert {leaf.strip(), chain.strip()} <= {each.pem.strip() for each in found}
    assert len(found) >= 4  # the leaf; the issuing CA in log and file; the root
    assert signed.lint(found) == (3, [])


def test_a_bad_one_is_found_and_that_of_another_ca_is_not_ours(made, tmp_path):
    _, leaf, chain = made
    bad = longer(leaf)
    own = of("IssuingAuthorityInstalled", chain)
    log(tmp_path / "data" / "ca.sqlite3", own, of("CertificateSigned", leaf), of("CertificateSigned", bad))
    log(tmp_path / "other" / "ca.sqlite3", of("CertificateSigned", bad))
    certificates, faults = signed.lint(signed.below(tmp_path))
    assert certificates == 3
    [fault] = faults
    assert fault.code == "cabf.serverauth.certificate_validity_period_exceeds_200_days", fault
    assert fault.where == str(tmp_path / "data")


def test_what_was_kept_of_a_server_is_linted(made, tmp_path):
    _, leaf, chain = made
    pems = {"ca.IssuingAuthorityRotated": chain, "ca.CertificateSigned": longer(leaf)}
    events = [signed.Event(kind, json.dumps({"certificate_pem": pem, "issuer": ""}), "") for kind, pem in pems.items()]
    signed.keep(events, tmp_path / "postgres-1")
    assert [each.where for each in signed.lint(signed.below(tmp_path))[1]] == [str(tmp_path / "postgres-1.signed.json")]


def test_a_bad_certificate_fails_a_run_whose_tests_passed(made, tmp_path):
    _, leaf, chain = made
    spoilt = of("CertificateSigned", longer(leaf))
    file = log(tmp_path / "log", of("IssuingAuthorityInstalled", chain), of("CertificateSigned", leaf), spoilt)
    (tmp_path / "conftest.py").write_text(CONFTEST)
    (tmp_path / "test_run.py").write_text(RUN.format(log=file))
    argv = [sys.executable, "-m", "pytest", "-p", "no:pytest_nameko", "-p", "no:cacheprovider", "--rootdir", tmp_path,
            "--basetemp", tmp_path / "temp", tmp_path]  # fmt: skip
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'agent'}"}
    done = subprocess.run(argv, cwd=ROOT, env=environment, text=True, capture_output=True, check=False)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "2 passed" in done.stdout
    assert "pkilint: 3 certificates of the built-in CA\n" in done.stdout
    assert re.search(r"exceeds_200_days: CN=example.com, in \S+/test_one_that_signs0; ", done.stdout)
