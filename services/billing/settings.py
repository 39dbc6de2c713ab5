# SPDX-License-Identifier: Apache-2.0
"""Settings of billing: the price list, and the payment provider."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from shared.settings import ENV_FILE, PrefixedSettings


class BillingSettings(PrefixedSettings):
    """Read from `CERTWRIGHT_BILLING_…`."""

    model_config = SettingsConfigDict(env_prefix="CERTWRIGHT_BILLING_", env_file=ENV_FILE, extra="ignore", frozen=True)

    price_list: Path | None = None
    """A price list of your own (TOML, see services/billing/catalogue.toml). Empty means the one that is built in."""

    sandbox: bool = True
    """Whether billing starts the sandbox payment provider: an HTTP origin of its own that moves no real money."""

    sandbox_host: str = "127.0.0.1"
    """Where the sandbox provider listens."""

    sandbox_port: int = Field(8081, ge=0, le=65535)
    """The port of the sandbox provider; 0 takes a free one and keeps it over restarts while it stays free."""

    provider_url: str = ""
    """How browsers and billing reach the payment provider. Empty means the sandbox that billing started."""

    provider_api_key: SecretStr = SecretStr("")
    """The key that billing shows the provider. Empty means the one that the sandbox made for itself in `data_dir`."""

    provider_webhook_secret: SecretStr = SecretStr("")
    """`whsec_…`, the secret that signs the provider's notices. Empty means the sandbox's own."""

    provider_timeout_s: float = Field(10.0, gt=0, le=60)
    """How long an answer of the provider is waited for, in seconds."""

    seller_name: str = "Certwright"
    """Who sells, as invoices name them."""

    seller_address: str = ""
    """The seller's postal address on invoices; its lines are separated by semicolons."""

    seller_country: str = ""
    """The seller's country on invoices (ISO 3166-1)."""

    seller_vat_number: str = ""
    """The seller's VAT number on invoices."""

    seller_email: str = ""
    """Where buyers may write to about an invoice."""

    webhook_url: str = ""
    """Where the provider sends notices. Empty means `<public_url>/api/v1/payments/notices`."""

    return_url: str = ""
    """Where the payment page sends customers back to. Empty means `<public_url>/payment/return`."""
