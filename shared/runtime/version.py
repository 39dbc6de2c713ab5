# SPDX-License-Identifier: Apache-2.0
"""Which version of the program runs."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version


def running_version() -> str:
    """The version of the installed program."""
    try:
        return version("certwright")
    except PackageNotFoundError:  # run from a source tree
        return "0+source"
