# SPDX-License-Identifier: Apache-2.0
"""Settings from the environment or a `.env` file, checked when the process starts.

Names begin with `CERTWRIGHT_`; a room's own settings with `CERTWRIGHT_<ROOM>_`. A name that nothing reads is refused,
because a misspelt setting that is silently ignored is found in production.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal, Self

from dotenv import dotenv_values
from pydantic import AliasChoices, Field, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

PREFIX = "CERTWRIGHT_"
ENV_FILE = ".env"
# Prefixes that other settings classes own; crash points are read by shared/crashpoint.py.
OWNED = (
    "ACCOUNTS",
    "ORDERS",
    "DCV",
    "CA",
    "INSTALLER",
    "DISCOVERY",
    "BILLING",
    "ALERTS",
    "GATEWAY",
    "AGENT",
    "EGRESS",
    "MAIL",
    "CRASH",
)


class PrefixedSettings(BaseSettings):
    """Base of all settings classes: subclass it with an own `env_prefix`. Raises ValueError on unknown names."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_file=ENV_FILE, extra="ignore", frozen=True, use_attribute_docstrings=True
    )

    @model_validator(mode="after")
    def _refuse_unknown(self) -> Self:
        unknown = unknown_names(type(self), {**dotenv_values(ENV_FILE), **os.environ})
        if unknown:
            raise ValueError(f"unknown settings: {', '.join(unknown)}")
        return self


def unknown_names(settings: type[BaseSettings], environ: dict[str, str | None]) -> list[str]:
    """The names in `environ` that carry the prefix of `settings` and that neither it nor another class reads."""
    prefix = str(settings.model_config.get("env_prefix", "")).upper()
    known = {prefix + name.upper() for name in settings.model_fields}
    others = tuple(f"{PREFIX}{room}_" for room in OWNED) if prefix == PREFIX else ()
    return sorted(
        name
        for name in (key.upper() for key in environ)
        if name.startswith(prefix) and name not in known and not name.startswith(others)
    )


class Settings(PrefixedSettings):
    """What every process needs, whatever it runs."""

    amqp_uri: str = Field("embedded://", validation_alias=AliasChoices("CERTWRIGHT_AMQP_URI", "AMQP_URI", "amqp_uri"))
    """The broker: `embedded://` (in this process) or `amqp://user:password@host:port/vhost`."""

    database_url: str = Field(
        "", validation_alias=AliasChoices("CERTWRIGHT_DATABASE_URL", "DATABASE_URL", "database_url")
    )
    """PostgreSQL, such as `postgresql://certwright_{service}@host/certwright`; `{service}` becomes the service's name.
    Empty means SQLite files, one per service, in `data_dir`."""

    database_owner_url: str = ""
    """PostgreSQL as the role that owns the tables, used for migrations only. The role of `database_url` then cannot
    change or remove events, whatever happens to the service. Empty means that one role does both."""

    database_connections: int = Field(8, ge=1, le=100)
    """At most so many connections per service and process."""

    data_dir: Path = Path("var")
    """Where databases, keys, mails and other files of this installation lie."""

    public_url: str = "http://127.0.0.1:8080"
    """How browsers and agents reach the gateway."""

    caa_identities: list[str] = []
    """The names by which CAA records (RFC 8659) know the CA of this installation, such as `["ca.example.com"]`, the one
    to be shown first. Names are checked before they are signed for. Empty: the built-in CA asks for no CAA records,
    unless `CERTWRIGHT_EGRESS_CORROBORATION` is `public`; then every record that names a CA keeps it from issuing."""

    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """The least severe log line that is written."""

    ops_address: str = "127.0.0.1:9464"
    """Where `/livez`, `/readyz` and `/metrics` are served; port 0 picks a free one, empty serves none."""

    drain_s: float = Field(45.0, ge=1, le=600)
    """When told to stop, the process finishes what runs, at most this long (seconds)."""

    drain_delay_s: float = Field(0.0, ge=0, le=60)
    """Seconds between saying "not ready" and refusing work, for a load balancer to notice."""

    @field_validator("caa_identities")
    @classmethod
    def _lower(cls, value: list[str]) -> list[str]:
        return [name.lower().strip(".") for name in value]
