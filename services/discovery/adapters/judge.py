# SPDX-License-Identifier: Apache-2.0
"""Judges surveys by `shared.checker`, with Mozilla's roots and what the operator loads; asks CAs and the DNS."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from services.discovery.settings import DiscoverySettings
from shared.checker.ct_logs import load_logs
from shared.checker.evidence import Asks, Lists
from shared.checker.judge import judge
from shared.checker.trust import load_store
from shared.checker.weak_key_list import load_weak_keys
from shared.clock import Clock
from shared.probe.survey import Survey


class CheckerJudge:
    """The judgement of the installation; `others` None asks nobody. Raises OSError, StoreUnreadableError,
    LogsUnreadableError or WeakKeysUnreadableError for files of the settings that cannot be read."""

    def __init__(self, own: DiscoverySettings, clock: Clock, others: Asks | None = None) -> None:
        self._clock = clock
        self._others = others
        self._stores = [load_store(name, path) for name, path in own.trust_stores.items()]
        self._lists = Lists(
            logs=load_logs(own.ct_logs) if own.ct_logs else None,
            weak_keys=load_weak_keys(own.weak_keys) if own.weak_keys else None,
        )

    def judge(self, survey: dict[str, Any], moduli: Iterable[int] | None = None) -> dict[str, Any]:
        """The verdict as plain values. Asks others, which takes up to a minute: no transaction may be open."""
        try:
            seen = Survey.from_json(survey)
        except (KeyError, TypeError) as error:
            raise ValueError(f"no survey: {error}") from error
        now = self._clock.now()
        verdict = judge(seen, at=now, stores=self._stores, lists=self._lists, others=self._others, moduli=moduli)
        return verdict.to_json()
