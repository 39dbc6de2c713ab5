# SPDX-License-Identifier: Apache-2.0
"""Placing orders, paying them, and linking a renewal to what it renews."""

from __future__ import annotations

import re
from datetime import datetime

from services.orders.model.issuing import with_issuance
from services.orders.model.order import Order
from services.orders.model.status import BEFORE_ISSUANCE, MAX_NOTE, require, status_of
from shared.clock import from_text
from shared.contracts import billing
from shared.contracts import orders as c
from shared.contracts.dcv import METHODS
from shared.errors import Code, ServiceError, invalid
from shared.eventsourcing.event import Event

# Top-ups as the guide's dialog takes them: more than nothing, at most 100 000.00.
TOPUP_LIMIT = 100_000_00
TOPUP_NAME = "Topup Funds"
TOPUP_CURRENCIES = ("USD",)
_TEXT = re.compile(r"[^\x00-\x1f\x7f]{1,200}")
_COUNTRY = re.compile("[A-Z]{2}")
_OPTIONAL = (
    "state", "locality", "registration_number", "address1", "address2", "address3", "po_box", "postal_code",
)  # fmt: skip


def place(
    request: c.PlaceOrder, quote: billing.QuoteView, *, order_id: str, number: int, account_id: str, now: datetime
) -> list[Event]:
    """A certificate order at the price of a quote.

    Raises ServiceError: quote_expired, insufficient_funds (extra: missing, currency), invalid with a pointer.
    """
    _check_quote(quote, account_id, now)
    _check_request(request, quote)
    if quote.deposit and quote.funds_missing > 0:
        raise ServiceError(
            Code.INSUFFICIENT_FUNDS,
            "Your funds do not cover this order. Add funds, then place it again.",
            extra={"missing": str(quote.funds_missing), "currency": quote.currency},
        )
    return [
        c.OrderPlaced(
            order_id=order_id,
            number=number,
            account_id=account_id,
            kind="certificate",
            product=quote.product,
            product_name=quote.product_name,
            amount=quote.total,
            currency=quote.currency,
            quote_id=quote.quote_id,
            validation_level=quote.validation_level,
            common_name=request.common_name,
            names=quote.names,
            term_years=quote.term_years,
            dcv_method=request.dcv_method,
            # A DV certificate names no organization (BR §7.1.2.7.2).
            organization=request.organization if quote.validation_level != "DV" else None,
            renews_order_id=request.renews_order_id,
            deposit=quote.deposit,
        )
    ]


def place_for_acme(
    quote: billing.QuoteView,
    *,
    order_id: str,
    number: int,
    account_id: str,
    renews: str | None,
    now: datetime,
) -> c.OrderPlaced:
    """A certificate order of an ACME client, paid from the deposit. The agreement was accepted at sign-up.

    Raises ServiceError: quote_expired, insufficient_funds (extra: missing, currency), invalid.
    """
    _check_quote(quote, account_id, now)
    if quote.validation_level != "DV":
        raise invalid("ACME clients buy certificates with domain validation only.", "/product")
    missing = quote.funds_missing if quote.deposit else quote.total
    if missing > 0:
        raise ServiceError(
            Code.INSUFFICIENT_FUNDS,
            "The funds of the account do not cover this certificate. Add funds, then try again.",
            extra={"missing": str(missing), "currency": quote.currency},
        )
    return c.OrderPlaced(
        order_id=order_id,
        number=number,
        account_id=account_id,
        kind="certificate",
        product=quote.product,
        product_name=quote.product_name,
        amount=quote.total,
        currency=quote.currency,
        quote_id=quote.quote_id,
        validation_level=quote.validation_level,
        common_name=quote.names[0],
        names=quote.names,
        term_years=quote.term_years,
        renews_order_id=renews,
        deposit=quote.deposit,
        channel="acme",
    )


def place_top_up(request: c.PlaceTopUp, *, order_id: str, number: int, account_id: str) -> list[Event]:
    """An order that adds funds. Raises ServiceError invalid."""
    if not 0 < request.amount <= TOPUP_LIMIT:
        raise invalid(f"The amount is between 1 and {TOPUP_LIMIT} minor units.", "/amount")
    if request.currency not in TOPUP_CURRENCIES:
        raise invalid(f"Funds are kept in {', '.join(TOPUP_CURRENCIES)}.", "/currency")
    return [
        c.OrderPlaced(
            order_id=order_id,
            number=number,
            account_id=account_id,
            kind="topup",
            product="topup",
            product_name=TOPUP_NAME,
            amount=request.amount,
            currency=request.currency,
        )
    ]


def renew(old: Order, by_order_id: str, now: datetime) -> list[Event]:
    """Links an old order to the one that continues it. Raises action_not_allowed unless it may be renewed."""
    require(old, now, "renew")
    return [c.OrderRenewed(order_id=old.order_id, by_order_id=by_order_id)]


