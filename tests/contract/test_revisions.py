# SPDX-License-Identifier: Apache-2.0
"""Every service has revisions, and they lead to exactly the tables that its code declares."""

from __future__ import annotations

from pathlib import Path

import pytest

from shared.eventstore.database import Database
from shared.eventstore.migrations import differences, folder_of, projections_of, upgrade

ROOT = Path(__file__).resolve().parents[2]
SERVICES = sorted(path.parent.name for path in (ROOT / "services").glob("*/service.py"))


@pytest.mark.parametrize("service", SERVICES)
def test_a_new_database_has_the_declared_tables(service, tmp_path):
    assert folder_of(service) is not None, f"make migration SERVICE={service} MESSAGE='first tables'"
    database = Database.file(service, tmp_path / f"{service}.sqlite3")
    projections = projections_of(service)
    try:
        assert upgrade(database, projections)
        assert differences(database, projections) == [], f"make migration SERVICE={service} MESSAGE='…'"
    finally:
        database.close()
