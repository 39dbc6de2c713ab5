# SPDX-License-Identifier: Apache-2.0
"""When a certificate is replaced inside its term: one window for the ACME server (RFC 9773), our own reissue and the
forecast.

The window opens at two thirds of the lifetime, as is the practice of ACME clients, and is a third of the time that is
left then. Where in it an order lies follows from its id: the same every time it is asked, and spread evenly (RFC 9773
§4.2 has clients choose at random), so that ten thousand certificates of one day are not replaced in one minute. The
last certificate of a term is not reissued but renewed: that buys the next term, which is possible from 30 days before
the end of this one.
"""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta

# A renewal buys the next term, so it counts from the end of this one. Thirty days are the usual notice of the trade:
# they leave a third of the older 90-day certificates, and a week or two for an organization to be validated anew.
RENEW_BEFORE = timedelta(days=30)
# A term is a year to the second, a certificate a second or a day less: that is no gap to fill.
WORTH_A_REISSUE = timedelta(days=2)
# A reissue whose key or certificate could not be made is tried again so often, since nobody may be looking.
TRY_AGAIN = timedelta(days=1)
WINDOW_PARTS = 3


def last_of_term(ends: datetime, term_ends: datetime) -> bool:
    """Whether no further certificate fits between the end of this one and the end of the term."""
    return term_ends - ends < WORTH_A_REISSUE


def window(begins: datetime, ends: datetime, term_ends: datetime | None = None) -> tuple[datetime, datetime]:
    """From when until when a certificate should be replaced, both inside its lifetime."""
    start = ends - (ends - begins) / 3
    if term_ends is not None and last_of_term(ends, term_ends):
        start = max(start, min(term_ends - RENEW_BEFORE, ends))
    return start, start + (ends - start) / WINDOW_PARTS


def moved_window(begins: datetime, at: datetime) -> tuple[datetime, datetime]:
    """The window of a certificate that is to be replaced at once, or was revoked, at a moment: it lies in the past."""
    return begins, max(at, begins + timedelta(seconds=1))


def renewed_at(begins: datetime, ends: datetime, term_ends: datetime | None, order_id: str) -> datetime:
    """The moment in the window at which this order's certificate is replaced, to the second."""
    start, end = window(begins, ends, term_ends)
    seconds = int((end - start).total_seconds())
    return start + timedelta(seconds=int(seconds * place_in_window(order_id)))


def place_in_window(order_id: str) -> float:
    """Where in its window an order lies: 0 ≤ place < 1, evenly spread, the same for ever."""
    return int.from_bytes(hashlib.sha256(order_id.encode()).digest()[:6]) / 2**48
