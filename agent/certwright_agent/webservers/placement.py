# SPDX-License-Identifier: Apache-2.0
"""Files that a server's configuration names and goes on naming: an installation replaces what is in them."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from certwright_agent.files import Roots

Staged = Mapping[str, bytes]  # privkey.pem, cert.pem, chain.pem, fullchain.pem


@dataclass(frozen=True)
class Verdict:
    """What a configuration test or a reload said."""

    ok: bool
    detail: str


@dataclass(frozen=True)
class Placement:
    """One such file. `content` makes what goes into it, in the form that the server reads; it may be secret.

    A file that is not there yet gets mode 0600 when it is `secret`, else 0644; one that is there keeps mode and owner.
    """

    path: Path
    content: Callable[[Staged], bytes] = field(repr=False)
    secret: bool = True


def part(name: str) -> Callable[[Staged], bytes]:
    """The content that is one of the staged files as it is."""
    return lambda staged: staged[name]


def combined(staged: Staged) -> bytes:
    """Leaf, chain and key in one PEM file."""
    return staged["fullchain.pem"] + staged["privkey.pem"]


def why_not_placed(path: Path, roots: Roots | None, *, may_be_missing: bool = False) -> str:
    """Why the agent cannot replace the content of `path`; empty when it can. No `roots`: the host itself named it."""
    try:
        return _why_not(path, roots, may_be_missing=may_be_missing)
    except OSError as error:
        return f"{str(path)[:300]} cannot be looked at: {error.strerror}"


def _why_not(path: Path, roots: Roots | None, *, may_be_missing: bool) -> str:
    if path.is_symlink():
        return (
            f"{path} is a link to {path.readlink()}: another program may keep what is there. "
            "Name a file of its own in the configuration"
        )
    if not path.is_file():
        if path.exists() or not may_be_missing:
            return f"{path} is not a file of this host"
    elif not os.access(path, os.R_OK | os.W_OK):
        return f"no permission to write to {path}"
    elif os.geteuid() not in (0, path.stat().st_uid):
        return f"{path} belongs to another user, and the agent could not give it back to that one"
    if roots is not None and not roots.allows(path):
        return f"{path} lies outside the folders that this agent may write to"
    if not os.access(path.parent, os.W_OK):
        return f"no permission to write to {path.parent}"
    return ""
