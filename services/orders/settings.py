# SPDX-License-Identifier: Apache-2.0
"""Settings of orders: `CERTWRIGHT_ORDERS_…`."""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from shared.settings import ENV_FILE, PrefixedSettings


class OrdersSettings(PrefixedSettings):
    """How fast a mass replacement may go, so that neither the CA nor an agent is flooded."""

    model_config = SettingsConfigDict(env_prefix="CERTWRIGHT_ORDERS_", env_file=ENV_FILE, extra="ignore", frozen=True)

    replaced_at_once: int = Field(200, ge=1, le=10_000)
    """So many orders of mass replacements are under way at a time, all servers together."""

    replaced_per_server: int = Field(20, ge=1, le=1_000)
    """And so many on one server: its agent does them one after the other."""
