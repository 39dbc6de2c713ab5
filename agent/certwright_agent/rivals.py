# SPDX-License-Identifier: Apache-2.0
"""Which other tool put a certificate in the place of ours: named when something says so, never guessed.

What says so: where the file lies, a renewal configuration that names it, a mark in the web server's configuration, the
same certificate in that tool's folder, a cron job or service that names the file. Everything is read with limits: what
lies on a host may be huge, or somebody's trap.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from certwright_agent.certificates import first_in
from certwright_agent.files import beginning

UNKNOWN, OURS, CERTBOT, ACME_SH = "unknown", "certwright", "certbot", "acme.sh"
# Folders that only one tool makes, as they stand one behind the other in a path.
_FOLDERS = (
    ((".acme.sh",), ACME_SH),
    (("caddy", "certificates"), "caddy"),
    ((".lego", "certificates"), "lego"),
    (("lego", "certificates"), "lego"),
    (("dehydrated", "certs"), "dehydrated"),
    ((".certwright-agent",), OURS),
)
TOOLS = (CERTBOT, ACME_SH, "caddy", "dehydrated", "lego")
_MOST_FILES = 300
_LIMIT = 64 * 1024


@dataclass(frozen=True)
class Rival:
    """`by`: the tool, or `unknown`; `evidence`: the path of what says so, or of what names the file; may be empty."""

    by: str
    evidence: str = ""


@dataclass(frozen=True)
class Traces:
    """Where tools leave traces on a host; `root` is `/` but in tests."""

    root: Path = Path("/")

    @property
    def certbot(self) -> Path:
        """Certbot's folder."""
        return self.root / "etc" / "letsencrypt"

    def acme_sh(self) -> Iterator[Path]:
        """What acme.sh keeps of each certificate: `<home>/.acme.sh/<name>/<name>.conf`."""
        homes = [self.root / "root", *_inside(self.root / "home", "*")]
        for home in homes:
            yield from _inside(home / ".acme.sh", "*/*.conf")

    def scheduled(self) -> Iterator[Path]:
        """Cron jobs and services of this host."""
        etc = self.root / "etc"
        yield etc / "crontab"
        for folder in ("cron.d", "cron.hourly", "cron.daily", "cron.weekly", "cron.monthly"):
            yield from _inside(etc / folder, "*")
        yield from _inside(self.root / "var" / "spool" / "cron", "**/*")
        yield from _inside(etc / "systemd" / "system", "*.service")


def who(path: Path, fingerprint: str, mark: str, state: Path, traces: Traces) -> Rival:
    """Who stands behind the certificate in `path`. `mark` is the part of the web server's configuration that names it,
    `state` this agent's own folder.
    """
    real = Path(os.path.realpath(path))
    if Path(os.path.realpath(state)) in real.parents:
        return Rival(OURS, str(real))
    for place in (path, real):
        found = _by_folder(place) or _by_certbot_folder(place)
        if found is not None:
            return found
    if "managed by Certbot" in mark:
        return Rival(CERTBOT)
    return _by_naming(path, real, traces) or _by_copy(fingerprint, traces) or _by_schedule(path, real, traces)


def text_of(path: Path) -> str:
    """The beginning of a file, as far as it may matter here; empty for what is no plain file or cannot be read."""
    try:
        return beginning(path, _LIMIT).decode("utf-8", "replace")
    except OSError:
        return ""


def _by_folder(path: Path) -> Rival | None:
    parts = path.parts
    for names, tool in _FOLDERS:
        for at in range(len(parts) - len(names)):
            if parts[at : at + len(names)] == names:
                return Rival(tool, str(Path(*parts[: at + len(names)])))
    return None


def _by_certbot_folder(path: Path) -> Rival | None:
    """`live/<lineage>/…` or `archive/<lineage>/…` beside `renewal/<lineage>.conf`, as Certbot lays them out."""
    if len(path.parts) < 4 or path.parent.parent.name not in ("live", "archive"):
        return None
    folder = path.parent.parent.parent
    renewal = folder / "renewal" / f"{path.parent.name}.conf"
    if renewal.is_file():
        return Rival(CERTBOT, str(renewal))
    return Rival(CERTBOT, str(folder)) if folder.name == "letsencrypt" else None


def _by_naming(path: Path, real: Path, traces: Traces) -> Rival | None:
    """A renewal configuration with the file's path in it: its tool writes, or copies, there."""
    kept = ((CERTBOT, _inside(traces.certbot / "renewal", "*.conf")), (ACME_SH, traces.acme_sh()))
    for tool, files in kept:
        for file in itertools.islice(files, _MOST_FILES):
            if _names(text_of(file), path, real):
                return Rival(tool, str(file))
    return None


def _by_copy(fingerprint: str, traces: Traces) -> Rival | None:
    for file in itertools.islice(_inside(traces.certbot / "live", "*/cert.pem"), _MOST_FILES):
        found = first_in(text_of(file))
        if found is not None and found[0].fingerprint == fingerprint:
            return Rival(CERTBOT, str(file))
    return None


def _by_schedule(path: Path, real: Path, traces: Traces) -> Rival:
    for file in itertools.islice(traces.scheduled(), _MOST_FILES):
        text = text_of(file)
        if _names(text, path, real):
            return Rival(next((tool for tool in TOOLS if tool in text), UNKNOWN), str(file))
    return Rival(UNKNOWN)


def _names(text: str, path: Path, real: Path) -> bool:
    return str(path) in text or str(real) in text


def _inside(folder: Path, pattern: str) -> Iterator[Path]:
    """Sorted, so that the same host gives the same answer; nothing of a folder that cannot be read."""
    try:
        yield from sorted(itertools.islice(folder.glob(pattern), 4 * _MOST_FILES))
    except OSError:
        return
