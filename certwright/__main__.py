# SPDX-License-Identifier: Apache-2.0
"""`certwright`, or `python -m certwright`."""

from __future__ import annotations

import sys

# Commands that run services need the standard library patched before anything else is imported.
COOPERATIVE = frozenset({"serve", "service"})


def main() -> None:
    """The program's entry point."""
    if COOPERATIVE & set(sys.argv[1:2]):
        from shared.runtime.patch import patch

        patch()
    from certwright.cli import app

    app()


if __name__ == "__main__":
    main()
