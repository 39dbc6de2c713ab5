# SPDX-License-Identifier: Apache-2.0
"""The installer's own settings, prefix `CERTWRIGHT_INSTALLER_`."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from shared.settings import PrefixedSettings


class InstallerSettings(PrefixedSettings):
    """How agents are kept in touch, and what they are shipped with."""

    model_config = SettingsConfigDict(env_prefix="CERTWRIGHT_INSTALLER_")

    connected_s: float = Field(90.0, ge=5, le=3600)
    """An agent counts as connected so many seconds after its last word."""

    poll_after_s: float = Field(5.0, ge=0.1, le=600)
    """How soon agents ask for work again (seconds)."""

    polls_per_s: float = Field(200.0, gt=0, le=100_000)
    """All agents together ask so often a second at most: the more there are, the later each is told to ask again."""

    job_hours: float = Field(24.0, gt=0, le=720)
    """Work that its agent did not fetch and end within so many hours has failed."""

    ending_days: int = Field(30, ge=1, le=365)
    """A certificate that ends within so many days while no order covers its names is a finding of its site."""

    agent_ca_file: Path | None = None
    """PEM file of the CA that vouches for this installation's HTTPS address; agents trust it and no other. Needed for
    the download of agents as soon as `CERTWRIGHT_PUBLIC_URL` is https."""

    agent_source: Path | None = None
    """Folder that holds `agent/` and `shared/probe/`, to build the agent from. Empty: this program's own."""
