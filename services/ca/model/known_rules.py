# SPDX-License-Identifier: Apache-2.0
"""The dated rules of the field as customers are told them."""

from __future__ import annotations

from datetime import datetime

from shared.contracts.ca import DatedDays, DatedMethod, RulesView
from shared.pki.rules import DatedLimit, Rules, document, limits


def rules_at(now: datetime) -> RulesView:
    """What holds at `now` and what is known to come."""
    rules = Rules.at(now)
    methods = [
        DatedMethod(
            name=each.name,
            allowed=each.allowed,
            wildcard=each.wildcard,
            ends=each.ends.isoformat() if each.ends else None,
            source=each.source,
        )
        for each in rules.methods.values()
    ]
    return RulesView(
        day=rules.day.isoformat(),
        document=document(),
        version=rules.version,
        validity_days=rules.validity_days,
        dcv_reuse_days=rules.dcv_reuse_days,
        validity=[_said(each) for each in limits("validity", rules.day)],
        dcv_reuse=[_said(each) for each in limits("dcv_reuse", rules.day)],
        methods=methods,
    )


def _said(limit: DatedLimit) -> DatedDays:
    return DatedDays(since=limit.since.isoformat(), days=limit.days, source=limit.source)
