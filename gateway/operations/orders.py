# SPDX-License-Identifier: Apache-2.0
"""Certificate orders, from placement to revocation."""

from __future__ import annotations

from typing import Any

from gateway import certificate_zip
from gateway.exchange import Exchange, Raw
from gateway.route import Route
from shared.contracts import ca, orders

ORDERS = "Orders"
PEM = "application/x-pem-file"


def _pem(_exchange: Exchange, reply: Any) -> Raw:
    file: orders.CertificateFile = reply
    parts = (file.pem.strip(), file.chain_pem.strip())
    return Raw("".join(f"{part}\n" for part in parts if part).encode(), PEM, f"certificate-{file.serial}.pem")


def _zip(exchange: Exchange, asked: Any) -> Raw:
    file: orders.CertificateFile = exchange.send(asked)
    content = certificate_zip.pack(file, exchange.send(ca.GetChain()).root_pem)
    name = f"{certificate_zip.stem_of(file.common_name)}_{file.number}.zip"
    return Raw(content, certificate_zip.MEDIA, name)


ROUTES = (
    Route(
        method="GET", path="/api/v1/orders", request=orders.ListOrders, tag=ORDERS, summary="Orders, newest first",
    ),
    Route(
        method="GET", path="/api/v1/orders/counts", request=orders.CountOrders, tag=ORDERS,
        summary="How many orders there are of each status",
    ),
    Route(
        method="GET", path="/api/v1/orders/forecast", request=orders.GetForecast, tag=ORDERS,
        summary="What the dated rules will ask of the orders in use: certificates, proofs, money",
    ),
    Route(
        method="POST", path="/api/v1/orders", request=orders.PlaceOrder, tag=ORDERS, status=201,
        summary="Order what a quote priced", location="/api/v1/orders/{order_id}",
    ),
    Route(
        method="GET", path="/api/v1/orders/{order_id}", request=orders.GetOrder, tag=ORDERS,
        summary="One order, now or as it was",
    ),
    Route(
        method="GET", path="/api/v1/orders/{order_id}/history", request=orders.GetOrderHistory, tag=ORDERS,
        summary="All that happened to an order",
    ),
    Route(
        method="POST", path="/api/v1/csr/parse", request=orders.ParseCSR, tag=ORDERS,
        summary="Read a CSR without storing it",
    ),
    Route(
        method="PUT", path="/api/v1/orders/{order_id}/csr", request=orders.SubmitCSR, tag=ORDERS,
        summary="Give the order its CSR, or replace it",
    ),
    Route(
        method="POST", path="/api/v1/orders/{order_id}/csr-requests", request=orders.RequestCSR, tag=ORDERS,
        status=202, summary="Have key and CSR made on a server",
    ),
    Route(
        method="POST", path="/api/v1/orders/{order_id}/installations", request=orders.RequestInstallation,
        tag=ORDERS, status=202, summary="Install the certificate on sites of a server, one of them first",
    ),
    Route(
        method="POST", path="/api/v1/orders/{order_id}/saves", request=orders.RequestSave, tag=ORDERS, status=202,
        summary="Save the certificate as a zip on a server",
    ),
    Route(
        method="GET", path="/api/v1/orders/{order_id}/certificate", request=orders.GetCertificate, tag=ORDERS,
        summary="The certificate with its chain",
    ),
    Route(
        method="GET", path="/api/v1/orders/{order_id}/certificate.pem", request=orders.GetCertificate, tag=ORDERS,
        name="download_certificate", summary="Certificate and chain as one PEM file", answer=_pem, media=PEM,
    ),
    Route(
        method="GET", path="/api/v1/orders/{order_id}/certificate.zip", request=orders.GetCertificate, tag=ORDERS,
        name="download_certificate_zip", summary="Certificate, chain, root and how to install them, as a zip",
        call=_zip, media=certificate_zip.MEDIA,
    ),
    Route(
        method="POST", path="/api/v1/orders/{order_id}/cancel", request=orders.CancelOrder, tag=ORDERS,
        summary="Give up an order before it is issued",
    ),
    Route(
        method="POST", path="/api/v1/orders/{order_id}/reissue", request=orders.ReissueCertificate, tag=ORDERS,
        status=202, summary="Ask for a new certificate in the same term",
    ),
    Route(
        method="POST", path="/api/v1/orders/{order_id}/revoke", request=orders.RevokeCertificate, tag=ORDERS,
        status=202, summary="Revoke every certificate of an order",
    ),
    Route(
        method="POST", path="/api/v1/orders/{order_id}/organization-validation", request=orders.ValidateOrganization,
        tag=ORDERS, summary="Vouch for the organization of an OV or EV order (operator)",
    ),
    Route(
        method="POST", path="/api/v1/orders/{order_id}/reject", request=orders.RejectOrder, tag=ORDERS,
        summary="Refuse an order for good (operator)",
    ),
)  # fmt: skip
