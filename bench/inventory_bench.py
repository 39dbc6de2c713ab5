# SPDX-License-Identifier: Apache-2.0
"""An inventory of 100,000 certificates, on SQLite and on PostgreSQL: each list, filter, search and order of the API's
handlers, the slowest page of them all, and the export: when its first bytes come, and what it takes of memory.

The limit is that of the issue: 300 ms a list.
"""

from __future__ import annotations

import contextlib
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from bench.inventory_rows import ACCOUNT, fill
from certwright.servers.postgresql import running
from services.discovery import bootstrap
from services.discovery.handlers import inventory
from shared.context import Context
from shared.contracts.discovery import CountExpiring, GetInventoryWords, ListInventory
from shared.eventstore.migrations import upgrade
from shared.settings import Settings

COUNT = 100_000
ROUNDS = 5
LIMIT_MS = 300
CUSTOMER = Context(actor="user:bench", account_id=ACCOUNT, permissions=frozenset({"view"}))
LISTS: dict[str, dict[str, Any]] = {
    "first_page": {},
    "page_200": {"limit": 200},
    "last_page": {"offset": COUNT - 50},
    "soonest_last": {"sort": "-not_after"},
    "by_common_name": {"sort": "common_name"},
    "by_issuer_descending": {"sort": "-issuer"},
    "by_subject_last_page": {"sort": "subject", "offset": COUNT - 50},
    "by_not_before": {"sort": "not_before"},
    "by_last_seen": {"sort": "last_seen_at"},
    "search_one": {"search": "-77123.dept"},
    "search_hundreds": {"search": "Department 77"},
    "search_all": {"search": "example"},
    "search_none": {"search": "nothing at all"},
    "search_all_by_name": {"search": "e", "sort": "-common_name"},
    "search_level_by_subject": {"search": "ca 7", "level": "DV", "sort": "subject"},
    "search_key_level": {"search": "shop", "key": "rsa 2048", "level": "DV"},
    "level": {"level": "EV"},
    "key_and_level": {"key": "rsa 2048", "level": "DV"},
    "brand_by_subject": {"brand": "Sectigo", "sort": "subject"},
    "own": {"own": True},
    "not_own": {"own": False},
    "self_signed": {"self_signed": True},
    "form": {"form": "multi_domain"},
    "form_of_none": {"form": "wildcard"},
    "bookmarked": {"bookmarked": True},
    "reused": {"reused": True},
    "not_reused": {"reused": False},
    "reused_level_by_subject": {"reused": True, "level": "DV", "sort": "subject"},
    "source_scan": {"source": "scan"},
    "source_agent": {"source": "agent"},
    "source_scan_by_issuer": {"source": "scan", "sort": "issuer"},
    "server": {"server_id": "server-10"},
    "expired": {"expired": True},
    "expires_soon": {"expired": False, "expires_within_days": 30, "own": False, "level": "DV"},
}


def lines() -> Iterator[dict[str, Any]]:
    """The figures on each database, then those of the export."""
    with tempfile.TemporaryDirectory(prefix="inventory-bench-") as folder:
        data = Path(folder)
        yield from _measured("sqlite", Settings(data_dir=data))
        for rows in (1000, COUNT):
            yield _exported(data, rows)
    with running() as server:
        url = server.create_database("inventory")
        yield from _measured("postgresql", Settings(database_url=url))


def _measured(database: str, settings: Settings) -> Iterator[dict[str, Any]]:
    app = bootstrap.build(settings)
    with contextlib.closing(app.room.database):
        upgrade(app.room.database, app.room.projections)
        fill(app, COUNT)
        asked: dict[str, Callable[[], object]] = {
            name: lambda fields=fields: inventory.inventory(app.room, ListInventory(**fields), CUSTOMER)  # type: ignore[misc]
            for name, fields in LISTS.items()
        }
        asked["expiring"] = lambda: inventory.expiring(app.room, CountExpiring(), CUSTOMER)
        asked["words"] = lambda: inventory.inventory_words(app.room, GetInventoryWords(), CUSTOMER)
        found = {name: _time(ask) for name, ask in asked.items()}
        slowest = max(found, key=lambda name: found[name])
        for name, value in found.items():
            yield _line(f"inventory_{database}_{name}", value, certificates=COUNT)
        yield _line(f"inventory_{database}_slowest", found[slowest], certificates=COUNT, list=slowest)


def _time(ask: Callable[[], object]) -> float:
    took = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        ask()
        took.append((time.perf_counter() - began) * 1000)
    return statistics.median(took)


def _line(name: str, value: float, **more: Any) -> dict[str, Any]:
    return {
        "name": name,
        "value": round(value, 1),
        "unit": "ms",
        "against": "the limit of one list",
        "against_value": LIMIT_MS,
        "ratio": round(LIMIT_MS / value, 2),
        "aim": 1.0,
        **more,
    }


def _exported(data: Path, rows: int) -> dict[str, Any]:
    # A process of its own: the peak of its memory is that of this export alone.
    child = [sys.executable, "-m", "bench.inventory_export", str(data), str(rows)]
    said = subprocess.run(child, check=True, capture_output=True, text=True, timeout=600).stdout
    return {"name": f"inventory_export_{rows}", "unit": "s", **json.loads(said)}
