# SPDX-License-Identifier: Apache-2.0
"""Keys of the broken generator of Debian's OpenSSL (CVE-2008-0166), by the lists of `openssl-vulnkey`.

Each line is the last 20 hexadecimal digits of the SHA-1 of `Modulus=…`, as `openssl rsa -modulus` prints it.
"""

from __future__ import annotations

import hashlib
import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from pathlib import Path

_SIZE = 10  # bytes of a line
_BITS = re.compile(r"RSA-(\d{3,5})")  # as in blacklist.RSA-2048
_MOST = 50_000_000  # lines; the whole lists have some 600,000


class WeakKeysUnreadableError(ValueError):
    """A file that is no such list, or a folder without any."""


class WeakKeys:
    """The lists in one piece of memory, sorted. `bits` are the sizes of keys that the names of the files tell, empty
    where one does not."""

    def __init__(self, lines: Iterable[bytes], bits: frozenset[int] = frozenset()) -> None:
        self._packed = b"".join(sorted(lines))
        self.bits = bits

    def __len__(self) -> int:
        return len(self._packed) // _SIZE

    def covers(self, bits: int) -> bool:
        """Whether the lists are of keys of this size."""
        return not self.bits or bits in self.bits

    def __contains__(self, modulus: int) -> bool:
        """Whether it is the modulus of a listed key."""
        said = f"Modulus={modulus:X}\n".encode()
        wanted = hashlib.sha1(said, usedforsecurity=False).digest()[-_SIZE:]
        at = bisect_left(range(len(self)), wanted, key=self._at)
        return at < len(self) and self._at(at) == wanted

    def _at(self, index: int) -> bytes:
        return self._packed[index * _SIZE : (index + 1) * _SIZE]


def load_weak_keys(paths: Iterable[Path]) -> WeakKeys:
    """The lists in files, and in the files of folders. Raises OSError, WeakKeysUnreadableError."""
    files = [file for path in paths for file in (sorted(path.iterdir()) if path.is_dir() else [path])]
    if not files:
        raise WeakKeysUnreadableError("there is no list of weak keys")
    named = [_BITS.search(file.name) for file in files]
    bits = frozenset(int(match[1]) for match in named if match)
    found = {line for file in files for line in _lines(file)}
    if not found or len(found) > _MOST:
        raise WeakKeysUnreadableError(f"{len(found)} keys are no list of weak keys")
    return WeakKeys(found, bits if all(named) else frozenset())


def _lines(file: Path) -> Iterator[bytes]:
    with file.open(encoding="ascii", errors="replace") as lines:
        for number, line in enumerate(lines, 1):
            text = line.partition("#")[0].strip()
            if not text:
                continue
            try:
                packed = bytes.fromhex(text)
            except ValueError:
                packed = b""
            if len(packed) != _SIZE:
                raise WeakKeysUnreadableError(f"{file}, line {number}: not 20 hexadecimal digits")
            yield packed
