# SPDX-License-Identifier: Apache-2.0
"""ACME orders (RFC 8555 §7.1.3): each is one CSR version of an order of ours (ADR 0019)."""

from __future__ import annotations

from shared.contracts.base import Done, Page, Permission, Request, View, command, query
from shared.contracts.orders.views import CertificateFile

SERVICE = "orders"


class ACMEName(View):
    """One name of an ACME order. `authorized`: its proof is recorded for this CSR version and counts."""

    fqdn: str
    authorized: bool
    expires_at: str | None = None


class ACMEOrderView(View):
    """An ACME order. `status` is pending, ready, processing, valid or invalid; `serial` is that of its certificate.

    `paid` is False while the price has not been drawn. `error` says why it is invalid, `error_code` with a word.
    """

    acme_order_id: str
    order_id: str
    number: int
    csr_version: int
    names: list[ACMEName]
    status: str
    paid: bool
    expires_at: str
    serial: str = ""
    replaces: str = ""
    error: str = ""
    error_code: str = ""


class RenewalInfoView(View):
    """When a certificate had best be renewed (RFC 9773 §4.2); moments are RFC 3339. `explanation_url` may be empty."""

    start: str
    end: str
    explanation_url: str = ""


@command(SERVICE, Permission.ACME)
class OpenACMEOrder(Request[ACMEOrderView]):
    """Begins with a certificate for these names: a reissue in the term of an order for the same names, or a new order
    of `product`, paid from the deposit. `replaces` names the certificate that will be replaced by RFC 9773 §4.1.

    Errors: insufficient_funds, invalid (names, product), rate_limited (another ACME account has begun), conflict (the
    certificate was replaced before).
    """

    thumbprint: str
    names: list[str]
    product: str
    term_years: int = 1
    replaces: str = ""


@query(SERVICE, Permission.ACME)
class GetACMEOrder(Request[ACMEOrderView]):
    """An ACME order of the ACME account that asks. Errors: not_found."""

    acme_order_id: str


@query(SERVICE, Permission.ACME)
class ListACMEOrders(Request[Page[str]]):
    """The ids of the ACME account's orders, newest first."""

    limit: int = 100
    cursor: str | None = None


@command(SERVICE, Permission.ACME)
class FinalizeACMEOrder(Request[ACMEOrderView]):
    """Sends the CSR (PEM), whose key must not be that of the ACME account (RFC 8555 §11.1).

    Errors: action_not_allowed (not ready), insufficient_funds, invalid (the CSR), not_found.
    """

    acme_order_id: str
    csr: str
    account_spki_sha256: str


@query(SERVICE, Permission.ACME)
class GetACMECertificate(Request[CertificateFile]):
    """The certificate of an ACME order. Errors: not_found."""

    acme_order_id: str


@command(SERVICE, Permission.ACME)
class RevokeACMECertificate(Request[Done]):
    """Revokes one certificate of the account. `fingerprint_sha256` is that of the whole certificate; `reason` is a word
    of RFC 5280. Errors: not_found, invalid (reason), conflict (revoked before).
    """

    serial: str
    fingerprint_sha256: str
    reason: str = "unspecified"


@command(SERVICE, Permission.INTERNAL)
class RevokeCertificateByKey(Request[Done]):
    """The same, for whoever has shown that they hold the certificate's key (RFC 8555 §7.6)."""

    serial: str
    fingerprint_sha256: str
    spki_sha256: str
    reason: str = "unspecified"


@query(SERVICE, Permission.INTERNAL)
class GetRenewalInfo(Request[RenewalInfoView]):
    """For anybody who can name the certificate, by RFC 9773 §4.1. Errors: not_found."""

    certificate_id: str
