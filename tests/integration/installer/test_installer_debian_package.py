# SPDX-License-Identifier: Apache-2.0
"""The .deb of one agent, really installed by dpkg into a private root: upgrade, removal, purge."""

import io
import json
import re
import stat
import subprocess
import tarfile

import pytest

from services.installer.adapters.bundle import SourceBundle
from services.installer.model.builds import DEBIAN
from tests.support.debian_root import DebianRoot

UID = "0123456789abcdef" * 2
STATE, SETTINGS = "/var/lib/certwright-agent", "/etc/certwright-agent/agent.json"
WANTED = "/etc/systemd/system/multi-user.target.wants/certwright-agent.service"
PEM = "-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n"


@pytest.fixture
def bundle(tmp_path):
    ca = tmp_path / "ca.pem"
    ca.write_text(PEM)
    return SourceBundle(ca_file=ca)


@pytest.fixture
def package(tmp_path, bundle):
    path = tmp_path / "agent.deb"
    path.write_bytes(bundle.build(UID, "https://certwright.example", DEBIAN))
    return path


@pytest.fixture
def root(tmp_path):
    return DebianRoot(tmp_path / "root")


def test_what_is_in_the_package_and_who_owns_it(package):
    tar = subprocess.run(["dpkg-deb", "--fsys-tarfile", package], capture_output=True, check=True).stdout
    with tarfile.open(fileobj=io.BytesIO(tar)) as archive:
        members = archive.getmembers()
    assert {(member.uid, member.gid) for member in members} == {(0, 0)}
    files = {member.name.removeprefix("."): stat.S_IMODE(member.mode) for member in members if member.isfile()}
    assert files[SETTINGS] == 0o600
    assert files["/etc/certwright-agent/gateway-ca.pem"] == 0o644
    assert files["/usr/bin/certwright-agent"] == files["/usr/lib/certwright-agent/certwright-agent.pyz"] == 0o755
    assert {mode for name, mode in files.items() if "/doc/" in name or name.endswith(".service")} == {0o644}
    assert not [name for name in files if name.startswith(("/opt", "/var", "/home", "/root"))]
    kept = subprocess.run(["dpkg-deb", "--info", package, "conffiles"], capture_output=True, text=True, check=True)
    assert set(kept.stdout.split()) == {SETTINGS, "/etc/certwright-agent/gateway-ca.pem"}


def test_two_agents_get_packages_that_differ_in_their_settings_alone(bundle, tmp_path):
    contents = []
    for uid in (UID, UID[::-1]):
        folder = tmp_path / uid
        package = tmp_path / f"{uid}.deb"
        package.write_bytes(bundle.build(uid, "https://certwright.example", DEBIAN))
        subprocess.run(["dpkg-deb", "-x", package, folder], check=True)
        contents.append({p.relative_to(folder): p.read_bytes() for p in folder.rglob("*") if p.is_file()})
    one, other = contents
    assert [str(name) for name in one if one[name] != other[name]] == [SETTINGS.lstrip("/")]
    (name,) = [name for name in one if name.name == "agent.json"]
    assert json.loads(one[name]) == {
        "gateway": "https://certwright.example", "uid": UID, "ca_file": "gateway-ca.pem", "state": STATE,
        "save_directory": f"{STATE}/saved",
    }  # fmt: skip


def test_it_is_installed_enabled_and_asks_nothing(root, package):
    assert root.dpkg("-i", package) == 0, root.said
    assert root.state() == "install ok installed"
    assert root.path(WANTED).is_symlink()
    assert root.path(STATE).stat().st_mode & 0o777 == 0o700
    assert root.path(SETTINGS).stat().st_mode & 0o777 == 0o600
    assert "certwright-agent enroll && systemctl start certwright-agent" in root.said
    unit = root.path("/usr/lib/systemd/system/certwright-agent.service").read_text()
    assert not re.search(r"@(?!system-service)", unit)
    assert f"ConditionPathExists={STATE}/token" in unit  # nothing runs before it is enrolled
    program = re.search(r"^ExecStart=(\S+) run$", unit, re.MULTILINE)
    assert root.path(program[1]).exists()
    copy = root.folder / "certwright-agent.service"
    copy.write_text(unit.replace(program[1], str(root.path(program[1]))))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", copy], capture_output=True, text=True, check=False, timeout=60
    )
    assert [line for line in done.stderr.splitlines() if "certwright" in line] == []


def test_an_upgrade_keeps_the_administrators_settings_and_removal_the_keys(
    root, package, bundle, tmp_path, monkeypatch
):
    assert root.dpkg("-i", package) == 0
    settings = root.path(SETTINGS)
    changed = settings.read_text().replace("{", '{"poll_seconds": 7,', 1)
    settings.write_text(changed)
    root.path(f"{STATE}/keys").mkdir()
    key = root.path(f"{STATE}/keys/a.pem")
    key.write_text("key")
    root.path(f"{STATE}/token").write_text("T")
    newer = tmp_path / "newer.deb"
    monkeypatch.setattr(SourceBundle, "version", "99.0")
    newer.write_bytes(SourceBundle(ca_file=tmp_path / "ca.pem").build(UID, "https://certwright.example", DEBIAN))
    assert root.dpkg("-i", newer) == 0, root.said
    assert settings.read_text() == changed
    assert settings.stat().st_mode & 0o777 == 0o600
    assert "enroll" not in root.said
    assert root.dpkg("-r", "certwright-agent") == 0, root.said
    assert root.state() == "deinstall ok config-files"
    assert not root.path("/usr/lib/certwright-agent").exists()
    assert (key.read_text(), settings.read_text()) == ("key", changed)
    assert root.dpkg("-i", newer) == 0
    assert settings.read_text() == changed
    assert root.dpkg("-P", "certwright-agent") == 0, root.said
    assert not root.path(STATE).exists()
    assert not root.path("/etc/certwright-agent").exists()
    assert not root.path(WANTED).is_symlink()
    assert root.state() == ""


def test_a_purge_leaves_what_a_web_server_still_reads(root, package):
    assert root.dpkg("-i", package) == 0
    for name in ("live", "archive", "keys", "ssh"):
        root.path(f"{STATE}/{name}").mkdir()
    root.path(f"{STATE}/token").write_text("T")
    site = root.path("/etc/nginx/sites-available/shop")
    site.parent.mkdir(parents=True)
    site.write_text(f"ssl_certificate {STATE}/live/shop/fullchain.pem;")
    assert root.dpkg("-P", "certwright-agent") == 0, root.said
    assert sorted(path.name for path in root.path(STATE).iterdir()) == ["archive", "live"]
    assert f"{STATE}/live and {STATE}/archive stay" in root.said
