# SPDX-License-Identifier: Apache-2.0
"""Sites after their installation: what is not as it should be becomes a finding, and stays one until it is over.

A look costs a few stat(2) calls and small files a site. Handshakes with this host's own bindings are made when a file
changed, while something is in doubt, and now and then; a program is started only for a key that does not fit.
What was seen before is remembered in `watched.json`: who was here first, and how often that changed.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from shared.probe.handshake import handshake
from shared.probe.outcome import Failed

from certwright_agent import drift, journal
from certwright_agent.certificates import first_in_file, stored
from certwright_agent.files import write_atomic
from certwright_agent.key_files import other_key
from certwright_agent.rivals import OURS, Rival, Traces, text_of, who
from certwright_agent.webservers.site import Block, Site, WebServer, name_to_ask_for, slug

MOST_WATCHED = 2000  # sites; the gateway takes no more
_MOST_PAST = 8  # certificates of before that are known again on the wire
_MOST_LISTENERS = 16  # of one site
_HANDSHAKE_EVERY = 300.0  # seconds, of a site where nothing changed
_HANDSHAKE_BUDGET = 5.0  # seconds for all sites of one look
_FOR_EVER = "9999-12-31T00:00:00.000000Z"

Found = dict["tuple[str, str, str]", "list[drift.Finding]"]


def _now() -> datetime:
    return datetime.now(timezone.utc)


class Watch:
    """Looks after the sites of this host. `state` is the agent's folder; it writes there and nowhere else."""

    def __init__(self, state: Path, *, now: Callable[[], datetime] = _now, traces: Traces | None = None) -> None:
        self._state = state
        self._now = now
        self._traces = traces or Traces()
        self._file = state / "watched.json"
        self._known: dict[str, drift.Memory] = _read(self._file)
        self._saved = json.dumps(self._known, sort_keys=True)
        self._history: tuple[int, list[dict[str, Any]]] = (-1, [])
        self._keys: dict[tuple[str, str], tuple[Any, str]] = {}
        self._handshakes: dict[str, float] = {}
        self._marks: dict[str, Any] = {}

    def changed(self) -> bool:
        """Whether a file of the last look is another than it was then."""
        return any(_mark(path) != mark for path, mark in self._marks.items())

    def look(self, servers: Sequence[tuple[WebServer, Sequence[Site]]]) -> Found:
        """The findings by web server, main file and site name. What is not among `servers` is kept in mind."""
        found: Found = {}
        marks: dict[str, Any] = {}
        busy = any((self._state / "journal").glob("*.json"))  # an installation or its undoing is under way
        deadline = time.monotonic() + _HANDSHAKE_BUDGET
        present = [(server, sites, site) for server, sites in servers for site in sites][:MOST_WATCHED]
        present.sort(key=lambda each: self._handshakes.get(_key(each[0], each[2]), 0.0))  # the longest unseen first
        for server, sites, site in present:
            memory = self._known.setdefault(_key(server, site), {})
            for block in site.blocks:
                for path in {str(block.file), block.certificate_file, block.key_file} - {""}:
                    marks[path] = _mark(path)
            if not busy:
                memory["findings"] = self._judge(server, sites, site, memory, deadline)
            found[server.kind, str(server.main), site.name] = memory.get("findings", [])
        read = {_prefix(server) for server, _ in servers}
        kept = {_key(server, site) for server, _, site in present}
        self._known = {key: one for key, one in self._known.items() if key in kept or key.partition("|")[0] not in read}
        self._marks = marks
        self._save()
        return found

    def _judge(
        self, server: WebServer, sites: Sequence[Site], site: Site, memory: drift.Memory, deadline: float
    ) -> list[drift.Finding]:
        held = [(block, one[0]) for block in site.tls_blocks for one in [stored(block)] if one is not None]
        self._remember(server, site, memory, held)
        now = self._now()
        seen = self._handshake(_key(server, site), (site, sites), memory, held, deadline)
        wire = drift.on_the_wire(memory, held, seen, now)
        file = drift.replaced(site, memory, held, now, self._rival)
        tug = drift.tug_of_war(memory, now)
        found = {one["kind"]: one for one in (wire, file, tug) if one is not None}  # the file's word before the wire's
        return [*found.values(), *drift.of_keys(site, self._other_key)]

    def _remember(self, server: WebServer, site: Site, memory: drift.Memory, held: drift.Held) -> None:
        """What was installed, what the files hold, and what they held before."""
        installed = self._installed(server, site, memory.get("installed"))
        if installed != memory.get("installed"):
            memory["installed"] = installed
            memory.pop(drift.REPLACED, None)
            self._handshakes.pop(_key(server, site), None)
        now = sorted({leaf.fingerprint for _, leaf in held})
        before = memory.get("held", now)
        if now != before:
            past = [one for one in [*before, *memory.get("past", [])] if one not in now]
            memory["past"] = list(dict.fromkeys(past))[:_MOST_PAST]
            self._handshakes.pop(_key(server, site), None)
        memory["held"] = now

    def _installed(self, server: WebServer, site: Site, before: dict[str, str] | None) -> dict[str, str] | None:
        """The last installation on the site that stands, from the journal, or from memory where that is too short."""
        mine, folder = [server.kind, str(server.main)], slug(server.kind, site.name)
        for record in self._finished():
            if record["web_server"] == mine and Path(record["target"]).parent.name == folder:
                if before is not None and before["job_id"] == record["job_id"]:
                    return before
                leaf = first_in_file(Path(record["target"]) / "cert.pem")
                return {
                    "job_id": record["job_id"],
                    "fingerprint": record["fingerprint"],
                    "serial": record["serial"],
                    "at": record["started_at"],
                    "not_after": drift.text(leaf[0].not_after) if leaf else _FOR_EVER,
                }
        history = self._state / "journal" / journal.HISTORY
        undone = before is not None and (history / f"{before['job_id']}.json").exists()
        return None if undone else before

    def _finished(self) -> list[dict[str, Any]]:
        folder = self._state / "journal" / journal.HISTORY
        try:
            at = folder.stat().st_mtime_ns
        except OSError:
            return []
        if at != self._history[0]:
            self._history = (at, [entry.record for entry in journal.finished(self._state / "journal")])
        return self._history[1]

    def _handshake(
        self, key: str, among: tuple[Site, Sequence[Site]], memory: drift.Memory, held: drift.Held, deadline: float
    ) -> list[drift.Seen] | None:
        """What the bindings of a site, `among` all of its server, serve; None when it is not their turn."""
        (site, sites), now = among, time.monotonic()
        last = self._handshakes.get(key)
        wanted = last is None or now - last > _HANDSHAKE_EVERY or "doubt" in memory or drift.REPLACED in memory
        if not held or not wanted or now > deadline:
            return None
        self._handshakes[key] = now
        name = name_to_ask_for(site, held[0][1].dns_names or (site.name,), sites)
        pairs = [(block, on) for block in site.tls_blocks for on in block.listeners if on.tls][:_MOST_LISTENERS]
        seen = []
        for block, listener in pairs:
            sni = name if listener.sni == "" else listener.sni
            answer = handshake(listener.probe_address, listener.port, sni, timeout=2)
            seen.append(drift.Seen(block, listener, None if isinstance(answer, Failed) else answer.leaf))
        return seen

    def _rival(self, block: Block, path: str, fingerprint: str) -> Rival:
        if any(record["fingerprint"] == fingerprint for record in self._finished()):
            return Rival(OURS)
        mark = text_of(block.file)[block.start : block.end]
        return who(Path(path), fingerprint, mark, self._state, self._traces)

    def _other_key(self, block: Block) -> str:
        pair = (block.certificate_file, block.key_file)
        mark = (_mark(pair[0]), _mark(pair[1]))
        known = self._keys.get(pair)
        if known is None or known[0] != mark:
            known = self._keys[pair] = (mark, other_key(Path(pair[0]), Path(pair[1])))
        return known[1]

    def _save(self) -> None:
        said = json.dumps(self._known, sort_keys=True)
        if said != self._saved:
            write_atomic(self._file, said.encode(), mode=0o600)
            self._saved = said


def _prefix(server: WebServer) -> str:
    return slug(server.kind, str(server.main))


def _key(server: WebServer, site: Site) -> str:
    return f"{_prefix(server)}|{site.name}"


def _read(path: Path) -> dict[str, drift.Memory]:
    """What was remembered; nothing when it is damaged: it is learned again."""
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) and all(isinstance(one, dict) for one in found.values()) else {}


def _mark(path: str) -> Any:
    try:
        seen, link = Path(path).stat(), os.lstat(path)
    except (OSError, ValueError):
        return None
    return (seen.st_mtime_ns, seen.st_size, seen.st_ino, seen.st_mode, seen.st_uid, link.st_ino)
