# SPDX-License-Identifier: Apache-2.0
"""Judges surveys by `shared.checker`, with Mozilla's roots and those that the operator loads."""

from __future__ import annotations

from typing import Any

from services.discovery.settings import DiscoverySettings
from shared.checker.judge import judge
from shared.checker.trust import load_store
from shared.clock import Clock
from shared.probe.survey import Survey


class CheckerJudge:
    """The judgement of the installation. Raises OSError, StoreUnreadableError for roots that cannot be read."""

    def __init__(self, own: DiscoverySettings, clock: Clock) -> None:
        self._clock = clock
        self._stores = [load_store(name, path) for name, path in own.trust_stores.items()]

    def judge(self, survey: dict[str, Any]) -> dict[str, Any]:
        """The verdict as plain values."""
        try:
            seen = Survey.from_json(survey)
        except (KeyError, TypeError) as error:
            raise ValueError(f"no survey: {error}") from error
        return judge(seen, at=self._clock.now(), stores=self._stores).to_json()
