# SPDX-License-Identifier: Apache-2.0
"""The locks are what pyproject.toml asks for, each package with hashes, and no machine's index is in them."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
ASKED = {
    "requirements.lock": PROJECT["project"]["dependencies"] + PROJECT["build-system"]["requires"],
    "requirements-dev.lock": PROJECT["dependency-groups"]["dev"],
    "requirements-bench.lock": PROJECT["dependency-groups"]["bench"],
    "requirements-fuzz.lock": PROJECT["dependency-groups"]["fuzz"],
}


def locked(name: str) -> dict[str, tuple[str, str]]:
    """Package -> its version and the text of its entry."""
    entries = re.split(r"\n(?=\S)", (ROOT / name).read_text())
    found = (re.match(r"([A-Za-z0-9._-]+)==([^ ;]+)", entry) for entry in entries)
    return {canonicalize_name(hit[1]): (hit[2], hit.string) for hit in found if hit}


@pytest.mark.parametrize("name", ASKED)
def test_a_lock_holds_what_the_project_asks_for(name):
    lock = locked(name)
    for text in ASKED[name]:
        wanted = Requirement(text)
        package = canonicalize_name(wanted.name)
        assert package in lock, f"{wanted} is not in {name}: run make lock"
        assert wanted.specifier.contains(lock[package][0]), f"{wanted} is not what {name} holds: run make lock"


@pytest.mark.parametrize("name", ASKED)
def test_every_locked_package_has_hashes(name):
    assert [package for package, (_, entry) in locked(name).items() if "--hash=sha256:" not in entry] == []


@pytest.mark.parametrize("name", ASKED)
def test_a_lock_names_no_host(name):
    assert re.findall(r"^-.*|\w+://\S*", (ROOT / name).read_text(), re.MULTILINE) == []


def test_the_locks_agree():
    versions: dict[str, set[str]] = {}
    for name in ASKED:
        for package, (version, _) in locked(name).items():
            versions.setdefault(package, set()).add(version)
    assert {package: found for package, found in versions.items() if len(found) > 1} == {}
