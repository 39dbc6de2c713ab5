# SPDX-License-Identifier: Apache-2.0
"""Applies a told diff as `patch` does, strictly: every line of it has to fit."""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_HUNK = re.compile(rb"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@\n")


def patched(old: bytes, told: Mapping[str, Any]) -> bytes:
    """The content that a file of a plan has after its diff: by our own reading, and by `patch` where it is there."""
    diff = told["diff"].encode(told["encoding"])
    new = applied(old, diff)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "file"
        file.write_bytes(old)
        try:
            done = subprocess.run(
                ["patch", "--binary", "--fuzz=0", "--quiet", str(file)], input=diff, capture_output=True, check=False
            )
        except FileNotFoundError:
            return new
        assert done.returncode == 0, done.stdout + done.stderr
        assert file.read_bytes() == new
    return new


def applied(old: bytes, diff: bytes) -> bytes:
    """The same by our own reading of the format alone."""
    before = _lines(old)
    after: list[bytes] = []
    taken = 0
    lines = _lines(diff)
    assert lines[0].startswith(b"--- a/")
    assert lines[1].startswith(b"+++ b/")
    for number, line in enumerate(lines[2:], 2):
        if line.startswith(b"\\"):
            continue
        bare = line[:-1] if number + 1 < len(lines) and lines[number + 1].startswith(b"\\") else line
        if found := _HUNK.match(line):
            start = int(found[1]) - (found[2] != b"0")
            after += before[taken:start]
            taken = start
        elif line[:1] in (b" ", b"-"):
            assert before[taken] == bare[1:], (number, before[taken], bare)
            after += [before[taken]] if line[:1] == b" " else []
            taken += 1
        else:
            assert line[:1] == b"+", line
            after.append(bare[1:])
    return b"".join(after + before[taken:])


def _lines(content: bytes) -> list[bytes]:
    parts = content.split(b"\n")
    return [part + b"\n" for part in parts[:-1]] + ([parts[-1]] if parts[-1] else [])
