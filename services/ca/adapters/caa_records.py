# SPDX-License-Identifier: Apache-2.0
"""CAA records asked of the DNS, from every perspective, each time something is to be signed."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from services.ca.ports import CAADecision
from shared.checker.caa_gate import CAAOutcome, check_caa
from shared.checker.caa_verdict import Asking, CAAVerdict, method_label
from shared.clock import Clock
from shared.contracts.ca import IssuanceAccepted
from shared.egress.perspectives import Perspective, open_perspectives
from shared.egress.settings import EgressSettings
from shared.pki.quorum import Profile
from shared.pki.rules import Rules

ALLOWED, FORBIDDEN, UNKNOWN = "allowed", "forbidden", "unknown"
AT_ONCE = 8  # names


class CAARecords:
    """See `ports.CAAGate`. `identities` are the names by which records know this CA."""

    def __init__(
        self, perspectives: Sequence[Perspective], identities: Sequence[str], profile: Profile, clock: Clock
    ) -> None:
        self._perspectives = tuple(perspectives)
        self._identities = tuple(identities)
        self._profile = profile
        self._clock = clock

    def check(self, accepted: IssuanceAccepted) -> CAADecision:
        """See `ports.CAAGate.check`. A private CA that no record can name has nothing to ask."""
        if not self._identities and self._profile == "private":
            return CAADecision(ALLOWED)
        rules = Rules.at(self._clock.now())

        def one(name: str) -> CAAOutcome:
            return self._one(name, accepted.validation_methods.get(name, ""), rules)

        with ThreadPoolExecutor(AT_ONCE) as pool:
            outcomes = list(pool.map(one, accepted.names))
        for outcome, allowed in ((FORBIDDEN, False), (UNKNOWN, None)):
            hindering = [each for each in outcomes if each.verdict.allowed is allowed]
            if hindering:
                verdict = hindering[0].verdict
                findings = tuple(each.evidence() for each in hindering)
                return CAADecision(outcome, verdict.code, _words(verdict), rules.version, findings)
        return CAADecision(ALLOWED, "", "", rules.version, tuple(each.evidence() for each in outcomes))

    def _one(self, name: str, method: str, rules: Rules) -> CAAOutcome:
        asking = Asking(self._identities, method=method_label(method))
        return check_caa(self._perspectives, name, asking, rules=rules, profile=self._profile)


def _words(verdict: CAAVerdict) -> str:
    if " IN CAA " in verdict.cure:
        return f"{verdict.reason} Add this record: {verdict.cure}"
    return f"{verdict.reason} {verdict.cure}".rstrip()


def open_caa_gate(egress: EgressSettings, identities: Sequence[str], clock: Clock) -> CAARecords:
    """By the operator's settings."""
    return CAARecords(open_perspectives(egress), identities, egress.corroboration, clock)
