# SPDX-License-Identifier: Apache-2.0
"""What searches a whole run for private keys finds one wherever it lies, in any spelling, and fails the run."""

from __future__ import annotations

import base64
import json
import os
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from tests.support.key_search import search, secret_numbers

ROOT = Path(__file__).resolve().parents[2]
KEYS = {
    "RSA": rsa.generate_private_key(65537, 2048),
    "P-256": ec.generate_private_key(ec.SECP256R1()),
    "P-384": ec.generate_private_key(ec.SECP384R1()),
    "Ed25519": ed25519.Ed25519PrivateKey.generate(),
}
PKCS8, TRADITIONAL = PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL
RUN = """
import logging
from shared.messaging.embedded import Channel

def test_one_that_{what}(tmp_path):
    key = open({key!r}).read()
    {line}
"""
CONFTEST = """
from tests.support.searched_run import SearchedRun

def pytest_configure(config):
    config.pluginmanager.register(SearchedRun(), "searched-run")
"""


@pytest.fixture
def folder():
    """Elsewhere than other tests', and gone afterwards: what is planted here is no fault of the run of this test."""
    with tempfile.TemporaryDirectory() as made:
        yield Path(made)


def written(kind, form=PKCS8, encoding=Encoding.PEM, encryption=None):
    return KEYS[kind].private_bytes(encoding, form, encryption or NoEncryption())


def found(folder):
    return sorted({each.path for each in search(folder)[2]})


FORMS = [(kind, PKCS8) for kind in KEYS] + [(kind, TRADITIONAL) for kind in ("RSA", "P-256", "P-384")]


@pytest.mark.parametrize(("kind", "form"), FORMS, ids=lambda each: getattr(each, "name", each))
def test_a_key_that_nobody_knows_is_told_by_its_beginning(folder, kind, form):
    der = written(kind, form, Encoding.DER)
    texts = {
        "pem": written(kind, form),
        "escaped": json.dumps({"detail": written(kind, form).decode()}).encode(),
        "der": b"before \n" + der + b"\n after",
        "base64": b'{"key": "' + base64.b64encode(der) + b'"}',
        "base64-url": base64.urlsafe_b64encode(b"xy" + der),
        "hex": der.hex().encode(),
    }
    for name, text in texts.items():
        (folder / f"{name}.log").write_bytes(b"detail: " + text)
    assert found(folder) == sorted(f"{name}.log" for name in texts)


@pytest.mark.parametrize("kind", KEYS)
def test_the_number_of_a_key_of_this_run_is_found_without_anything_around_it(folder, kind):
    (folder / "agent" / "state" / "keys").mkdir(parents=True)
    pem = written(kind)
    (folder / "agent" / "state" / "keys" / "1.key").write_bytes(pem)
    number = next(iter(secret_numbers(pem)))
    (folder / "raw.bin").write_bytes(b"??" + number + b"??")
    (folder / "hex.log").write_text(f"key={number.hex()}")
    for offset in range(3):
        (folder / f"base64-{offset}.log").write_bytes(base64.b64encode(b"x" * offset + number))
    assert found(folder) == ["base64-0.log", "base64-1.log", "base64-2.log", "hex.log", "raw.bin"]


def test_a_cell_of_a_database_is_read_whole(folder):
    with closing(sqlite3.connect(folder / "orders.sqlite3")) as connection:
        connection.execute("CREATE TABLE events (data TEXT, raw BLOB)")
        connection.execute("INSERT INTO events VALUES (?, ?)", ("x" * 9000, written("RSA", encoding=Encoding.DER)))
        connection.commit()
    assert "orders.sqlite3.cells" in found(folder)


def test_what_is_no_private_key_is_nothing(folder):
    public = KEYS["RSA"].public_key()
    (folder / "a.log").write_text("PRIVATE KEY is not what may be sent. -----BEGIN CERTIFICATE-----")
    (folder / "b.log").write_bytes(base64.b64encode(os.urandom(500_000)))
    (folder / "c.log").write_text(f"{public.public_numbers().n:x}")
    assert found(folder) == []


def test_a_key_file_is_meant_but_not_among_the_files_of_the_product(folder):
    for place in ("nginx/site.pem", "data/ca/root.key.pem", "data/root.pem", "one/data/accounts/x.key"):
        (folder / place).parent.mkdir(parents=True, exist_ok=True)
        (folder / place).write_bytes(written("P-256"))
    assert found(folder) == ["data/root.pem", "one/data/accounts/x.key"]
    (folder / "nginx/site.pem").write_bytes(b"site: " + written("P-256"))
    assert "nginx/site.pem" in found(folder)


def test_an_encrypted_key_is_one_too(folder):
    (folder / "a.log").write_bytes(b"made " + written("P-256", encryption=BestAvailableEncryption(b"x")))
    assert found(folder) == ["a.log"]


@pytest.mark.parametrize(
    ("what", "line", "place"),
    [
        ("stores", "(tmp_path / 'orders.sqlite3-wal').write_text('row ' + key)", "orders.sqlite3-wal"),
        ("logs", "logging.getLogger('room').warning('made %s', key)", "captured"),
        ("prints", "print(repr(key))", "captured"),
        ("sends", "Channel.prepare_message(None, key.encode())", "messages-"),
        ("does_nothing", "assert key", ""),
    ],
)
def test_a_run_fails_for_a_key_that_it_left_somewhere(folder, what, line, place):
    key = folder / "known.key"
    key.write_bytes(written("P-256"))
    (folder / "conftest.py").write_text(CONFTEST)
    (folder / "test_it.py").write_text(RUN.format(what=what, key=str(key), line=line))
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'agent'}", "TMPDIR": str(folder)}
    environment.pop("SEARCHED_RUN", None)
    argv = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:pytest_nameko"]
    argv += [f"--rootdir={folder}", f"--basetemp={folder / 'made'}", str(folder)]
    done = subprocess.run(argv, text=True, capture_output=True, check=False, env=environment, cwd=folder)
    assert "1 passed" in done.stdout, done.stdout + done.stderr
    assert done.returncode == (1 if place else 0), done.stdout
    assert "private keys: " in done.stdout
    if place:
        assert place in done.stdout
        assert "PRIVATE KEY" not in done.stdout
