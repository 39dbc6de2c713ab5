# SPDX-License-Identifier: Apache-2.0
"""The mails: an alert, and the welcome of a new account. Text only: nothing to load, nothing to track."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple

from services.alerts.model.expiry import sentence, subject_of
from shared.contracts.accounts import Contact
from shared.contracts.alerts import AlertView

MOST_NAMES = 20
# Whoever signs up says whom we write to and what that person is called: what could be a link or a message is no name.
_NAME = re.compile(r"(?:[^\W\d_]|[ '’-]|\.(?= |$)){1,80}")


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


def low_balance_letter(said: str, *, url: str) -> Letter:
    """What is written about a deposit that runs low."""
    lines = [
        said,
        "",
        "Orders that it does not cover wait for payment. Add funds here:",
        "",
        f"  {url.rstrip('/')}/console/deposit",
        "",
        "You get this mail once; the alert ends by itself when the deposit is above the amount again.",
    ]
    return Letter("The deposit runs low", "\n".join(lines) + "\n")


def proof_missing_letter(said: str, order_id: str, *, url: str) -> Letter:
    """What is written about an order that waits for proofs."""
    lines = [
        said,
        "",
        "The present certificate stays in use until it ends. Prove the names here:",
        "",
        f"  {url.rstrip('/')}/console/orders/{order_id}",
        "",
        "You get this mail once; the alert ends by itself when they are proved.",
    ]
    return Letter("A name is to be proved before the certificate can be reissued", "\n".join(lines) + "\n")


def installation_failing_letter(said: str, order_id: str, *, url: str) -> Letter:
    """What is written about a site that goes on refusing a certificate."""
    lines = [
        said,
        "",
        "The site serves what it served before, until that ends. See what is wrong here:",
        "",
        f"  {url.rstrip('/')}/console/orders/{order_id}",
        "",
        "You get this mail once; the alert ends by itself when the certificate is installed.",
    ]
    return Letter("A certificate cannot be installed on a site", "\n".join(lines) + "\n")


def site_drift_letter(said: str, order_id: str, *, url: str) -> Letter:
    """What is written about a site that is not as it should be."""
    lines = [
        said,
        "",
        "All sites:",
        "",
        f"  {url.rstrip('/')}/console/sites",
        "",
        *(["The order:", "", f"  {url.rstrip('/')}/console/orders/{order_id}", ""] if order_id else []),
        "You get this mail once; the alert ends by itself when all is well with the site.",
    ]
    return Letter("Something is amiss with one of your sites", "\n".join(lines) + "\n")


def digest_letter(alerts: Sequence[AlertView], new: Collection[str], *, url: str) -> Letter:
    """One mail a day: what is open, the new first."""
    fresh = [one for one in alerts if one.alert_id in new]
    older = [one for one in alerts if one.alert_id not in new]
    lines = ["New since the last mail:", "", *(f"  {one.text}" for one in fresh), ""]
    if older:
        lines += ["Still open:", "", *(f"  {one.text}" for one in older), ""]
    lines += ["All alerts:", "", f"  {url.rstrip('/')}/console/alerts"]
    count = "1 new alert" if len(fresh) == 1 else f"{len(fresh)} new alerts"
    return Letter(f"{count}, {len(alerts)} open", "\n".join(lines) + "\n")


def test_letter(url: str) -> Letter:
    """What a test of a channel says."""
    lines = ["This is a test. Alerts of your certificates arrive like this.", "", f"  {url.rstrip('/')}/console/alerts"]
    return Letter("A test of your alerts", "\n".join(lines) + "\n")


def welcome_letter(contact: Contact, order_number: int, *, url: str) -> Letter:
    """What a new account is told: where to sign in, and by which number. Nothing that is secret, never a password."""
    name = " ".join(word for word in (contact.title, contact.first_name, contact.last_name) if word)
    lines = [
        f"Dear {name if _NAME.fullmatch(name) else 'customer'},",
        "",
        "thank you for signing up. Sign in here, with the login and the password that you chose:",
        "",
        f"  {url.rstrip('/')}/console/sign-in",
        "",
        "You are then asked for one of your order numbers. The first one is:",
        "",
        f"  {order_number}",
        "",
        "Every order that you place brings a further one; each of them will do.",
        "If it was not you who signed up, you need do nothing: without the password nobody gets in.",
    ]
    return Letter(f"Your order number is {order_number}", "\n".join(lines) + "\n")
