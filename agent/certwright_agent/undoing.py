# SPDX-License-Identifier: Apache-2.0
"""Which installation on a site can be undone: the last one that stands, as long as nobody changed anything since."""

from __future__ import annotations

from pathlib import Path

from certwright_agent import journal
from certwright_agent.errors import Refused
from certwright_agent.webservers.site import Site, WebServer, slug


def undoable(folder: Path, server: WebServer, site: Site) -> journal.Entry:
    """The last installation on this site, from the journal in `folder`. Raises Refused with the reason why not."""
    for entry in journal.finished(folder):
        record = entry.record
        if record["web_server"] == [server.kind, str(server.main)] and _folder(entry) == slug(server.kind, site.name):
            changed = entry.foreign()
            if changed:
                raise Refused(f"{', '.join(changed)} was changed by somebody else since", "changed_meanwhile")
            lost = entry.lost()
            if lost:
                raise Refused(f"{', '.join(lost)} is not kept any more: it is too long ago")
            return entry
    raise Refused(f"nothing was installed on {site.name} by this agent that could be undone")


def listed(folder: Path) -> list[dict[str, str]]:
    """Every site whose last installation could be looked at for undoing, newest first."""
    found: dict[tuple[str, str], dict[str, str]] = {}
    for entry in journal.finished(folder):
        record = entry.record
        about = {
            "web_server": record["web_server"][0],
            "site": record.get("site", record["server_name"]),
            "installed_at": record["started_at"],
            "serial": record["serial"],
        }
        found.setdefault((record["web_server"][1], _folder(entry)), about)
    return list(found.values())


def _folder(entry: journal.Entry) -> str:
    return Path(entry.record["target"]).parent.name
