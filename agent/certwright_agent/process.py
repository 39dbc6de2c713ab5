# SPDX-License-Identifier: Apache-2.0
"""Runs the few programs that the agent needs. Argument lists only, never a shell, always a time limit."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from certwright_agent.errors import StepFailed

OUTPUT_LIMIT = 64 * 1024


@dataclass(frozen=True)
class Finished:
    """How a program ended."""

    code: int
    out: bytes
    err: str

    @property
    def ok(self) -> bool:
        """Whether it said that all went well."""
        return self.code == 0

    def text(self) -> str:
        """What it said on both outputs, for people, at most 2,000 characters."""
        return (self.err.strip() + "\n" + self.out.decode("utf-8", "replace").strip()).strip()[:2000]


def run(
    argv: Sequence[str], *, timeout: float = 30.0, stdin: bytes = b"", environment: Mapping[str, str] | None = None
) -> Finished:
    """Runs `argv` to its end. Raises StepFailed when it cannot be started or takes longer than `timeout` seconds."""
    surroundings = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", **(environment or {})}
    try:
        done = subprocess.run(
            list(argv), input=stdin, capture_output=True, timeout=timeout, check=False, env=surroundings
        )
    except subprocess.TimeoutExpired:
        raise StepFailed(f"{argv[0]} did not end within {timeout:.0f} seconds", "program_failed") from None
    except OSError as error:
        raise StepFailed(f"{argv[0]} could not be started: {error.strerror}", "program_failed") from None
    return Finished(done.returncode, done.stdout[:OUTPUT_LIMIT], done.stderr[:OUTPUT_LIMIT].decode("utf-8", "replace"))
