# SPDX-License-Identifier: Apache-2.0
"""The agent's settings: what would be unsafe does not start."""

import ast
import json
from pathlib import Path

import pytest
from certwright_agent.config import SettingsError, load

ROOT = Path(__file__).resolve().parents[3]
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
    ],
)
def test_unsafe_or_unknown_settings_are_refused(tmp_path, changes):
    with pytest.raises(SettingsError):
        settings(tmp_path, **changes)


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
                # A faster path where it is at hand; shared/probe/sweep.py takes the other one where it is not.
                faster = first == "cryptography" and path.name == "tls13.py"
                assert ours or faster or first in sys.stdlib_module_names, f"{path}: {name}"
