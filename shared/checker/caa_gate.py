# SPDX-License-Identifier: Apache-2.0
"""CAA as a CA has to check it before it issues: from every perspective, with the day's quorum (BR 3.2.2.8, 3.2.2.9).

An answer that fails is asked once more. The Baseline Requirements let a CA take a failure for permission in some cases;
here it never is one, since nobody can tell from here on whose side the fault lies: it is asked again later.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from shared.checker.caa import look_up
from shared.checker.caa_verdict import Asking, CAAVerdict, judge_caa
from shared.egress.perspectives import Perspective, from_each
from shared.pki.quorum import Profile, Quorum, Voice, judge_quorum
from shared.pki.rules import Rules

_MOST_LABELS = 127  # of any name (RFC 1035 §2.3.4)


@dataclass(frozen=True, slots=True)
class CAAOutcome:
    """The verdict of all together, and of each: (perspective, its verdict), the primary one first."""

    verdict: CAAVerdict
    quorum: Quorum
    seen: tuple[tuple[str, CAAVerdict], ...]

    def evidence(self) -> dict[str, Any]:
        """What was asked, of whom, and what came back, for the record."""
        return {
            "name": self.verdict.name,
            "allowed": self.verdict.allowed,
            "code": self.verdict.code,
            "reason": self.verdict.reason,
            "quorum": {**asdict(self.quorum), "regions": list(self.quorum.regions), "met": self.quorum.met},
            "perspectives": [
                {
                    "name": name,
                    "allowed": each.allowed,
                    "code": each.code,
                    "at": each.at,
                    "record": each.record,
                    "dnssec": each.dnssec,
                    "iodef": list(each.iodef),
                    "dns": list(each.evidence),
                }
                for name, each in self.seen
            ],
        }


def check_caa(
    perspectives: Sequence[Perspective], name: str, asking: Asking, *, rules: Rules, profile: Profile
) -> CAAOutcome:
    """Whether the CA that asks may issue for `name` now, seen from all `perspectives`."""

    def seen_from(perspective: Perspective) -> CAAVerdict:
        found = look_up(perspective.resolver, name, public_only=False, most_labels=_MOST_LABELS, retries=1)
        return judge_caa(found, asking)

    return judge_seen(perspectives, from_each(perspectives, seen_from), rules=rules, profile=profile)


def judge_seen(
    perspectives: Sequence[Perspective], seen: Sequence[CAAVerdict], *, rules: Rules, profile: Profile
) -> CAAOutcome:
    """The verdicts of all perspectives together."""
    primary = seen[0]
    others = list(zip(perspectives[1:], seen[1:], strict=True))
    quorum = judge_quorum(
        rules, profile, [Voice(place.name, place.region, each.allowed is True) for place, each in others]
    )
    verdict = primary
    if primary.allowed:
        against = [f"{place.name} ({each.code})" for place, each in others if not each.allowed]
        verdict = _borne_out(primary, quorum, against, rules)
    return CAAOutcome(verdict, quorum, tuple(zip((place.name for place in perspectives), seen, strict=True)))


def _borne_out(primary: CAAVerdict, quorum: Quorum, against: Sequence[str], rules: Rules) -> CAAVerdict:
    if quorum.profile == "public" and rules.dnssec.required and primary.dnssec == "indeterminate":
        reason = f"The answers about {primary.name} were not validated by DNSSEC, as {rules.dnssec.source} asks."
        return replace(primary, allowed=None, code="dnssec_unchecked", reason=reason)
    if quorum.met:
        return primary
    code, reason = {
        "perspectives": (
            "perspectives_too_few",
            f"{quorum.remote} remote perspectives are set up; {quorum.source} asks for {quorum.required_remote}.",
        ),
        "regions": (
            "perspectives_one_region",
            f"The perspectives that agree lie in fewer than {quorum.required_regions} regions ({quorum.source}).",
        ),
        "agreement": (
            "perspectives_differ",
            f"Not all perspectives see that {primary.name} may be issued for: {', '.join(against)}.",
        ),
    }[quorum.lacks]
    return replace(primary, allowed=None, code=code, reason=reason)
