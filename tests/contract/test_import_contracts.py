# SPDX-License-Identifier: Apache-2.0
"""Every import contract holds, and every one of them fails when somebody breaks it."""

from __future__ import annotations

import configparser
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LINT = Path(sys.executable).parent / "lint-imports"

# Contract id -> files of a planted room or module, each breaking that contract.
PLANTS: dict[str, dict[str, str]] = {
    "top-level": {"shared/errors.py": "import gateway\n"},
    "services-independent": {
        "services/planted_one/__init__.py": "",
        "services/planted_one/service.py": "import services.planted_two\n",
        "services/planted_two/__init__.py": "",
    },
    "service-layers": {"services/planted/__init__.py": "", "services/planted/utils.py": "BAG = 1\n"},
    "shared-layers": {"shared/clock.py": "import shared.eventsourcing\n"},
    "pure-model": {
        "services/planted/__init__.py": "",
        "services/planted/model/__init__.py": "",
        "services/planted/model/order.py": "import socket\n",
    },
    "sql-only-here": {"services/planted/__init__.py": "", "services/planted/handlers.py": "import sqlalchemy\n"},
    "nameko-only-at-the-edge": {"shared/eventstore/streams.py": "import eventlet\n"},
    "agent-alone": {"agent/certwright_agent/process.py": "import cryptography\n"},
    "probe-alone": {"shared/probe/leaf.py": "import shared.errors\n"},
}


def declared() -> set[str]:
    """The ids of all contracts."""
    config = configparser.ConfigParser()
    config.read(ROOT / ".importlinter")
    prefix = "importlinter:contract:"
    return {section.removeprefix(prefix) for section in config.sections() if section.startswith(prefix)}


def lint(tree: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Checks the contracts of a tree."""
    command = [str(LINT), "--no-logo", "--no-cache", *arguments]
    surroundings = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tree), str(tree / "agent")])}
    return subprocess.run(command, cwd=tree, env=surroundings, capture_output=True, text=True, check=False, timeout=120)


@pytest.fixture
def copy(tmp_path):
    """A copy of what import-linter reads."""
    shutil.copy(ROOT / ".importlinter", tmp_path)
    ignored = shutil.ignore_patterns("__pycache__", "static", "node_modules")
    for folder in ("shared", "services", "gateway", "certwright", "agent"):
        if (ROOT / folder).is_dir():
            shutil.copytree(ROOT / folder, tmp_path / folder, ignore=ignored)
    (tmp_path / "tests/support").mkdir(parents=True)
    shutil.copy(ROOT / "tests/support/import_rules.py", tmp_path / "tests/support")
    return tmp_path


def test_every_contract_has_a_planted_violation():
    assert set(PLANTS) == declared()


def test_the_contracts_hold_in_a_copy(copy):
    done = lint(copy)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("contract", sorted(PLANTS))
def test_a_violation_breaks_the_contract(copy, contract):
    for name, text in PLANTS[contract].items():
        path = copy / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a") as file:
            file.write(f"\n{text}")
    done = lint(copy, "--contract", contract)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "1 broken" in done.stdout, done.stdout + done.stderr
