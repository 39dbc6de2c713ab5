# SPDX-License-Identifier: Apache-2.0
"""When something is amiss with a site: another tool took it, or others can read its key."""

from __future__ import annotations

from collections.abc import Sequence

from shared.contracts.installer import SiteFinding
from shared.contracts.installer.findings import NO_ORDER, shown

KIND = "site_drift"
_DASH = " – "
_RANKS = ("notice", "warning", "critical")


def severity(findings: Sequence[SiteFinding]) -> str:
    """That of the worst."""
    return max((one.severity for one in shown(findings)), key=_RANKS.index, default=_RANKS[0])


def told(findings: Sequence[SiteFinding]) -> list[SiteFinding]:
    """Those to be told of. That a certificate ends has an alert of its own."""
    return [one for one in findings if one.kind != NO_ORDER]


def sentence(site: str, findings: Sequence[SiteFinding]) -> str:
    """What the alert says, in words; empty when nothing is amiss."""
    said = " ".join(f"{one.text} {one.cure}" for one in shown(findings))
    return f"{site}{_DASH}{said}" if said else ""


def subject_of(text: str) -> str:
    """The site of a sentence."""
    return text.partition(_DASH)[0]