def record_payment(order: Order, event: billing.PaymentCaptured, now: datetime) -> list[Event]:
    """Billing has the money. What was paid for an order that ended meanwhile is given back by billing, which sees
    both; raises conflict when the sum is not the order's."""
    if order.paid or order.ended:
        return []
    if (event.amount, event.currency) != (order.amount, order.currency):
        raise ServiceError(Code.CONFLICT, f"Order {order.number} was paid with another sum than its price.")
    paid = c.OrderPaid(order_id=order.order_id, amount=event.amount, currency=event.currency, source=event.source)
    return with_issuance(order, [paid], now)


def refuse_payment(order: Order, reason: str) -> list[Event]:
    """Billing will never take money for this order."""
    if order.paid or order.ended:
        return []
    return [c.PaymentRefused(order_id=order.order_id, reason=reason)]


def validate_organization(order: Order, actor: str, note: str, now: datetime) -> list[Event]:
    """An operator vouches for the organization; once is enough. Raises invalid, action_not_allowed."""
    if not order.needs_organization:
        raise invalid("This order names no organization: there is nothing to validate.", "/order_id")
    if status_of(order) not in BEFORE_ISSUANCE:
        raise ServiceError(
            Code.ACTION_NOT_ALLOWED,
            f"Order {order.number} is {status_of(order)}: its organization can no longer be validated.",
            extra={"status": status_of(order), "action": "validate_organization"},
        )
    if len(note) > MAX_NOTE:
        raise invalid(f"A note has at most {MAX_NOTE} characters.", "/note")
    if order.organization_validated:
        return []
    return with_issuance(order, [c.OrganizationValidated(order_id=order.order_id, by=actor, note=note)], now)


def _check_quote(quote: billing.QuoteView, account_id: str, now: datetime) -> None:
    if quote.account_id != account_id:
        raise ServiceError(Code.NOT_FOUND, "There is no such quote.", pointer="/quote_id")
    if quote.used_by_order_id is not None:
        raise ServiceError(
            Code.QUOTE_EXPIRED, "This quote was used for another order. Ask for a new one.", pointer="/quote_id"
        )
    if quote.expired or from_text(quote.expires_at) <= now:
        raise ServiceError(Code.QUOTE_EXPIRED, "This quote has expired. Ask for a new one.", pointer="/quote_id")
    if quote.voucher_refused:
        detail = f"{quote.voucher_refused} Ask for a new price, without it."
        raise ServiceError(Code.QUOTE_EXPIRED, detail, pointer="/quote_id")


def _check_request(request: c.PlaceOrder, quote: billing.QuoteView) -> None:
    if not request.agreement_accepted:
        raise invalid("Accept the subscriber agreement to order.", "/agreement_accepted")
    if request.common_name not in quote.names:
        raise invalid("The common name must be one of the names of the quote.", "/common_name")
    if request.dcv_method not in METHODS:
        raise invalid(f"The validation method is one of {', '.join(METHODS)}.", "/dcv_method")
    if request.dcv_method.startswith("http") and all(name.startswith("*.") for name in quote.names):
        # BR §3.2.2.4.18: a file on a web server does not prove the names below it.
        raise invalid("A wildcard name cannot be proved by a file. Choose cname_csr_hash or email.", "/dcv_method")
    if quote.validation_level != "DV":
        _check_organization(request.organization, quote.validation_level)


def _check_organization(organization: c.Organization | None, level: str) -> None:
    if organization is None:
        raise invalid(f"{level} certificates name your organization: say which.", "/organization")
    if not organization.name.strip() or not _TEXT.fullmatch(organization.name):
        raise invalid("Give the registered name of the organization.", "/organization/name")
    if not _COUNTRY.fullmatch(organization.country):
        raise invalid("The country has two capital letters, such as DE (ISO 3166-1).", "/organization/country")
    if not (organization.state.strip() or organization.locality.strip()):
        # BR §7.1.2.7.4: one of the two must stand in the certificate.
        raise invalid("Give the state or the city of the organization.", "/organization/locality")
    if level == "EV" and not organization.registration_number.strip():
        raise invalid(
            "EV certificates need the registration number of the organization.", "/organization/registration_number"
        )
    if organization.jurisdiction_country and not _COUNTRY.fullmatch(organization.jurisdiction_country):
        raise invalid(
            "The country of registration has two capital letters, such as DE (ISO 3166-1).",
            "/organization/jurisdiction_country",
        )
    for field in _OPTIONAL:
        text = getattr(organization, field)
        if text and not _TEXT.fullmatch(text):
            raise invalid("At most 200 characters, without control characters.", f"/organization/{field}")
