# SPDX-License-Identifier: Apache-2.0
"""A data folder of an earlier version is brought up to date at the start; one of a later version is refused."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from certwright.rooms import ROOMS
from certwright.servers.process import free_port
from shared.eventstore import migrations
from shared.eventstore.database import Database
from shared.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 90.0


def revision_of(path):
    database = sqlite3.connect(path)
    try:
        return database.execute(f"SELECT version_num FROM {migrations.VERSION_TABLE}").fetchone()[0]
    finally:
        database.close()


def revisions(name):
    return sorted(migrations.folder_of(name).glob("rev_*.py"))


@pytest.fixture
def old_folder(tmp_path):
    """The data of every room as the first revision left them."""
    folder = tmp_path / "data"
    for name in ROOMS:
        only_first = tmp_path / "revisions" / name
        only_first.mkdir(parents=True)
        shutil.copy(revisions(name)[0], only_first)
        database = Database.open(name, Settings(data_dir=folder))
        migrations.upgrade(database, migrations.projections_of(name), only_first)
        database.close()
        assert revision_of(folder / f"{name}.sqlite3") == "0001"
    return folder


class Program:
    """`certwright serve` in a process of its own on a data folder."""

    def __init__(self, folder, log):
        self.ops = free_port()
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("CERTWRIGHT_")},
            "PYTHONPATH": str(ROOT),
            "CERTWRIGHT_DATA_DIR": str(folder),
            "CERTWRIGHT_GATEWAY_PORT": str(free_port()),
            "CERTWRIGHT_BILLING_SANDBOX_PORT": str(free_port()),
            "CERTWRIGHT_OPS_ADDRESS": f"127.0.0.1:{self.ops}",
        }
        self.log = log
        with log.open("wb") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "certwright", "serve"], env=environment, stdout=out, stderr=out
            )

    def wait_until_ready(self):
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{self.ops}/readyz", timeout=5) as answer:
                    if json.load(answer)["ready"]:
                        return
            except OSError:
                time.sleep(0.05)
        raise AssertionError(self.log.read_text()[-3000:])


def test_data_of_the_first_revision_is_brought_up_to_date(old_folder, tmp_path):
    program = Program(old_folder, tmp_path / "log")
    try:
        program.wait_until_ready()
    finally:
        program.process.send_signal(signal.SIGTERM)
        status = program.process.wait(timeout=PATIENCE_S)
    assert status == 0
    for name in ROOMS:
        assert revision_of(old_folder / f"{name}.sqlite3") == revisions(name)[-1].name.split("_")[1]


@pytest.mark.parametrize("name", ["orders", "alerts"])
def test_data_newer_than_the_code_is_refused_with_the_reason(old_folder, tmp_path, name):
    database = sqlite3.connect(old_folder / f"{name}.sqlite3")
    with database:
        database.execute(f"UPDATE {migrations.VERSION_TABLE} SET version_num = '9999'")
    database.close()
    program = Program(old_folder, tmp_path / "log")
    assert program.process.wait(timeout=PATIENCE_S) == 1
    told = program.log.read_text()
    assert f"The data of {name} is at revision 9999" in told
    assert "restore a backup" in told
    assert "Traceback" not in told
    assert revision_of(old_folder / f"{name}.sqlite3") == "9999"
