# SPDX-License-Identifier: Apache-2.0
"""What several perspectives saw, judged together (BR 3.2.2.9): the primary one has to see the proof, and enough of the
others have to see it too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import msgspec

from services.dcv.model.judging import ADVICE, Outcome, Reason
from shared.pki.quorum import Profile, Quorum, Voice, judge_quorum
from shared.pki.rules import Rules

_LACKS = {
    "perspectives": Reason.TOO_FEW_PERSPECTIVES,
    "regions": Reason.ONE_REGION,
    "agreement": Reason.OTHERS_DIFFER,
}


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """What one perspective saw, by which resolver."""

    name: str
    region: str
    server: str
    outcome: Outcome


def corroborate(seen: Sequence[Seen], rules: Rules, profile: Profile) -> Outcome:
    """One outcome of all; the first of `seen` is the primary perspective. Its evidence stands as that of a single look
    does, beside what every other perspective asked and was told."""
    primary, others = seen[0], seen[1:]
    voices = [Voice(each.name, each.region, each.outcome.passed) for each in others]
    quorum = judge_quorum(rules, profile, voices)
    reason, advice = _reason(primary, others, quorum, rules)
    evidence = {
        **primary.outcome.evidence,
        "quorum": {**asdict(quorum), "regions": list(quorum.regions), "met": quorum.met},
        "perspectives": [_shown(primary, primary=True), *(_shown(each, primary=False) for each in others)],
    }
    return Outcome(passed=not reason, reason=reason, advice=advice, evidence=evidence)


def _reason(primary: Seen, others: Sequence[Seen], quorum: Quorum, rules: Rules) -> tuple[str, str]:
    outcome = primary.outcome
    witnesses = [each.name for each in others if each.outcome.passed]
    if not outcome.passed:
        # A name server that most have not heard of is another thing than a record that is not there.
        if witnesses and outcome.reason != Reason.BOGUS:
            words = f"{_names(witnesses)} {_see(witnesses)} it, the primary perspective does not ({outcome.reason}). "
            return str(Reason.PRIMARY_DIFFERS), words + outcome.advice
        return outcome.reason, outcome.advice
    if quorum.profile == "public" and rules.dnssec.required and outcome.evidence.get("dnssec") == "indeterminate":
        return str(Reason.UNVALIDATED), ADVICE[Reason.UNVALIDATED]
    if quorum.met:
        return "", ""
    reason = _LACKS[quorum.lacks]
    blind = [each.name for each in others if not each.outcome.passed]
    if reason is not Reason.OTHERS_DIFFER:
        return str(reason), f"{ADVICE[reason]} ({quorum.source})"
    words = f"The primary perspective sees it, {_names(blind)} {_see(blind, no=True)}: the record has not reached all "
    return str(
        reason
    ), words + "name servers yet, or somebody answers differently by place. Wait, or compare the answers."


def _names(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _see(names: Sequence[str], *, no: bool = False) -> str:
    if no:
        return "does not" if len(names) == 1 else "do not"
    return "sees" if len(names) == 1 else "see"


def _shown(seen: Seen, *, primary: bool) -> dict[str, Any]:
    shown = {
        "name": seen.name,
        "region": seen.region,
        "server": seen.server,
        "primary": primary,
        "passed": seen.outcome.passed,
        "reason": seen.outcome.reason,
    }
    # What the primary one asked stands at the top already.
    return shown if primary else {**shown, "evidence": seen.outcome.evidence}
