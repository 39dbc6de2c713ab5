# SPDX-License-Identifier: Apache-2.0
"""One CSV of the inventory by the gateway's own code, the service's handler behind it; prints what it took as JSON.

`python -m bench.inventory_export FOLDER ROWS`: ROWS certificates of the 100,000 in FOLDER, or all of them.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path
from typing import Any

from bench.inventory_rows import ACCOUNT
from gateway.exchange import Exchange
from gateway.operations.spreadsheets import CERTIFICATE_COLUMNS
from gateway.route import MAX_LIMIT
from gateway.spreadsheet import sheet
from services.discovery import bootstrap
from services.discovery.handlers import inventory
from shared.context import Context
from shared.contracts.base import Page
from shared.contracts.discovery import InventoryCertificate, ListInventory
from shared.settings import Settings


class Straight:
    """The gateway's way to the service without a broker. After `rows` certificates the list is at its end."""

    def __init__(self, app: bootstrap.App, rows: int) -> None:
        self.app, self.rows, self.pages = app, rows, 0

    def send(self, request: Any, context: Context, *, service: str | None = None, timeout: float = 10.0) -> Any:
        """The handler's answer."""
        del service, timeout
        self.pages += 1
        page: Page[InventoryCertificate] = inventory.inventory(self.app.room, request, context)
        if self.pages * len(page.items) >= self.rows:
            page = Page(items=page.items, next_cursor=None, total=page.total)
        return page


def main() -> None:
    """Writes the file to nowhere, and says what that took."""
    app = bootstrap.build(Settings(data_dir=Path(sys.argv[1])))
    straight = Straight(app, int(sys.argv[2]))
    context = Context(actor="user:bench", account_id=ACCOUNT, permissions=frozenset({"view"}))
    began = time.perf_counter()
    answer = sheet("certificates", CERTIFICATE_COLUMNS)(Exchange(straight, context), ListInventory(limit=MAX_LIMIT))
    first, rows, size, pages_at_first = 0.0, 0, 0, 0
    for chunk in answer.body:
        if not isinstance(chunk, bytes):
            raise TypeError("the export does not come in pieces")
        if not first:
            first, pages_at_first = time.perf_counter() - began, straight.pages
        rows += chunk.count(b"\r\n")
        size += len(chunk)
    took = time.perf_counter() - began
    app.room.database.close()
    said = {
        "value": round(took, 2),
        "rows": rows - 1,
        "bytes": size,
        "first_bytes_ms": round(first * 1000, 1),
        "pages": straight.pages,
        "pages_asked_for_before_the_first_bytes": pages_at_first,
        "peak_rss_mib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
    }
    sys.stdout.write(json.dumps(said))


if __name__ == "__main__":
    main()
