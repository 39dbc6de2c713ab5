# SPDX-License-Identifier: Apache-2.0
"""Whether enough perspectives see what the primary one sees (BR 3.2.2.9, multi-perspective issuance corroboration).

Two profiles: `public` holds what the Baseline Requirements ask of public CAs; `private` takes the perspectives that
there are, even the primary one alone, with the same table of how many of them may disagree.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from shared.pki.rules import Rules

Profile = Literal["private", "public"]
PROFILES: tuple[Profile, ...] = ("private", "public")


class Voice(NamedTuple):
    """A remote perspective: whether it corroborates the primary one. `region` is that of a Regional Internet Registry,
    such as RIPE, empty where none is named."""

    name: str
    region: str
    agrees: bool


@dataclass(frozen=True, slots=True)
class Quorum:
    """What the remote perspectives say together. `lacks` is empty when the quorum is met, else one of

    `perspectives` (too few are configured), `regions` (those that agree lie in too few), `agreement` (too few agree).
    """

    profile: Profile
    remote: int
    agreeing: int
    allowed_failures: int
    regions: tuple[str, ...]
    required_remote: int
    required_regions: int
    source: str
    lacks: str = ""

    @property
    def met(self) -> bool:
        """Whether the primary perspective is corroborated."""
        return not self.lacks

    @property
    def single(self) -> bool:
        """Whether the primary perspective stands alone."""
        return self.remote == 0


def judge_quorum(rules: Rules, profile: Profile, voices: Sequence[Voice]) -> Quorum:
    """The quorum of the remote perspectives by the rules of a day."""
    rule = rules.perspectives
    binding = profile == "public" and rule.blocking
    agreeing = [voice for voice in voices if voice.agrees]
    regions = tuple(sorted({voice.region for voice in agreeing if voice.region}))
    allowed = rules.allowed_failures(len(voices))
    lacks = ""
    if binding and len(voices) < rule.remote:
        lacks = "perspectives"
    elif len(voices) - len(agreeing) > allowed:
        lacks = "agreement"
    elif binding and len(regions) < rule.regions:
        lacks = "regions"
    return Quorum(
        profile=profile,
        remote=len(voices),
        agreeing=len(agreeing),
        allowed_failures=allowed,
        regions=regions,
        required_remote=rule.remote if binding else 0,
        required_regions=rule.regions if binding else 0,
        source=rule.source,
        lacks=lacks,
    )
