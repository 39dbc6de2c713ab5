# SPDX-License-Identifier: Apache-2.0
"""What a channel may be, and what is sent over it (console checklist 3.11)."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import Any

import msgspec

from shared.contracts.alerts import AlertView
from shared.errors import Code, ServiceError, invalid

KINDS = ("email", "webhook")
DIGESTS = ("single", "daily")
ABOUT = ("expiry", "low_balance", "proof_missing", "installation_failing", "site_drift")
MOST = 20
MOST_ALERTS = 100  # in a digest; the list in the console has them all
# After the first try: a receiver that is away over a day loses nothing; then it is given up and the channel says so.
BACKOFF_S = (5.0, 300.0, 1_800.0, 7_200.0, 18_000.0, 36_000.0, 50_400.0, 72_000.0, 86_400.0)
_NAME = re.compile(r"[^\x00-\x1f\x7f]{1,100}")


def channel_stream(channel_id: str) -> str:
    """The stream of one channel."""
    return f"channel-{channel_id}"


def link_stream(link_id: str) -> str:
    """The stream of one link."""
    return f"feed-link-{link_id}"


def check_name(name: str) -> str:
    """The name as it is kept. Raises ServiceError `invalid`."""
    kept = " ".join(name.split(" ")).strip()
    if not _NAME.fullmatch(kept):
        raise invalid("Give it a name of 1 to 100 characters.", "/name")
    return kept


def check_kind(kind: str) -> str:
    """Raises ServiceError `invalid`."""
    if kind not in KINDS:
        raise invalid(f"A channel is one of {', '.join(KINDS)}.", "/kind")
    return kind


def check_digest(digest: str) -> str:
    """Raises ServiceError `invalid`."""
    if digest not in DIGESTS:
        raise invalid(f"Choose one of {', '.join(DIGESTS)}.", "/digest")
    return digest


def check_about(about: list[str]) -> list[str]:
    """The kinds of alerts, each once. Raises ServiceError `invalid`."""
    if not about or any(one not in ABOUT for one in about):
        raise invalid(f"Choose at least one of {', '.join(ABOUT)}.", "/alerts")
    return [one for one in ABOUT if one in about]


def check_room(count: int, what: str) -> None:
    """Raises ServiceError `action_not_allowed` when an account has as many as it may."""
    if count >= MOST:
        raise ServiceError(Code.ACTION_NOT_ALLOWED, f"An account has at most {MOST} {what}. Remove one first.")


def shown_target(kind: str, target: str) -> str:
    """What may be shown: path and query of a webhook are often a secret of its receiver."""
    if kind == "email":
        return target
    scheme, _, rest = target.partition("://")
    host, _, path = rest.partition("/")
    return f"{scheme}://{host}/{'…' if path else ''}"


def alert_body(alert: AlertView, at: str, number: int) -> bytes:
    """The body of a webhook about one alert; `number` counts how often it was told."""
    return _body("alert.raised" if number == 1 else "alert.repeated", at, msgspec.to_builtins(alert))


def digest_body(alerts: Sequence[AlertView], new: Collection[str], at: str) -> bytes:
    """The body of a day's webhook: what is open, and which of it is `new` (alert ids)."""
    return _body("alert.digest", at, {"alerts": msgspec.to_builtins(list(alerts)), "new": sorted(new)})


def test_body(at: str) -> bytes:
    """The body of a test."""
    return _body("alert.test", at, {"text": "This is a test. Alerts of your certificates arrive like this."})


def _body(type_: str, at: str, data: Any) -> bytes:
    return msgspec.json.encode({"type": type_, "timestamp": at, "data": data})
