# SPDX-License-Identifier: Apache-2.0
"""What another issuer says of the moment at which its certificate is to be replaced (RFC 9773), turned into our own."""

from __future__ import annotations

from datetime import datetime

from services.orders.model.issuing import normal_serial
from services.orders.model.order import Order
from services.orders.model.renewal import last_of_term, place_in_window, window
from services.orders.model.status import ENDS, status_of
from shared.clock import from_text, to_text
from shared.contracts import ca
from shared.contracts import orders as c
from shared.errors import Code, ServiceError
from shared.eventsourcing.event import Event


def record_suggestion(order: Order, event: ca.RenewalSuggested, version: int) -> list[Event]:
    """A suggestion for the newest certificate; `version` is its place in the history of the issuance, so that an older
    one that comes late changes nothing. Raises conflict while the certificate itself has not arrived: it comes again.
    """
    issuance, newest, known = order.issuances.get(event.issuance_id), order.certificate, order.suggested
    if status_of(order) in ENDS or issuance is None:
        return []
    if issuance.status == "requested":
        raise ServiceError(Code.CONFLICT, "The certificate that this is about is not recorded yet.")
    if newest is None or newest.serial != normal_serial(event.serial) or (known and known.version >= version):
        return []
    start, end = from_text(event.start), from_text(event.end)
    return [
        c.RenewalSuggested(
            order_id=order.order_id,
            serial=newest.serial,
            start=to_text(start),
            end=to_text(end),
            explanation_url=event.explanation_url,
            renew_at=_moment(order, start, end),
            version=version,
        )
    ]


def _moment(order: Order, start: datetime, end: datetime) -> str:
    newest = order.certificate
    if newest is None or order.term_ends_at is None or order.reissuing:
        return ""  # what is under way already is the replacement
    begins, ends, term_ends = from_text(newest.not_before), from_text(newest.not_after), from_text(order.term_ends_at)
    # RFC 9773 §4.2 has a moment of the window chosen at random. Whatever is suggested, a ninth of the life is left for
    # what may go wrong.
    moment = min(start + (end - start) * place_in_window(order.order_id), ends - (ends - begins) / 9)
    if last_of_term(ends, term_ends) and moment >= window(begins, ends, term_ends)[0]:
        return ""  # the next term is to be bought then
    return to_text(moment.replace(microsecond=0))
