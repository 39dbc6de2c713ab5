# SPDX-License-Identifier: Apache-2.0
"""Makes a .deb with Debian's own dpkg-deb: the same files give the same bytes."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

_MOMENT = 315532800  # 1980-01-01, as in the zip files
_SECONDS = 60


class PackagingError(Exception):
    """The package cannot be made here; says what to do."""


@dataclass(frozen=True)
class Member:
    """A file of the package. `kept`: the administrator's changes to it outlive an upgrade (a conffile)."""

    content: bytes
    mode: int = 0o644
    kept: bool = False


def package(members: Mapping[str, Member], control: str, scripts: Mapping[str, bytes]) -> bytes:
    """The .deb with `members` by their path without the leading slash; `control` may name `@size@` (KiB).

    Raises PackagingError.
    """
    if shutil.which("dpkg-deb") is None:
        raise PackagingError("dpkg-deb is not on this installation's host: apt-get install dpkg, or take the zip")
    size = sum(-(-len(member.content) // 1024) for member in members.values())
    with tempfile.TemporaryDirectory(prefix="certwright-deb-") as scratch:
        root = Path(scratch) / "root"
        for name, member in members.items():
            _write(root / name, member.content, member.mode)
        kept = "".join(f"/{name}\n" for name, member in members.items() if member.kept)
        _write(root / "DEBIAN" / "control", control.replace("@size@", str(size)).encode(), 0o644)
        _write(root / "DEBIAN" / "conffiles", kept.encode(), 0o644)
        for name, content in scripts.items():
            _write(root / "DEBIAN" / name, content, 0o755)
        for path in [root, *root.rglob("*")]:
            if path.is_dir():
                path.chmod(0o755)
            os.utime(path, (_MOMENT, _MOMENT))
        target = Path(scratch) / "made.deb"
        _dpkg_deb("--root-owner-group", "-Zxz", "--build", str(root), str(target))
        return target.read_bytes()


def _write(path: Path, content: bytes, mode: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    path.chmod(mode)


def _dpkg_deb(*arguments: str) -> None:
    environment = {"PATH": os.defpath, "LC_ALL": "C", "SOURCE_DATE_EPOCH": str(_MOMENT)}
    try:
        done = subprocess.run(
            ["dpkg-deb", *arguments], capture_output=True, text=True, check=False, timeout=_SECONDS, env=environment
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise PackagingError(f"dpkg-deb could not be run: {type(error).__name__}") from None
    if done.returncode != 0:
        raise PackagingError(f"dpkg-deb failed: {done.stderr.strip()[:300]}")
