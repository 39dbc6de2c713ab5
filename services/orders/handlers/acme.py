# SPDX-License-Identifier: Apache-2.0
"""What ACME clients ask of orders: begin, finalize, fetch, revoke, and when to renew (ADR 0019)."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.x509.oid import ExtensionOID

from services.orders.handlers.commands import own_key, unique_value
from services.orders.model import acme as model
from services.orders.model import ending, placing, replacing
from services.orders.model.acme import Opened
from services.orders.model.issuing import normal_serial
from services.orders.model.order import Certificate, Order, fold, stream_of
from services.orders.projections import acme as tables
from services.orders.projections.finding import next_number
from shared.clock import from_text, to_text
from shared.context import Context
from shared.contracts import orders as c
from shared.contracts.base import Done, Page
from shared.contracts.billing import QuoteView
from shared.contracts.tenancy import account_of
from shared.errors import Code, ServiceError, not_found
from shared.eventstore.room import Room
from shared.eventstore.streams import Loaded
from shared.eventstore.unit_of_work import UnitOfWork
from shared.pki.certificate import parse_with, pem_blocks
from shared.pki.csr import CSR
from shared.pki.fqdn import FQDN, NameRefusedError

if TYPE_CHECKING:
    import sqlalchemy as sa

MAX_NAMES = 100
MAX_PAGE = 200


def acme_account_of(context: Context) -> str:
    """The ACME account that asks. Raises forbidden."""
    kind, _, identifier = context.actor.partition(":")
    if kind != "acme" or not identifier:
        raise ServiceError(Code.FORBIDDEN, "This is for ACME clients.")
    return identifier


def read_names(names: list[str]) -> list[str]:
    """The names in their only form, each once. Raises invalid with `acme` for the gateway."""
    if not 1 <= len(names) <= MAX_NAMES:
        raise _rejected(f"An order has 1 to {MAX_NAMES} names.")
    try:
        return list(dict.fromkeys(FQDN.parse(name).text for name in names))
    except NameRefusedError as error:
        raise _rejected(error.detail) from None


def wants_quote(room: Room, names: list[str], context: Context) -> bool:
    """Whether these names have to be bought, as it looks now."""
    account_id = account_of(context)
    with room.query() as connection:
        found = tables.orders_for_names(connection, account_id, names)
        states = [room.streams.load(connection, stream_of(one), fold).state for one in found]
    return not any(model.continues(state, room.clock.now()) for state in states)


def open_order(uow: UnitOfWork, request: c.OpenACMEOrder, *, quote: QuoteView | None) -> c.ACMEOrderView:
    """Continues an order for these names, or places one at the price of `quote`."""
    account_id, acme_account_id = account_of(uow.context), acme_account_of(uow.context)
    # Of two requests for the same names, the second finds what the first has placed.
    uow.lock(f"acme-{account_id}-{tables.names_key(request.names)}")
    if request.replaces:
        _check_replaced(uow, account_id, request.replaces, request.names)
    known = [uow.load(stream_of(one), fold) for one in _candidates(uow, account_id, request.names)]
    loaded = next((one for one in known if model.continues(one.state, uow.now)), None)
    events: list[c.OrderPlaced] = []
    if loaded is None:
        if quote is None:
            raise ServiceError(Code.UNAVAILABLE, "The order for these names has just ended. Try again.")
        order_id = uow.new_id()
        old = next((one for one in known if model.renewable(one.state, uow.now)), None)
        placed = placing.place_for_acme(
            quote,
            order_id=order_id,
            number=next_number(uow.connection),
            account_id=account_id,
            renews=old.state.order_id if old else None,
            now=uow.now,
        )
        if old is not None:
            uow.append(old, *placing.renew(old.state, order_id, uow.now))
        loaded = uow.load(stream_of(order_id), fold)
        events = [placed]
    else:
        _await_turn(uow, loaded.state, acme_account_id)
    state = fold(events, loaded.state)
    opened = model.open_order(
        state,
        acme_order_id=uow.new_id(),
        acme_account_id=acme_account_id,
        thumbprint=request.thumbprint,
        replaces=request.replaces,
        now=uow.now,
    )
    uow.append(loaded, *events, opened)
    return _view(loaded.state, _opened(uow.connection, opened.acme_order_id, uow.context), uow.now)


def get_order(room: Room, request: c.GetACMEOrder, context: Context) -> c.ACMEOrderView:
    """An ACME order of whoever asks."""
    with room.query() as connection:
        opened = _opened(connection, request.acme_order_id, context)
        order = room.streams.load(connection, stream_of(opened.order_id), fold).state
    return _view(order, opened, room.clock.now())


def list_orders(room: Room, request: c.ListACMEOrders, context: Context) -> Page[str]:
    """Ids, newest first; the cursor is the last id."""
    limit = min(max(request.limit, 1), MAX_PAGE)
    with room.query() as connection:
        found = tables.acme_orders_of(connection, acme_account_of(context), request.cursor, limit + 1)
    return Page(items=found[:limit], next_cursor=found[limit - 1] if len(found) > limit else None)


def finalize(uow: UnitOfWork, request: c.FinalizeACMEOrder, *, csr: CSR) -> c.ACMEOrderView:
    """Takes the CSR, which was read before the transaction began."""
    opened = _opened(uow.connection, request.acme_order_id, uow.context)
    loaded = uow.load(stream_of(opened.order_id), fold)
    if csr.key.spki_sha256.lower() == request.account_spki_sha256.lower():
        detail = "The key of the request (CSR) is that of the ACME account. Make a key for the certificate."
        raise ServiceError(Code.INVALID, detail, pointer="/csr", extra={"reason": "account_key"})
    used = own_key(uow, loaded.state, csr)
    events = model.finalize(loaded.state, opened, csr, unique_value=unique_value(uow), key_reused=used, now=uow.now)
    if events:
        uow.append(loaded, *events)
    own_key(uow, loaded.state, csr)
    return _view(loaded.state, _opened(uow.connection, request.acme_order_id, uow.context), uow.now)


def get_certificate(room: Room, request: c.GetACMECertificate, context: Context) -> c.CertificateFile:
    """The certificate of an ACME order, with its issuers."""
    with room.query() as connection:
        opened = _opened(connection, request.acme_order_id, context)
        order = room.streams.load(connection, stream_of(opened.order_id), fold).state
    found = _certificate_of(order, opened)
    if found is None:
        raise not_found("certificate")
    return c.CertificateFile(
        serial=found.serial,
        pem=found.certificate_pem,
        chain_pem=found.chain_pem,
        common_name=order.common_name,
        number=order.number,
    )


def revoke(uow: UnitOfWork, request: c.RevokeACMECertificate) -> Done:
    """One certificate of the account that asks."""
    loaded, certificate = _by_serial(uow, request.serial, request.fingerprint_sha256)
    if loaded.state.account_id != account_of(uow.context):
        raise not_found("certificate")
    uow.append(loaded, ending.revoke_one(loaded.state, certificate.serial, request.reason))
    return Done(id=certificate.serial)


def revoke_by_key(uow: UnitOfWork, request: c.RevokeCertificateByKey) -> Done:
    """One certificate, by whoever holds its key."""
    loaded, certificate = _by_serial(uow, request.serial, request.fingerprint_sha256)
    if certificate.spki_sha256.lower() != request.spki_sha256.lower():
        raise not_found("certificate")
    uow.append(loaded, ending.revoke_one(loaded.state, certificate.serial, request.reason))
    return Done(id=certificate.serial)


def renewal_info(room: Room, request: c.GetRenewalInfo) -> c.RenewalInfoView:
    """When to renew; the same for anybody who asks."""
    identifier, serial = model.read_certificate_id(request.certificate_id)
    with room.query() as connection:
        order_id = tables.order_of_serial(connection, serial)
        order = room.streams.load(connection, stream_of(order_id), fold).state if order_id else Order()
    found = next((one for one in order.certificates if one.serial == serial), None)
    if found is None or _key_identifier(found) != identifier:
        raise not_found("certificate")
    start, end = replacing.window_of(order, found)
    suggested = order.suggested
    told = suggested is not None and (start, end) == (from_text(suggested.start), from_text(suggested.end))
    return c.RenewalInfoView(
        start=to_text(start),
        end=to_text(end),
        explanation_url=suggested.explanation_url if suggested and told else "",
    )


def _key_identifier(certificate: Certificate) -> str:
    [der, *_] = pem_blocks(certificate.certificate_pem)
    found = parse_with(der, lambda loaded: loaded.extensions.get(ExtensionOID.AUTHORITY_KEY_IDENTIFIER))[1]
    held = found.key_identifier if isinstance(found, x509.AuthorityKeyIdentifier) else None
    return held.hex() if held else ""


def _candidates(uow: UnitOfWork, account_id: str, names: list[str]) -> list[str]:
    return tables.orders_for_names(uow.connection, account_id, names)


def _check_replaced(uow: UnitOfWork, account_id: str, certificate_id: str, names: list[str]) -> None:
    """RFC 9773 §5: the certificate is the account's, shares a name, and was not replaced before."""
    _, serial = model.read_certificate_id(certificate_id)
    order_id = tables.order_of_serial(uow.connection, serial)
    order = uow.load(stream_of(order_id), fold).state if order_id else Order()
    found = next((one for one in order.certificates if one.serial == serial), None)
    if found is None or order.account_id != account_id or not set(found.names) & set(names):
        detail = "The certificate to be replaced is none of this account, or has none of these names."
        raise ServiceError(Code.INVALID, detail, extra={"acme": "malformed"})
    for one in tables.replacing(uow.connection, account_id, certificate_id):
        state = uow.load(stream_of(one.order_id), fold).state
        if model.status(state, one, uow.now)[0] in {"processing", "valid"}:
            detail = "Another order has replaced this certificate already."
            raise ServiceError(Code.CONFLICT, detail, extra={"acme": "alreadyReplaced"})


