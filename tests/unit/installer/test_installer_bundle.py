# SPDX-License-Identifier: Apache-2.0
"""What agents are set up from: one program that runs by itself, its settings, the pinned CA, nothing secret."""

import base64
import hashlib
import io
import json
import subprocess
import sys
import zipfile

import pytest

from services.installer.adapters.bundle import SourceBundle
from services.installer.model.builds import BUILDS, UTILITY
from shared.errors import Code, ServiceError

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


@pytest.mark.parametrize("build", BUILDS, ids=lambda build: build.name)
def test_the_same_source_gives_the_same_bytes(build):
    assert SourceBundle().build(UID, "http://127.0.0.1", build) == SourceBundle().build(UID, "http://127.0.0.1", build)


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


def test_the_customer_downloads_each_build_of_his_own_agent(room):
    agent = room.register()
    listed = {build.build: build for build in room.builds(agent.agent_id)}
    assert list(listed) == ["debian", "linux", "utility"]
    for name, build in listed.items():
        download = room.download(agent.agent_id, build=name)
        content = base64.b64decode(download.content_base64)
        assert hashlib.sha256(content).hexdigest() == download.sha256 == build.sha256
        assert (len(content), download.file_name) == (build.size, build.file_name)
        assert room.fetch(agent.uid, name) == download
        with pytest.raises(ServiceError, match="agent"):
            room.download(agent.agent_id, account="account-2", build=name)
    content = base64.b64decode(room.download(agent.agent_id).content_base64)
    assert agent.uid.encode() in zipfile.ZipFile(io.BytesIO(content)).read("agent.json")
    assert {build.iis for build in listed.values()} == {"none"}
    assert (listed["utility"].page, listed["utility"].nginx) == (False, "here")
    with pytest.raises(ServiceError):
        room.builds(agent.agent_id, account="account-2")


def test_only_the_uid_of_an_agent_fetches_and_only_a_build_that_there_is(room):
    agent = room.register()
    for uid, build in (("f" * 32, "debian"), (agent.uid, "rpm"), (agent.agent_id, "debian"), (agent.uid, "")):
        with pytest.raises(ServiceError) as refused:
            room.fetch(uid, build)
        assert refused.value.code == Code.NOT_FOUND
    with pytest.raises(ServiceError):
        room.download(agent.agent_id, build="../debian")
    room.remove(agent.agent_id)
    with pytest.raises(ServiceError):
        room.fetch(agent.uid)


def test_a_build_that_cannot_be_made_here_says_why_and_hides_no_other(room, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    agent = room.register()
    listed = {build.build: build for build in room.builds(agent.agent_id)}
    assert "apt-get install dpkg" in listed["debian"].unavailable
    assert (listed["debian"].size, listed["debian"].sha256) == (0, "")
    assert listed["linux"].sha256
    with pytest.raises(ServiceError) as refused:
        room.download(agent.agent_id, build="debian")
    assert refused.value.code == Code.UNAVAILABLE
    # An address that no pinned CA vouches for: only what talks to no gateway is left.
    listed = {build.build: build for build in room.builds(agent.agent_id, gateway="https://certwright.example")}
    assert "AGENT_CA_FILE" in listed["linux"].unavailable
    assert listed["utility"].sha256


def test_the_stand_alone_utility_knows_no_gateway_and_no_agent(tmp_path):
    folder = unpack(SourceBundle().build(UID, "http://127.0.0.1", UTILITY), tmp_path)
    assert sorted(path.name for path in folder.iterdir()) == ["README.txt", "certwright-agent.pyz"]
