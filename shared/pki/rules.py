# SPDX-License-Identifier: Apache-2.0
"""The dated rules of the field, read from `rules.toml`: `Rules.at(moment)` are those in force at a moment.

Every decision that rests on them records `Rules.version`, so that it can be judged later by the rules of its day.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import Any


@dataclass(frozen=True, slots=True)
class MethodRule:
    """Whether a validation method may be used on the day asked for.

    `ends` is the first day on which it is forbidden, None while no end is known. `single_name`: a proof covers only the
    very FQDN, not the names below it. `reuse_days`: a proof counts for so long at most, whatever the rule of the day.
    """

    name: str
    allowed: bool
    wildcard: bool
    single_name: bool
    discouraged: bool
    ends: date | None
    source: str
    reuse_days: int | None = None


@dataclass(frozen=True, slots=True)
class PerspectiveRule:
    """How many remote perspectives at least, in how many regions of internet registries those that agree lie at least,
    and whether issuance is forbidden without."""

    remote: int
    regions: int
    blocking: bool
    source: str


@dataclass(frozen=True, slots=True)
class DNSSECRule:
    """Whether the primary perspective has to validate what the DNS says."""

    required: bool
    source: str


@dataclass(frozen=True, slots=True)
class Rules:
    """What holds on one day (UTC). A day of validity is 86,400 seconds and a started one counts (BR 6.3.2)."""

    day: date
    version: str
    validity_days: int
    dcv_reuse_days: int
    identity_reuse_days: int
    methods: Mapping[str, MethodRule]
    perspectives: PerspectiveRule
    dnssec: DNSSECRule

    @classmethod
    def at(cls, moment: datetime | date) -> Rules:
        """The rules in force at `moment`. Raises ValueError before the oldest rule of the file."""
        day = moment.astimezone(UTC).date() if isinstance(moment, datetime) else moment
        return _at(day)

    @property
    def issue_for(self) -> timedelta:
        """How long to issue for: one day less than allowed, so that no rounding ever exceeds the limit (BR 6.3.2)."""
        return timedelta(days=self.validity_days - 1)

    @property
    def longest(self) -> timedelta:
        """The longest validity allowed, both ends included."""
        return timedelta(days=self.validity_days)

    def allowed_failures(self, remote: int) -> int:
        """How many of so many remote perspectives need not agree with the primary one (BR 3.2.2.9)."""
        begun = [entry for entry in _file()["quorum"] if entry["remote"] <= remote]
        return int(max(begun, key=lambda entry: entry["remote"])["failures"])

    def dcv_expires(self, proved: datetime, method: str) -> datetime:
        """Until when a proof made at `proved` may be used, by the rules of this day: also the end of its method counts.

        Rules that come into force later shorten it again: ask the rules of the day of use, see `dcv_usable`.
        """
        rule = self.methods[method]
        days = self.dcv_reuse_days if rule.reuse_days is None else min(rule.reuse_days, self.dcv_reuse_days)
        expires = proved + timedelta(days=days)
        ends = rule.ends
        return expires if ends is None else min(expires, datetime(ends.year, ends.month, ends.day, tzinfo=UTC))

    def dcv_usable(self, proved: datetime, method: str, moment: datetime) -> bool:
        """Whether a proof made at `proved` may be used at `moment`, a moment of this day."""
        return self.methods[method].allowed and moment < self.dcv_expires(proved, method)


@dataclass(frozen=True, slots=True)
class DatedLimit:
    """A number of days that holds from a day on until the next entry of its table."""

    since: date
    days: int
    source: str


def limits(table: str, day: date) -> tuple[DatedLimit, ...]:
    """The entry of `validity` or `dcv_reuse` that is in force on a day, and those that are known to follow it."""
    entries = sorted(_file()[table], key=lambda entry: entry["from"])
    begun = [entry for entry in entries if entry["from"] <= day][-1:]
    coming = [entry for entry in entries if entry["from"] > day]
    return tuple(DatedLimit(entry["from"], int(entry["days"]), entry["source"]) for entry in begun + coming)


def document() -> str:
    """The document that the rules are taken from, with its version."""
    return f"{_file()['document']} {_file()['version']}"


@cache
def dates() -> tuple[date, ...]:
    """Every day on which some rule changes, oldest first."""
    found = set()
    for value in _file().values():
        for entry in value if isinstance(value, list) else ():
            found |= {entry[key] for key in ("from", "until", "discouraged") if key in entry}
    return tuple(sorted(found))


@cache
def _file() -> dict[str, Any]:
    return tomllib.loads(resources.files(__package__ or "shared.pki").joinpath("rules.toml").read_text("utf-8"))


@cache
def _at(day: date) -> Rules:
    rules = _file()
    changed = max((each for each in dates() if each <= day), default=day)
    return Rules(
        day=day,
        version=f"BR {rules['version']}, state of {changed.isoformat()}",
        validity_days=_days(rules["validity"], day),
        dcv_reuse_days=_days(rules["dcv_reuse"], day),
        identity_reuse_days=_days(rules["identity_reuse"], day),
        methods=MappingProxyType({entry["name"]: _method(entry, day) for entry in rules["method"]}),
        perspectives=_perspectives(rules["perspectives"], day),
        dnssec=_dnssec(rules["dnssec"], day),
    )


def _newest(table: list[dict[str, Any]], day: date) -> dict[str, Any]:
    in_force = [entry for entry in table if entry["from"] <= day]
    if not in_force:
        raise ValueError(f"no rule is known for {day.isoformat()}")
    return max(in_force, key=lambda entry: entry["from"])


def _days(table: list[dict[str, Any]], day: date) -> int:
    return int(_newest(table, day)["days"])


def _perspectives(table: list[dict[str, Any]], day: date) -> PerspectiveRule:
    newest = _newest(table, day)
    return PerspectiveRule(newest["remote"], newest["regions"], newest["blocking"], newest["source"])


def _dnssec(table: list[dict[str, Any]], day: date) -> DNSSECRule:
    newest = _newest(table, day)
    return DNSSECRule(newest["required"], newest["source"])


def _method(entry: dict[str, Any], day: date) -> MethodRule:
    ends = entry.get("until")
    return MethodRule(
        name=entry["name"],
        allowed=entry["from"] <= day and (ends is None or day < ends),
        wildcard=entry["wildcard"],
        single_name=entry["single_name"],
        discouraged="discouraged" in entry and entry["discouraged"] <= day,
        ends=ends,
        source=entry["source"],
        reuse_days=entry.get("reuse_days"),
    )
