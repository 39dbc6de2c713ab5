# SPDX-License-Identifier: Apache-2.0
"""Everything that can be said about the code without a server, side by side: `make check`.

Prints one line a check, and the whole output of those that failed.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
# The agent is a project of its own in a folder of its own.
PYTHONPATH = os.pathsep.join([str(ROOT), str(ROOT / "agent")])

CHECKS: dict[str, list[str]] = {
    "types": [str(BIN / "mypy")],
    "unit tests": [sys.executable, "-m", "pytest", "-q", "-n", "2", "tests/unit"],
    "import contracts": [str(BIN / "lint-imports"), "--no-logo"],
    "lint": [str(BIN / "ruff"), "check", "."],
    "format": [str(BIN / "ruff"), "format", "--check", "."],
}


def run(command: list[str]) -> tuple[int, str, float]:
    """Status, output and seconds of one check."""
    began = time.monotonic()
    done = subprocess.run(
        command,
        cwd=ROOT,
        text=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={**os.environ, "PYTHONPATH": PYTHONPATH},
        check=False,
    )
    return done.returncode, done.stdout, time.monotonic() - began


def main() -> int:
    """Runs all checks; the status is non-zero when one failed."""
    failed = {}
    began = time.monotonic()
    with ThreadPoolExecutor(len(CHECKS)) as pool:
        running = {pool.submit(run, command): name for name, command in CHECKS.items()}
        for done in as_completed(running):
            status, output, seconds = done.result()
            name = running[done]
            print(f"{'ok    ' if status == 0 else 'FAILED'} {name:<17}{seconds:6.1f} s", flush=True)
            if status:
                failed[name] = output
    for name, output in failed.items():
        print(f"\n== {name}\n{output}")
    print(f"{time.monotonic() - began:.1f} s in all")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
