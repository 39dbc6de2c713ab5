# SPDX-License-Identifier: Apache-2.0
"""What relying parties ask about a certificate: OCSP, from the read model."""

from __future__ import annotations

import base64
import binascii

from services.ca.bootstrap import App
from services.ca.ports import RevokedEntry
from services.ca.projections import standing_of
from shared.clock import from_text
from shared.contracts import ca


def answer_ocsp(app: App, request: ca.AnswerOCSP) -> ca.OCSPFile:
    """A response to whatever was sent, since OCSP has its own errors."""
    try:
        asked = base64.b64decode(request.ocsp_request, validate=True)
    except (binascii.Error, ValueError):
        asked = b""

    def standing(serial: str) -> RevokedEntry | bool:
        with app.room.query() as connection:
            found = standing_of(connection, serial)
        return (
            found if isinstance(found, bool) else RevokedEntry(found.serial, from_text(found.revoked_at), found.reason)
        )

    now = app.room.clock.now().replace(microsecond=0)
    answer = app.issuer.answer_ocsp(asked, standing, this_update=now, next_update=now + app.ocsp_lifetime)
    return ca.OCSPFile(
        der_base64=base64.b64encode(answer.response).decode("ascii"),
        # Half of its time, so that nobody is handed an answer that is about to end.
        max_age=int(app.ocsp_lifetime.total_seconds()) // 2 if answer.for_all else 0,
    )
