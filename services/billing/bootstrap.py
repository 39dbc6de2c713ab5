# SPDX-License-Identifier: Apache-2.0
"""Puts billing together: settings, database, price list, payment provider."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from services.billing.adapters.invoice_pdf import print_invoice
from services.billing.adapters.sandbox import SandboxProvider
from services.billing.adapters.sandbox_provider.server import SandboxServer
from services.billing.jobs import jobs
from services.billing.model.prices import PriceList
from services.billing.ports import PaymentProvider, Printer
from services.billing.projections import check_sums, projections
from services.billing.settings import BillingSettings
from shared.clock import Clock, Ids, RandomIds, SystemClock
from shared.contracts.billing import Party
from shared.eventstore.database import Database
from shared.eventstore.room import Room
from shared.mail.message import Mailer
from shared.mail.outlet import open_mailer
from shared.mail.settings import MailSettings
from shared.settings import Settings

CHECKS = (check_sums,)
BUILT_IN_PRICES = Path(__file__).with_name("catalogue.toml")


@dataclass
class App:
    """Billing's parts. `sandbox` is None where another provider is set; it is started and stopped with the service."""

    room: Room
    settings: Settings
    prices: PriceList
    provider: PaymentProvider
    return_url: str
    webhook_url: str
    seller: Party
    printer: Printer
    mailer: Mailer
    sandbox: SandboxServer | None = None


def build(
    settings: Settings,
    *,
    billing: BillingSettings | None = None,
    clock: Clock | None = None,
    ids: Ids | None = None,
    provider: PaymentProvider | None = None,
    mailer: Mailer | None = None,
) -> App:
    """Composes billing; arguments replace the parts that tests own. Raises ValueError on a bad price list."""
    own = billing or BillingSettings()
    prices = PriceList.parse((own.price_list or BUILT_IN_PRICES).read_text(encoding="utf-8"))
    clock = clock or SystemClock()
    database = Database.open("billing", settings)
    room = Room("billing", database, projections, clock=clock, ids=ids or RandomIds(), jobs=jobs)
    sandbox = None
    if provider is None:
        provider, sandbox = _provider(settings, own, clock)
    public = settings.public_url.rstrip("/")
    return App(
        room=room,
        settings=settings,
        prices=prices,
        provider=provider,
        return_url=own.return_url or f"{public}/payment/return",
        webhook_url=own.webhook_url or f"{public}/api/v1/payments/notices",
        seller=_seller(own),
        printer=print_invoice,
        mailer=mailer or open_mailer(MailSettings(), settings.data_dir),
        sandbox=sandbox,
    )


def _seller(own: BillingSettings) -> Party:
    return Party(
        name=own.seller_name,
        address=[line.strip() for line in own.seller_address.split(";") if line.strip()],
        country=own.seller_country,
        vat_number=own.seller_vat_number,
        email=own.seller_email,
    )


def _provider(settings: Settings, own: BillingSettings, clock: Clock) -> tuple[PaymentProvider, SandboxServer | None]:
    sandbox = None
    if own.sandbox:
        sandbox = SandboxServer(
            settings.data_dir, host=own.sandbox_host, port=own.sandbox_port, public_url=own.provider_url
        )
    api_key = own.provider_api_key.get_secret_value() or (sandbox.api_key if sandbox else "")
    secret = own.provider_webhook_secret.get_secret_value() or (sandbox.webhook_secret if sandbox else "")
    if not (api_key and secret and (sandbox or own.provider_url)):
        raise ValueError("without the sandbox, set the payment provider's URL, API key and webhook secret")
    fixed = own.provider_url.rstrip("/")
    provider = SandboxProvider(
        lambda: fixed or (sandbox.base_url if sandbox else ""),
        api_key=api_key,
        webhook_secret=secret,
        timeout_s=own.provider_timeout_s,
        clock=clock,
    )
    return provider, sandbox
