# SPDX-License-Identifier: Apache-2.0
"""Settings of alerts. How mails leave is set by `CERTWRIGHT_MAIL_…`."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from shared.settings import ENV_FILE, PrefixedSettings


class AlertsSettings(PrefixedSettings):
    """Read from `CERTWRIGHT_ALERTS_…`."""

    model_config = SettingsConfigDict(env_prefix="CERTWRIGHT_ALERTS_", env_file=ENV_FILE, extra="ignore", frozen=True)

    feed_days: int = Field(90, ge=1, le=3650)
    """How long events stay in the feed, in days. The history of orders is not touched by this."""

    secret_key_file: Path | None = None
    """File of the key that seals the targets and secrets of channels. Made when it does not exist; unset means
    `alerts.key` in the data folder. All processes of a cluster need the same."""
