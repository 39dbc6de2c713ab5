# SPDX-License-Identifier: Apache-2.0
"""What validation needs of the outside world."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from services.dcv.model.contacts import Contact
from services.dcv.model.judging import Outcome
from shared.contracts.preflight import CAASeen, PerspectiveSeen
from shared.pki.quorum import Profile


class Target(NamedTuple):
    """What is looked for: one name with the token of one CSR, or of an ACME challenge and its client's key.

    A persistent record names the account instead; `at` is when the look was asked for, in seconds of the Unix epoch.
    The records of a mail contact name its `address`.
    """

    fqdn: str
    method: str
    md5: str
    sha256: str
    unique_value: str
    token: str = ""
    thumbprint: str = ""
    account_id: str = ""
    at: int = 0
    address: str = ""


class Lookup(Protocol):
    """Looks whether the token stands where it must. What goes wrong outside is an outcome, never an exception."""

    def look(self, target: Target) -> Outcome:
        """One look, as a CA would do it."""
        ...


class OfferedContact(NamedTuple):
    """A mail contact that the primary perspective sees, and whether enough of the others see the same one."""

    method: str
    contact: Contact
    outcome: Outcome


class Contacts(Protocol):
    """Finds the mail contacts that stand in the DNS, within seconds."""

    def offered(self, fqdn: str) -> list[OfferedContact]:
        """Those of a name, those in CAA records first. What goes wrong outside is in the outcomes, or finds nobody."""
        ...


class NameSeen(NamedTuple):
    """What the perspectives see of one name, the primary one first, and what CAA records say together; None where they
    were not asked for."""

    perspectives: list[PerspectiveSeen]
    caa: CAASeen | None


class Scout(Protocol):
    """Looks at names before they are ordered, within seconds. What goes wrong outside is in what is seen."""

    @property
    def profile(self) -> Profile:
        """How many perspectives have to agree."""
        ...

    def look(self, names: Sequence[str], method: str) -> list[NameSeen]:
        """What is seen of each name, in their order. `method` empty: both web ports are tried."""
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
