# SPDX-License-Identifier: Apache-2.0
"""The programs that discovery is set beside: nmap, and full handshakes by OpenSSL in C."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

from bench.measured_runs import CUT_OFF, Run, run_program
from certwright.servers.process import find_program

MOST_S = 30  # at silent addresses it may take minutes
_USUAL = ["-T4"]
_BY_HAND = ["-T5", "--max-retries", "0", "--min-parallelism", "1000", "--max-rtt-timeout", "1s"]


class Nmap:
    """nmap with its script for certificates. Raises LookupError when it is not installed."""

    def __init__(self, folder: Path) -> None:
        found = find_program("nmap")
        if found is None:
            raise LookupError("nmap is not installed: run tests/setup-servers --bench")
        self._program = str(found)
        self._list = folder / "nmap.list"

    def __call__(
        self, addresses: Sequence[str], port: int, *, live: int, by_hand: bool = False, raw: bool = False
    ) -> Run:
        """Looks at all addresses; `by_hand` tuned for a network without losses, `raw` with SYN packets of its own.
        Ended after `MOST_S`. Raises RuntimeError when it came to its end and missed some of the `live` hosts."""
        self._list.write_text("\n".join(addresses) + "\n")
        argv = [self._program, *(_BY_HAND if by_hand else _USUAL), "--privileged" if raw else "--unprivileged"]
        argv += ["-n", "-Pn", "-p", str(port), "--script", "ssl-cert", "-iL", str(self._list)]
        run, said = run_program(argv, most_s=MOST_S)
        seen = said.count("| ssl-cert: Subject:")
        if seen < live * 0.99 and not by_hand and said != CUT_OFF:
            raise RuntimeError(f"nmap found {seen} certificates of {live}")
        return run


class FullHandshakes:
    """The C program beside this file, compiled. Raises LookupError without a compiler, RuntimeError when it fails."""

    def __init__(self, folder: Path) -> None:
        compiler = find_program("cc")
        if compiler is None:
            raise LookupError("there is no C compiler: run tests/setup-servers --bench")
        self._program = folder / "full_handshakes"
        source = Path(__file__).with_name("full_handshakes.c")
        argv = [str(compiler), "-O2", "-o", str(self._program), str(source), "-lssl", "-lcrypto"]
        made = subprocess.run(argv, capture_output=True, check=False)
        if made.returncode:
            raise RuntimeError(f"full_handshakes.c does not compile: {made.stderr[-500:]!r}")

    def __call__(self, addresses: Sequence[str], port: int) -> Run:
        """A whole handshake with each address. Raises RuntimeError when one fails."""
        run, said = run_program([str(self._program), str(port), "200"], stdin="\n".join(addresses).encode() + b"\n")
        if int(said) != len(addresses):
            raise RuntimeError(f"{said.strip()} handshakes of {len(addresses)}")
        return run
