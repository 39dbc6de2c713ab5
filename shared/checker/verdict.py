# SPDX-License-Identifier: Apache-2.0
"""What a check ends with, as plain values that travel as JSON."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

SEVERITIES = ("critical", "high", "medium", "low", "info", "good")


@dataclass(frozen=True)
class Finding:
    """One thing to know. `code` is stable and names the sentence, `values` fill it; `text` is the sentence in English.

    `cures` are configuration lines by web server (nginx, Apache, Tomcat), empty where none is needed or known.
    """

    code: str
    severity: str
    text: str
    values: dict[str, str]
    cures: dict[str, str]


@dataclass(frozen=True)
class Row:
    """One row of the basic check. `value` is empty and `checked` False where it was not checked: `reason` says why."""

    code: str
    label: str
    value: str
    checked: bool = True
    reason: str = ""


@dataclass(frozen=True)
class Grade:
    """A letter with the rule that set it. `letter` is empty when nothing was graded, and `words` say why.

    `protocol`, `key_exchange` and `cipher` are the three parts of `score`, each 0 to 100.
    """

    letter: str
    rule: str
    words: str
    score: int = 0
    protocol: int = 0
    key_exchange: int = 0
    cipher: int = 0


@dataclass(frozen=True)
class StampView:
    """A certificate transparency stamp. `source` is embedded, tls or ocsp; `state` valid, invalid, unknown_log,
    retired_log or unchecked; `log` its name where it is known; `at` when it was made, in UTC, RFC 3339."""

    log: str
    log_id: str
    source: str
    state: str
    at: str


@dataclass(frozen=True)
class CAAView:
    """The CAA records that hold for `name`, in presentation form, and the name `at` which they stand, empty where there
    are none. `allows` tells whether the issuer may issue now, None where that is not known."""

    name: str
    at: str
    records: tuple[str, ...]
    allows: bool | None
    authenticated: bool


@dataclass(frozen=True)
class Verdict:
    """The whole judgement of one survey. `at` is the moment for which it holds, in UTC, RFC 3339."""

    at: str
    grade: Grade
    rows: tuple[Row, ...]
    findings: tuple[Finding, ...]
    not_checked: tuple[Row, ...]
    stamps: tuple[StampView, ...] = ()
    caa: CAAView | None = None  # None where the DNS was not asked, or has not answered

    @property
    def worst(self) -> str:
        """The severest finding's severity; `good` when there is none."""
        return min((one.severity for one in self.findings), key=SEVERITIES.index, default="good")

    def to_json(self) -> dict[str, Any]:
        """Plain values: `grade` is the letter, `grading` the rule that set it with the scores."""
        plain = dataclasses.asdict(self)
        return {**plain, "grade": self.grade.letter, "grading": plain["grade"], "worst": self.worst}
