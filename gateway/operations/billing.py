# SPDX-License-Identifier: Apache-2.0
"""The shop: products, quotes, payments, and the deposit account."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from gateway.exchange import Exchange, Raw
from gateway.problems import RefusedError
from gateway.route import Route
from shared.contracts import billing, orders

SHOP = "Shop"
PDF = "application/pdf"
# Standard Webhooks 1.0, as WSGI names the headers.
HEADERS = {
    "signature": "HTTP_WEBHOOK_SIGNATURE",
    "notice_id": "HTTP_WEBHOOK_ID",
    "timestamp": "HTTP_WEBHOOK_TIMESTAMP",
}


def _notice(body: bytes, environ: Mapping[str, Any]) -> dict[str, Any]:
    """The signature covers the bytes, so that they must reach billing as they came."""
    try:
        text = body.decode()
    except UnicodeDecodeError:
        raise RefusedError("malformed", "The notice is not UTF-8.") from None
    if "\x00" in text:
        raise RefusedError("malformed", "The notice holds a NUL character.")
    return {"body": text, **{field: environ.get(name, "") for field, name in HEADERS.items()}}


def _pdf(_exchange: Exchange, reply: Any) -> Raw:
    file: billing.InvoiceFile = reply
    return Raw(base64.b64decode(file.pdf_base64), PDF, f"invoice-{file.number}.pdf")


ROUTES = (
    Route(
        method="GET", path="/api/v1/products", request=billing.ListProducts, tag=SHOP,
        summary="The catalogue with its prices",
    ),
    Route(
        method="POST", path="/api/v1/quotes", request=billing.CreateQuote, tag=SHOP, status=201,
        summary="Ask for a price", location="/api/v1/quotes/{quote_id}",
    ),
    Route(method="GET", path="/api/v1/quotes/{quote_id}", request=billing.GetQuote, tag=SHOP, summary="One quote"),
    Route(
        method="GET", path="/api/v1/orders/{order_id}/payment", request=billing.GetCharge, tag=SHOP,
        summary="What an order owes and how its payment stands",
    ),
    Route(
        method="POST", path="/api/v1/orders/{order_id}/payment", request=billing.StartPayment, tag=SHOP,
        summary="Open the payment page of an order",
    ),
    Route(
        method="POST", path="/api/v1/orders/{order_id}/invoice", request=billing.RequestInvoice, tag=SHOP,
        summary="Make the invoice of a paid order, or find it again, and mail it",
    ),
    Route(
        method="GET", path="/api/v1/orders/{order_id}/invoice", request=billing.GetInvoice, tag=SHOP,
        summary="The invoice of an order",
    ),
    Route(
        method="GET", path="/api/v1/orders/{order_id}/invoice.pdf", request=billing.GetInvoiceFile, tag=SHOP,
        name="download_invoice", summary="The invoice of an order, to print", answer=_pdf, media=PDF,
    ),
    Route(
        method="POST", path="/api/v1/payments/confirm", request=billing.ConfirmReturn, tag=SHOP,
        summary="Ask how a payment ended, after the customer came back",
    ),
    Route(
        method="POST", path="/api/v1/payments/notices", request=billing.RecordProviderNotice, tag=SHOP, status=204,
        summary="Notices of the payment provider, signed by it", form=_notice,
    ),
    Route(
        method="POST", path="/api/v1/top-ups", request=orders.PlaceTopUp, tag=SHOP, status=201,
        summary="Order a deposit", location="/api/v1/orders/{order_id}",
    ),
    Route(method="GET", path="/api/v1/balance", request=billing.GetBalance, tag=SHOP, summary="The deposit account"),
    Route(
        method="GET", path="/api/v1/statement", request=billing.ListStatement, tag=SHOP,
        summary="Movements of the deposit account, newest first",
    ),
)  # fmt: skip