def _await_turn(uow: UnitOfWork, order: Order, acme_account_id: str) -> None:
    newest = tables.newest_of_order(uow.connection, order.order_id)
    if newest is None or newest.acme_account_id == acme_account_id:
        return
    until = from_text(newest.opened_at) + model.TURN
    if until > uow.now and model.status(order, newest, uow.now)[0] in {"pending", "ready", "processing"}:
        wait = int((until - uow.now).total_seconds()) + 1
        raise ServiceError(
            Code.RATE_LIMITED,
            "Another ACME client of this account is asking for a certificate for the same names. Try again later.",
            extra={"retry_after": str(wait)},
        )


def _opened(connection: sa.Connection, acme_order_id: str, context: Context) -> Opened:
    found = tables.find_acme_order(connection, acme_order_id)
    mine = acme_account_of(context)
    if found is None or found.acme_account_id != mine or found.account_id != account_of(context):
        raise not_found("order")
    return found


def _by_serial(uow: UnitOfWork, serial: str, fingerprint: str) -> tuple[Loaded[Order], Certificate]:
    number = normal_serial(serial)
    order_id = tables.order_of_serial(uow.connection, number)
    loaded = uow.load(stream_of(order_id or ""), fold)
    found = next((one for one in loaded.state.certificates if one.serial == number), None)
    if found is None or found.fingerprint_sha256.lower() != fingerprint.lower():
        raise not_found("certificate")
    return loaded, found


def _certificate_of(order: Order, opened: Opened) -> Certificate | None:
    return next((one for one in order.certificates if one.csr_version == opened.csr_version), None)


def _view(order: Order, opened: Opened, now: datetime) -> c.ACMEOrderView:
    status, error, code = model.status(order, opened, now)
    found = _certificate_of(order, opened)
    proofs = order.next_authorizations if opened.csr_version == order.reserved and not opened.finalized else {}
    return c.ACMEOrderView(
        acme_order_id=opened.acme_order_id,
        order_id=order.order_id,
        number=order.number,
        csr_version=opened.csr_version,
        names=[
            c.ACMEName(
                fqdn=name,
                authorized=opened.finalized or order.authorized_next(name, now),
                expires_at=proofs[name].expires_at if name in proofs else None,
            )
            for name in order.names
        ],
        status=status,
        paid=order.paid,
        expires_at=opened.expires_at,
        serial=found.serial if found and opened.finalized else "",
        replaces=opened.replaces,
        error=error,
        error_code=code,
    )


def _rejected(detail: str) -> ServiceError:
    return ServiceError(Code.INVALID, detail, pointer="/names", extra={"acme": "rejectedIdentifier"})
