# SPDX-License-Identifier: Apache-2.0
"""Files that change all at once or not at all, and only below the roots that the configuration names."""

from __future__ import annotations

import errno
import fcntl
import os
import secrets
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from certwright_agent.errors import Refused


class Roots:
    """The folders that the agent may write below. Links are followed first: what counts is where a path really ends."""

    def __init__(self, roots: Iterable[Path]) -> None:
        self._roots = tuple(Path(os.path.realpath(root)) for root in roots)

    def allows(self, path: Path) -> bool:
        """Whether `path`, with every link followed, lies below a root."""
        real = Path(os.path.realpath(path))
        return any(root == real or root in real.parents for root in self._roots)

    def confine(self, path: Path) -> Path:
        """The real path. Raises Refused outside the roots."""
        if not self.allows(path):
            raise Refused(f"{path} lies outside the folders that this agent may write to")
        return Path(os.path.realpath(path))


@dataclass(frozen=True)
class Owner:
    """Mode and owner of a file, to be kept when its content is replaced."""

    mode: int
    uid: int
    gid: int

    @classmethod
    def of(cls, path: Path) -> Owner:
        """Reads them from a file."""
        seen = path.stat()
        return cls(stat.S_IMODE(seen.st_mode), seen.st_uid, seen.st_gid)


def write_atomic(
    path: Path, content: bytes, *, mode: int = 0o644, owner: Owner | None = None, staging: Path | None = None
) -> None:
    """Replaces `path` with `content` by one rename, flushed to disk before and after.

    The new file is made in `staging` when that is on the same file system (no web server reads it there), else beside
    its target under a dotted name, which `include *` does not match.
    """
    folder = path.parent
    if staging is not None and staging.stat().st_dev == folder.stat().st_dev:
        folder = staging
    temporary = folder / f".{path.name}.{secrets.token_hex(8)}"
    write_new(temporary, content, owner or Owner(mode, os.geteuid(), os.getegid()))
    try:
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def write_new(path: Path, content: bytes, owner: Owner) -> None:
    """Makes a file that is not there yet, flushed to disk; nothing is left of it when that fails."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
            if (owner.uid, owner.gid) != (os.geteuid(), os.getegid()):
                os.fchown(stream.fileno(), owner.uid, owner.gid)
            os.fchmod(stream.fileno(), owner.mode)
            stream.flush()
            os.fsync(stream.fileno())
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def beginning(path: Path, limit: int) -> bytes:
    """The first `limit` bytes of a plain file. Raises OSError, also for pipes and devices, which would keep us."""
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise OSError(errno.EINVAL, "it is no plain file", str(path))
        content = bytearray()
        while len(content) < limit:
            part = os.read(handle, limit - len(content))
            if not part:
                break
            content += part
        return bytes(content)
    finally:
        os.close(handle)


def point_link(link: Path, target: str | None) -> None:
    """Makes the symbolic link `link` point to `target` by one rename; None takes the link away."""
    if target is None:
        link.unlink(missing_ok=True)
    else:
        temporary = link.parent / f".{link.name}.{secrets.token_hex(8)}"
        temporary.symlink_to(target)
        temporary.replace(link)
    sync_folder(link.parent)


def link_target(link: Path) -> str | None:
    """Where `link` points, or None when there is no link."""
    try:
        return str(link.readlink())
    except OSError:
        return None


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Waits until no other process works in `folder`, and keeps it until the end."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def make_folder(path: Path, mode: int = 0o700) -> Path:
    """Makes a folder with all its parents, unless it is there."""
    path.mkdir(mode=mode, parents=True, exist_ok=True)
    return path


def sync_folder(path: Path) -> None:
    """Makes a rename in this folder survive a power cut."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
