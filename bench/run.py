# SPDX-License-Identifier: Apache-2.0
"""`make bench`: every measurement, one JSON object per line on standard output; `make bench ARGS='ca http'` runs some.

Each object has `name`, `value`, `unit`, `against` (the peer or limit of the same run) and `ratio` (ours / theirs).
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
import time
from pathlib import Path

NAMES = tuple(sorted(path.stem.removesuffix("_bench") for path in Path(__file__).parent.glob("*_bench.py")))


def main() -> int:
    """The command line; non-zero when a measurement could not be made."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*NAMES, []], help=f"some of {', '.join(NAMES)}; all by default")
    failed = 0
    for name in parser.parse_args().names or NAMES:
        began = time.monotonic()
        sys.stderr.write(f"measuring {name}\n")
        try:
            for line in importlib.import_module(f"bench.{name}_bench").lines():
                sys.stdout.write(json.dumps(line) + "\n")
                sys.stdout.flush()
        except (LookupError, RuntimeError, TimeoutError, OSError) as error:
            sys.stderr.write(f"{name} could not be measured: {error}\n")
            failed += 1
        sys.stderr.write(f"{name} took {time.monotonic() - began:.0f} s\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
