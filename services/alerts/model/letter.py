# SPDX-License-Identifier: Apache-2.0
"""The mail that tells of an alert. Text only: nothing to load, nothing to track."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from services.alerts.model.expiry import sentence, subject_of

MOST_NAMES = 20


class Letter(NamedTuple):
    """Headline and text of a mail."""

    headline: str
    text: str


def expiry_letter(names: list[str], serial: str, not_after: str, *, own: bool, now: datetime, url: str) -> Letter:
    """What is written about the end of a certificate. `own` says that it was issued through Certwright."""
    said = sentence(subject_of(names, serial), not_after, now)
    shown = [f"  {name}" for name in names[:MOST_NAMES]]
    if len(names) > MOST_NAMES:
        shown.append(f"  and {len(names) - MOST_NAMES} more")
    cure = (
        "Renew or reissue it; Certwright can install the new one for you."
        if own
        else "It was not issued through Certwright. Buy a new one here, or have its issuer renew it."
    )
    lines = [said, "", *(["Names:", *shown, ""] if shown else []), f"Serial number: {serial}", "", cure, url, ""]
    lines.append("You get this mail again until the alert is acknowledged or the certificate is replaced.")
    return Letter("C" + said.removeprefix("The c").rstrip("."), "\n".join(lines) + "\n")
