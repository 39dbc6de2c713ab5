# SPDX-License-Identifier: Apache-2.0
"""The commands of customers and operators."""

from __future__ import annotations

from services.orders.handlers.access import append, load
from services.orders.model import ending, installing, placing, requesting
from services.orders.model.order import Order, fold, stream_of
from services.orders.projections.finding import key_owner, next_number, number_of_quote
from shared.contracts import orders as c
from shared.contracts.base import Done
from shared.contracts.billing import QuoteView
from shared.contracts.tenancy import account_of
from shared.errors import Code, ServiceError, not_found
from shared.eventstore.unit_of_work import UnitOfWork
from shared.pki.csr import CSR


def place_order(uow: UnitOfWork, request: c.PlaceOrder, *, quote: QuoteView) -> c.OrderView:
    """Orders what `quote`, fetched from billing before, has priced."""
    account_id = account_of(uow.context)
    used_by = number_of_quote(uow.connection, quote.quote_id)
    if used_by is not None and quote.account_id == account_id:
        detail = f"This quote was used for order {used_by}. Ask for a new one."
        raise ServiceError(Code.QUOTE_EXPIRED, detail, pointer="/quote_id")
    order_id = uow.new_id()
    events = placing.place(
        request,
        quote,
        order_id=order_id,
        number=next_number(uow.connection),
        account_id=account_id,
        now=uow.now,
    )
    if request.renews_order_id is not None:
        try:
            old = load(uow, request.renews_order_id)
        except ServiceError as error:
            raise ServiceError(error.code, error.detail, pointer="/renews_order_id") from None
        if old.state.account_id != account_id:
            raise not_found("order")
        uow.append(old, *placing.renew(old.state, order_id, uow.now))
    return append(uow, uow.load(stream_of(order_id), fold), events)


def place_top_up(uow: UnitOfWork, request: c.PlaceTopUp) -> c.OrderView:
    """Orders a deposit."""
    account_id = account_of(uow.context)
    order_id = uow.new_id()
    number = next_number(uow.connection)
    events = placing.place_top_up(request, order_id=order_id, number=number, account_id=account_id)
    return append(uow, uow.load(stream_of(order_id), fold), events)


def submit_csr(uow: UnitOfWork, request: c.SubmitCSR, *, csr: CSR) -> c.OrderView:
    """Takes `csr`, which was read from the request before the transaction began: reading costs time."""
    loaded = load(uow, request.order_id)
    used = own_key(uow, loaded.state, csr)
    events = requesting.submit_csr(loaded.state, csr, unique_value=unique_value(uow), key_reused=used, now=uow.now)
    view = append(uow, loaded, events)
    # Looked at again: another account's transaction may have been committed in between.
    own_key(uow, loaded.state, csr)
    return view


def request_csr(uow: UnitOfWork, request: c.RequestCSR) -> c.OrderView:
    """Has key and CSR made on a server."""
    loaded = load(uow, request.order_id)
    events = requesting.request_csr(
        loaded.state, request.server_id, request.key_algorithm, request_id=uow.new_id(), now=uow.now
    )
    return append(uow, loaded, events)


def validate_organization(uow: UnitOfWork, request: c.ValidateOrganization) -> c.OrderView:
    """An operator vouches for the organization."""
    loaded = load(uow, request.order_id)
    events = placing.validate_organization(loaded.state, uow.context.actor, request.note, uow.now)
    return append(uow, loaded, events)


def reject_order(uow: UnitOfWork, request: c.RejectOrder) -> c.OrderView:
    """An operator refuses the order."""
    loaded = load(uow, request.order_id)
    return append(uow, loaded, ending.reject(loaded.state, request.reason, uow.now))


def request_installation(uow: UnitOfWork, request: c.RequestInstallation) -> c.OrderView:
    """Brings the newest certificate on sites."""
    loaded = load(uow, request.order_id)
    events = installing.request_installation(
        loaded.state,
        request.server_id,
        request.site_ids,
        new_id=uow.new_id,
        now=uow.now,
        canary=request.canary,
        plans=request.plans,
        actor=uow.context.actor,
    )
    return append(uow, loaded, events)


def request_save(uow: UnitOfWork, request: c.RequestSave) -> Done:
    """Has the certificate saved on a server."""
    loaded = load(uow, request.order_id)
    save_id = uow.new_id()
    uow.append(loaded, *installing.request_save(loaded.state, request.server_id, save_id=save_id, now=uow.now))
    return Done(id=save_id)


def cancel_order(uow: UnitOfWork, request: c.CancelOrder) -> c.OrderView:
    """Gives the order up."""
    loaded = load(uow, request.order_id)
    return append(uow, loaded, ending.cancel(loaded.state, uow.now))


def reissue_certificate(uow: UnitOfWork, request: c.ReissueCertificate, *, csr: CSR | None) -> c.OrderView:
    """A new certificate in the same term; `csr` was read from the request before, if there was one in it."""
    loaded = load(uow, request.order_id)
    used = csr is not None and own_key(uow, loaded.state, csr)
    events = requesting.reissue(
        loaded.state,
        csr=csr,
        server_id=request.server_id,
        key_algorithm=request.key_algorithm,
        fresh_id=unique_value(uow) if csr is not None else uow.new_id(),
        reason="asked for by the customer",
        now=uow.now,
        key_reused=used,
    )
    view = append(uow, loaded, events)
    if csr is not None:
        own_key(uow, loaded.state, csr)
    return view


def revoke_certificate(uow: UnitOfWork, request: c.RevokeCertificate) -> c.OrderView:
    """Revokes every certificate of the order."""
    loaded = load(uow, request.order_id)
    return append(uow, loaded, ending.revoke(loaded.state, request.reason, uow.now))


def own_key(uow: UnitOfWork, order: Order, csr: CSR) -> bool:
    """Whether the account used the key of the CSR before. Raises invalid when another account uses it."""
    owner = key_owner(uow.connection, csr.key.spki_sha256)
    if owner is not None and owner != order.account_id:
        raise ServiceError(Code.INVALID, requesting.KEY_TAKEN, pointer="/csr", extra={"reason": "key_taken"})
    return owner is not None


def unique_value(uow: UnitOfWork) -> str:
    """What makes the request token of a CSR usable once."""
    # Goes into a DNS label and a file. It need not be unguessable: a Request Token is made of the key (BR §1.6.1).
    return uow.new_id().replace("-", "")
