# SPDX-License-Identifier: Apache-2.0
"""Revocation (RFC 8555 §7.6) and renewal information (RFC 9773)."""

from __future__ import annotations

import hashlib
from typing import Any

from flask import Response

from gateway.acme import jwk as keys
from gateway.acme.desk import Desk, Signed
from gateway.acme.refusal import ACMERefusedError
from gateway.acme.reply import json_reply
from gateway.exchange import Exchange
from shared.contracts import orders
from shared.errors import Code, ServiceError
from shared.pki.certificate import CertificateUnreadableError, parse_certificate

# RFC 5280 §5.3.1. A subscriber may give these (BR 7.2.2); the others are the CA's own or end nothing.
REASONS = {
    0: "unspecified",
    1: "keyCompromise",
    3: "affiliationChanged",
    4: "superseded",
    5: "cessationOfOperation",
}
POLL_S = 6 * 3600  # RFC 9773 §4.3


def revoke(_desk: Desk, signed: Signed) -> Response:
    """One certificate, by the account that has it or by the certificate's own key."""
    content = signed.message.content()
    der = keys.decode(content.get("certificate"))
    code = content.get("reason", 0)
    if not isinstance(code, int) or code not in REASONS:
        raise ACMERefusedError("badRevocationReason", f"The reason is one of {', '.join(map(str, REASONS))}.")
    try:
        serial = parse_certificate(der).serial
    except CertificateUnreadableError as error:
        raise ACMERefusedError("malformed", str(error)) from None
    fingerprint = hashlib.sha256(der).hexdigest()
    ask: orders.RevokeACMECertificate | orders.RevokeCertificateByKey
    if signed.account is not None:
        ask = orders.RevokeACMECertificate(serial=serial, fingerprint_sha256=fingerprint, reason=REASONS[code])
    else:
        key = keys.spki_sha256(signed.jwk)
        ask = orders.RevokeCertificateByKey(
            serial=serial, fingerprint_sha256=fingerprint, spki_sha256=key, reason=REASONS[code]
        )
    try:
        signed.exchange.send(ask)
    except ServiceError as error:
        if error.code is Code.NOT_FOUND:
            raise ACMERefusedError("unauthorized", "There is no such certificate of this account or key.") from None
        raise
    return Response(status=200)


def renewal_info(exchange: Exchange, certificate_id: str) -> Response:
    """When to renew; asked without a signature."""
    found = exchange.send(orders.GetRenewalInfo(certificate_id=certificate_id))
    document: dict[str, Any] = {"suggestedWindow": {"start": found.start, "end": found.end}}
    if found.explanation_url:
        document["explanationURL"] = found.explanation_url
    return json_reply(document, headers=[("Retry-After", str(POLL_S))])
