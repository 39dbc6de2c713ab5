# SPDX-License-Identifier: Apache-2.0
"""Where billing sends the payment provider and its customers is where the gateway answers."""

from urllib.parse import urlsplit

from gateway.operations.billing import ROUTES
from services.billing.bootstrap import build
from services.billing.settings import BillingSettings
from shared.contracts.billing import RecordProviderNotice
from shared.settings import Settings


def test_notices_go_to_the_gateways_route(tmp_path):
    own = BillingSettings(sandbox_port=0)
    app = build(Settings(data_dir=tmp_path, public_url="https://cw.example/"), billing=own)
    app.room.database.close()
    [route] = [each for each in ROUTES if each.request is RecordProviderNotice]
    assert app.webhook_url == f"https://cw.example{route.path}"
    assert urlsplit(app.return_url).path == "/payment/return"


def test_the_providers_secrets_are_not_shown():
    own = BillingSettings(provider_api_key="sk_very_secret", provider_webhook_secret="whsec_very_secret")
    assert "very_secret" not in repr(own)
