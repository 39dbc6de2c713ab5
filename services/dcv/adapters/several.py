# SPDX-License-Identifier: Apache-2.0
"""The same look from every perspective at once, each by its own resolver and its own way out."""

from __future__ import annotations

from collections.abc import Sequence

from services.dcv.adapters.lookup import WebAndDNSLookup
from services.dcv.model.corroboration import Seen, corroborate
from services.dcv.model.judging import Outcome
from services.dcv.ports import Target
from services.dcv.settings import DCVSettings
from shared.clock import Clock
from shared.egress.perspectives import Perspective, from_each
from shared.pki.quorum import Profile
from shared.pki.rules import Rules


class SeveralPerspectives:
    """See `ports.Lookup`. The first of `perspectives` is the primary one."""

    def __init__(
        self, perspectives: Sequence[Perspective], settings: DCVSettings, profile: Profile, clock: Clock
    ) -> None:
        self._perspectives = tuple(perspectives)
        self._settings = settings
        self._profile = profile
        self._clock = clock

    def look(self, target: Target) -> Outcome:
        """One look from each, judged together by the rules of today."""

        def seen_from(perspective: Perspective) -> Seen:
            outcome = WebAndDNSLookup(perspective.egress, perspective.resolver, self._settings).look(target)
            return Seen(name=perspective.name, region=perspective.region, server=perspective.server, outcome=outcome)

        seen = from_each(self._perspectives, seen_from)
        return corroborate(seen, Rules.at(self._clock.now()), self._profile)
