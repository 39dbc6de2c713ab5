# SPDX-License-Identifier: Apache-2.0
"""What validation needs of the outside world."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from services.dcv.model.judging import Outcome


class Target(NamedTuple):
    """What is looked for: one name with the token of one CSR."""

    fqdn: str
    method: str
    md5: str
    sha256: str
    unique_value: str


class Lookup(Protocol):
    """Looks whether the token stands where it must. What goes wrong outside is an outcome, never an exception."""

    def look(self, target: Target) -> Outcome:
        """One look, as a CA would do it."""
        ...


class Secrets(NamedTuple):
    """What a validation mail carries: the secret in its link, and the code to type."""

    token: str
    code: str


class SecretMint(Protocol):
    """Makes the secrets of a mail; the same parts give the same secrets, so that a mail sent again is the same mail."""

    def mint(self, *parts: str) -> Secrets:
        """The secrets for `parts`."""
        ...
