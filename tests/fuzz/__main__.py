# SPDX-License-Identifier: Apache-2.0
"""`make fuzz`: every parser of the probe for some seconds each, by atheris (libFuzzer) in processes of their own.

`python -m tests.fuzz [--seconds N] [TARGET …]`. Corpus and inputs that broke something stay in build/fuzz/; each of the
latter becomes a plain unit test (tests/unit/probe/test_probe_fuzzed.py). Ends with 1 when anything broke.
"""

from __future__ import annotations

import argparse
import hashlib
import subprocess
import sys
from pathlib import Path

from tests.fuzz.parsers import TARGETS
from tests.fuzz.seeds import seeds_of

FOLDER = Path("build/fuzz")
ONE_INPUT_S, MEMORY_MIB, LONGEST = 10, 1024, 65_536


def main() -> int:
    """Leads the processes, one after the other."""
    parser = argparse.ArgumentParser(prog="make fuzz", description=__doc__)
    parser.add_argument("names", nargs="*", help=f"some of {', '.join(TARGETS)}; all by default")
    parser.add_argument("--seconds", type=int, default=60, help="for each target")
    arguments = parser.parse_args()
    if unknown := set(arguments.names) - set(TARGETS):
        parser.error(f"no such target: {', '.join(sorted(unknown))}")
    broken = [name for name in arguments.names or TARGETS if not lead(name, arguments.seconds)]
    print(f"{len(broken)} broke: {', '.join(broken)}" if broken else "nothing broke")
    return 1 if broken else 0


def lead(name: str, seconds: int) -> bool:
    """Fuzzes one target in a process of its own; whether it held."""
    corpus, crashes = FOLDER / name / "corpus", FOLDER / name / "broken"
    for folder in (corpus, crashes):
        folder.mkdir(parents=True, exist_ok=True)
    for seed in seeds_of(name):
        (corpus / hashlib.sha256(seed).hexdigest()[:16]).write_bytes(seed)
    argv = [sys.executable, "-m", "tests.fuzz.one", name, f"-max_total_time={seconds}", f"-timeout={ONE_INPUT_S}"]
    argv += [f"-rss_limit_mb={MEMORY_MIB}", f"-max_len={LONGEST}", f"-artifact_prefix={crashes}/", "-verbosity=1"]
    done = subprocess.run([*argv, str(corpus)], capture_output=True, text=True, check=False)
    told = [line for line in done.stderr.splitlines() if line.startswith(("Done", "#")) or "exec/s" in line]
    print(f"{name}: {told[-1] if told else ''}", flush=True)
    if done.returncode:
        print(f"{done.stdout[-3000:]}\n{done.stderr[-3000:]}", flush=True)
    return done.returncode == 0


if __name__ == "__main__":
    sys.exit(main())
