# SPDX-License-Identifier: Apache-2.0
"""When the end of a certificate is an alert, and when somebody is written to about it (console checklist 3.09, 3.10).

An account's rule names days before the end. Crossing the first of them raises the alert; crossing each further one
tells again, and so does every `repeat_days`, until somebody acknowledges it or the reason is gone. An acknowledged
alert is silent until it gets more severe.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.clock import from_text
from shared.contracts.alerts import AlertSettings
from shared.errors import invalid

MAX_DAYS = 365
MAX_STEPS = 10
MAX_ADDRESSES = 5
SEVERITIES = ("notice", "warning", "critical")
GIVEN_UP = timedelta(days=30)  # that a certificate ended so long ago is no news to anybody

DEFAULT = AlertSettings(days_before=[30, 14, 7, 3, 1], email=True, repeat_days=7, addresses=[])


def stream(alert_id: str) -> str:
    """The stream of one alert."""
    return f"alert-{alert_id}"


def check_rule(days_before: list[int], repeat_days: int, addresses: list[str]) -> list[int]:
    """The days, each once, longest first. Raises ServiceError `invalid` with the field."""
    if not 1 <= len(days_before) <= MAX_STEPS or any(not 1 <= days <= MAX_DAYS for days in days_before):
        raise invalid(f"Give 1 to {MAX_STEPS} numbers of days, each from 1 to {MAX_DAYS}.", "/days_before")
    if not 1 <= repeat_days <= MAX_DAYS:
        raise invalid(f"Repeat every 1 to {MAX_DAYS} days.", "/repeat_days")
    if len(addresses) > MAX_ADDRESSES:
        raise invalid(f"At most {MAX_ADDRESSES} addresses.", "/addresses")
    return sorted(set(days_before), reverse=True)


@dataclass(frozen=True)
class Standing:
    """How an alert stands. `step` is the smallest number of days of the rule that was crossed and told."""

    state: str
    severity: str
    step: int
    last_notified_at: str | None
    muted: bool = False


@dataclass(frozen=True)
class Verdict:
    """What is to be done now. `step` None means that the certificate's end is too far away, or too long ago, to speak
    of; `notify` that a mail is due."""

    step: int | None
    severity: str
    notify: bool


def severity_of(left: timedelta) -> str:
    """Three days and less are critical, two weeks are a warning."""
    if left <= timedelta(days=3):
        return "critical"
    return "warning" if left <= timedelta(days=14) else "notice"


def judge(rule: AlertSettings, not_after: str, now: datetime, standing: Standing | None) -> Verdict:
    """Whether a certificate's end is to be told at `now`, given how its alert stands (None: there is none)."""
    left = from_text(not_after) - now
    crossed = [days for days in rule.days_before if left <= timedelta(days=days)]
    if not crossed or left <= -GIVEN_UP:
        return Verdict(None, "notice", notify=False)
    step, severity = min(crossed), severity_of(left)
    mails = rule.email and not (standing is not None and standing.muted)
    if standing is None or standing.state == "resolved":
        return Verdict(step, severity, notify=mails)
    worse = SEVERITIES.index(severity) > SEVERITIES.index(standing.severity)
    told = standing.last_notified_at
    again = told is None or now - from_text(told) >= timedelta(days=rule.repeat_days)
    due = worse if standing.state == "acknowledged" else step < standing.step or worse or again
    return Verdict(step, severity, notify=mails and due)


def sentence(subject: str, not_after: str, now: datetime) -> str:
    """What the alert says, in words."""
    end = from_text(not_after)
    left = end - now
    day = f"{end:%Y-%m-%d %H:%M} UTC"
    if left <= timedelta(0):
        return f"The certificate for {subject} expired on {day}."
    if left < timedelta(days=1):
        return f"The certificate for {subject} expires today, at {day}."
    days = "1 day" if left.days == 1 else f"{left.days} days"
    return f"The certificate for {subject} expires in {days}, on {day}."


def subject_of(names: list[str], serial: str) -> str:
    """How people call a certificate: its first name and how many more, or its serial number."""
    if not names:
        return f"serial number {serial}"
    return names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"
