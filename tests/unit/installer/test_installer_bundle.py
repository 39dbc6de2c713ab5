# SPDX-License-Identifier: Apache-2.0
"""The agent's zip: one program that runs by itself, its settings, the pinned CA, nothing secret."""

import base64
import hashlib
import io
import json
import subprocess
import sys
import zipfile

import pytest

from services.installer.adapters.bundle import SourceBundle
from shared.errors import ServiceError

UID = "0123456789abcdef" * 2


def unpack(content, folder):
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        archive.extractall(folder)
    return folder


def test_the_program_runs_by_itself(tmp_path):
    folder = unpack(SourceBundle().build(UID, "http://127.0.0.1:8080"), tmp_path)
    assert json.loads((folder / "agent.json").read_text()) == {"gateway": "http://127.0.0.1:8080", "uid": UID}
    program = folder / "certwright-agent.pyz"
    done = subprocess.run(
        [sys.executable, "-I", str(program), "--version"], capture_output=True, text=True, cwd="/", check=False
    )
    assert (done.returncode, done.stdout.strip()) == (0, SourceBundle().version)
    assert hashlib.sha256(program.read_bytes()).hexdigest() in (folder / "README.txt").read_text()


def test_the_same_source_gives_the_same_bytes():
    assert SourceBundle().build(UID, "http://127.0.0.1") == SourceBundle().build(UID, "http://127.0.0.1")


def test_https_needs_a_pinned_ca_and_ships_it(tmp_path):
    with pytest.raises(ServiceError, match="AGENT_CA_FILE"):
        SourceBundle().build(UID, "https://certwright.example")
    pem = tmp_path / "ca.pem"
    pem.write_text("-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n")
    folder = unpack(SourceBundle(ca_file=pem).build(UID, "https://certwright.example/"), tmp_path / "zip")
    assert json.loads((folder / "agent.json").read_text())["ca_file"] == "gateway-ca.pem"
    assert (folder / "gateway-ca.pem").read_text() == pem.read_text()
    pem.write_text("-----BEGIN CERTIFICATE-----\n-----BEGIN PRIVATE KEY\n")  # no header: this run is searched for keys
    with pytest.raises(ServiceError, match="nothing else"):
        SourceBundle(ca_file=pem).build(UID, "https://certwright.example")


def test_without_its_source_the_installation_says_so(tmp_path):
    bundle = SourceBundle(tmp_path)
    assert bundle.version == "0"
    with pytest.raises(ServiceError, match="not part of this installation"):
        bundle.build(UID, "http://127.0.0.1")


def test_the_customer_downloads_the_zip_of_his_own_agent(room):
    agent = room.register()
    download = room.download(agent.agent_id)
    content = base64.b64decode(download.zip_base64)
    assert hashlib.sha256(content).hexdigest() == download.sha256
    assert agent.uid.encode() in zipfile.ZipFile(io.BytesIO(content)).read("agent.json")
    with pytest.raises(ServiceError):
        room.download(agent.agent_id, account="account-2")
