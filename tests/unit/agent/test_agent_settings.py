# SPDX-License-Identifier: Apache-2.0
"""The agent's settings: what would be unsafe does not start."""

import ast
import json
from pathlib import Path

import pytest
from certwright_agent.config import SettingsError, load

ROOT = Path(__file__).resolve().parents[3]
_WITH_CRYPTOGRAPHY = {"curves13.py", "proof.py", "schedule13.py", "tls13.py"}
FILES = {
    "kind": "files",
    "name": "mail",
    "fullchain": "/a",
    "key": "/b",
    "reload": ["/bin/systemctl", "reload", "dovecot"],
    "probes": [{"address": "127.0.0.1", "port": 993, "sni": "mail.example.test"}],
}
GOOD = {"gateway": "http://127.0.0.1:8080", "uid": "0" * 32}


def settings(folder, **changes):
    path = folder / "agent.json"
    path.write_text(json.dumps({**GOOD, **changes}))
    return load(path)


def test_the_download_starts_as_it_is(tmp_path):
    made = settings(tmp_path)
    assert made.state == tmp_path.resolve() / "state"
    assert made.poll_seconds is None


@pytest.mark.parametrize(
    "changes",
    [
        {"gateway": "http://certwright.example"},
        {"gateway": "http://127.0.0.1.example"},
        {"gateway": "https://certwright.example"},  # without its CA
        {"gateway": "https://certwright.example", "ca_file": "missing.pem"},
        {"gateway": "ftp://127.0.0.1"},
        {"gateway": "https://user@certwright.example"},
        {"uid": "x"},
        {"surprise": 1},
        {"state": "a b;c"},
        {"poll_seconds": 0},
        {"web_servers": [{"kind": "iis", "binary": "/x", "config": "/y"}]},
        {"web_servers": [{"kind": "nginx", "binary": "nginx", "config": "/y"}]},
        {"web_servers": [{"kind": "nginx", "binary": "/x", "config": "/y", "hook": "rm"}]},
        {"web_servers": [{"kind": ["nginx"], "binary": "/x", "config": "/y"}]},
        {"web_servers": [{"kind": "haproxy", "binary": "/x", "config": "/y", "more_configs": "z"}]},
        {"web_servers": [{"kind": "haproxy", "binary": "/x", "config": "/y", "more_configs": ["z"]}]},
        {"web_servers": [{"kind": "tomcat", "config": "/y", "manager_url": "http://192.0.2.1/manager/text"}]},
        {"web_servers": [{"kind": "tomcat", "config": "/y", "manager_url": "http://u:p@127.0.0.1/manager/text"}]},
        {"web_servers": [{"kind": "tomcat", "config": "/y", "manager_url": "ftp://127.0.0.1/"}]},
        {"web_servers": [{"kind": "tomcat", "config": "/y", "manager_password": "secret"}]},
        {"web_servers": [{"kind": "tomcat", "config": "/y", "manager_user": "a:b"}]},
        {"web_servers": [{**FILES, "reload": "systemctl reload x"}]},
        {"web_servers": [{**FILES, "reload": []}]},
        {"web_servers": [{**FILES, "reload": ["reload-it"]}]},
        {"web_servers": [{**FILES, "test": [["/bin/true"]]}]},
        {"web_servers": [{**FILES, "key": "relative"}]},
        {"web_servers": [{**FILES, "key": "/a"}]},
        {"web_servers": [{**FILES, "probes": []}]},
        {"web_servers": [{**FILES, "probes": [{"address": "127.0.0.1", "port": 993}]}]},
        {"web_servers": [{**FILES, "probes": [{"address": "localhost", "port": 993, "sni": "a.test"}]}]},
        {"web_servers": [{**FILES, "probes": [{"address": "127.0.0.1", "port": 993, "sni": "a b"}]}]},
        {"web_servers": [{**FILES, "name": "../x"}]},
        {"web_servers": [FILES, FILES]},
        {"web_servers": [FILES, {**FILES, "name": "other"}]},
        {"web_servers": [{name: value for name, value in FILES.items() if name != "fullchain"}]},
    ],
)
def test_unsafe_or_unknown_settings_are_refused(tmp_path, changes):
    with pytest.raises(SettingsError):
        settings(tmp_path, **changes)


def test_entries_of_every_kind_are_understood(tmp_path):
    entries = [
        {"kind": "haproxy", "binary": "/x", "config": "/y", "more_configs": ["/z"], "pid_file": "/p"},
        {"kind": "tomcat", "config": "/t/conf/server.xml", "manager_url": "https://[::1]:8443/manager/text"},
        FILES,
        {**FILES, "name": "other", "fullchain": "/c", "key": "/d", "test": ["/bin/true", ""]},
    ]
    assert [server.kind for server in settings(tmp_path, web_servers=entries).servers()] == [
        "haproxy", "tomcat", "files", "files",
    ]  # fmt: skip


def test_programs_are_not_taken_from_a_file_that_others_can_change(tmp_path):
    settings(tmp_path, web_servers=[FILES])
    (tmp_path / "agent.json").chmod(0o664)
    with pytest.raises(SettingsError, match="chmod go-w"):
        load(tmp_path / "agent.json")


def test_the_agents_source_is_python_3_9_and_imports_only_the_standard_library():
    import sys

    folders = [ROOT / "agent" / "certwright_agent", ROOT / "shared" / "probe"]
    for path in [path for folder in folders for path in folder.rglob("*.py")]:
        tree = ast.parse(path.read_text(), str(path), feature_version=(3, 9))
        for node in ast.walk(tree):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module] if isinstance(node, ast.ImportFrom) else []
            for name in names:
                first = name.split(".")[0]
                ours = first == "certwright_agent" or name.startswith("shared.probe")
                # Faster paths where it is at hand; who imports these modules takes the other ones where it is not.
                faster = first == "cryptography" and path.name in _WITH_CRYPTOGRAPHY
                assert ours or faster or first in sys.stdlib_module_names, f"{path}: {name}"
