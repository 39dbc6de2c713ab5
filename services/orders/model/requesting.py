# SPDX-License-Identifier: Apache-2.0
"""The way of the CSR: pasted or made on a server, accepted, replaced, asked for again."""

from __future__ import annotations

from datetime import datetime

from services.orders.model.issuing import with_issuance
from services.orders.model.order import Order
from services.orders.model.status import ENDS, actions_of, check_identifier, reissue_due, require, status_of
from shared.contracts import orders as c
from shared.errors import ServiceError, invalid
from shared.eventsourcing.event import Event
from shared.pki.csr import CSR, CSRRefusedError, match_order, parse_csr

REISSUE_REASON = "the certificate nears its end, its term does not"
SUGGESTED_REASON = "its issuer asks for it to be replaced now"
KEY_ALGORITHMS = ("ec-p256", "ec-p384", "rsa-2048", "rsa-3072")


def read_csr(text: str, pointer: str = "/csr") -> CSR:
    """Reads a pasted CSR. Raises ServiceError invalid with the reason; the text itself is never repeated."""
    try:
        return parse_csr(text)
    except CSRRefusedError as error:
        raise ServiceError("invalid", error.detail, pointer=pointer, extra={"reason": error.code}) from None


def misfit(order: Order, csr: CSR) -> CSRRefusedError | None:
    """Why the CSR does not fit the names that were bought, or None."""
    try:
        match_order(csr, order.names)
    except CSRRefusedError as error:
        return error
    return None


def submit_csr(order: Order, csr: CSR, *, unique_value: str, now: datetime, key_reused: bool = False) -> list[Event]:
    """A pasted CSR, the first one or a replacement while processing. Raises action_not_allowed, invalid."""
    require(order, now, "generate_request", "replace_csr")
    if order.csr is not None and order.csr.pem == csr.pem:
        raise invalid("This is the CSR that the order has already. Send another one.", "/csr")
    return with_issuance(order, accept_csr(order, csr, unique_value, key_reused=key_reused), now)


def request_csr(order: Order, server_id: str, key_algorithm: str, *, request_id: str, now: datetime) -> list[Event]:
    """Key and CSR to be made on a server. A newer request ends an older one. Raises action_not_allowed, invalid."""
    require(order, now, "generate_request", "replace_csr")
    return [_requested(order, server_id, key_algorithm, request_id)]


def reissue(
    order: Order,
    *,
    csr: CSR | None,
    server_id: str | None,
    key_algorithm: str,
    fresh_id: str,
    reason: str,
    now: datetime,
    key_reused: bool = False,
) -> list[Event]:
    """A new certificate in the same term: the CSR given, or one made on the server. Raises action_not_allowed, invalid.

    `fresh_id` becomes the unique value of the CSR or the id of the request to the server.
    """
    require(order, now, "reissue")
    if (csr is None) == (server_id is None):
        raise invalid("Give either a CSR or a server on which to make one.", "/csr")
    opened = c.ReissueRequested(order_id=order.order_id, reason=reason)
    if csr is not None:
        return with_issuance(order, [opened, *accept_csr(order, csr, fresh_id, key_reused=key_reused)], now)
    return [opened, _requested(order, server_id or "", key_algorithm, fresh_id)]


def reissue_in_term(order: Order, *, request_id: str, now: datetime) -> list[Event]:
    """The next certificate of a paid term, without a human: a new key, made where the present one was.

    Nothing before its moment (`reissue_at`), nor while another request is under way, nor for a key that was pasted: its
    owner has to act, and `blocked_on` says so. One that the CA has revoked is replaced at once. What was begun and came
    to nothing is tried again.
    """
    newest, csr = order.certificate, order.csr
    if newest is None or csr is None or not csr.server_id or order.being_revoked:
        return []
    if "reissue" not in actions_of(order, now):
        return []
    if order.reissuing:
        return ask_again(order, request_id=request_id)
    if newest.revoked_at is None and not reissue_due(order, now):
        return []
    asked = order.suggested is not None and order.suggested.renew_at
    reason = (
        "the CA has revoked the certificate" if newest.revoked_at else SUGGESTED_REASON if asked else REISSUE_REASON
    )
    return reissue_on_its_server(order, reason, request_id=request_id)


def reissue_on_its_server(order: Order, reason: str, *, request_id: str) -> list[Event]:
    """A reissue that the service asks for by itself, with a new key from where the present one was made."""
    server_id = order.csr.server_id if order.csr else ""
    return [
        c.ReissueRequested(order_id=order.order_id, reason=reason, automatic=True),
        _requested(order, server_id, order.key_algorithm or KEY_ALGORITHMS[0], request_id),
    ]


def ask_again(order: Order, *, request_id: str) -> list[Event]:
    """Another key and CSR for a reissue whose last one failed, on the server or at the CA; else nothing."""
    newest, csr, issuance = order.certificate, order.csr, order.present_issuance
    if newest is None or csr is None or not csr.server_id or not order.reissuing or order.csr_attempt is not None:
        return []
    refused = csr.version > newest.csr_version and issuance is not None and issuance.status == "failed"
    if not order.csr_failure and not refused:
        return []
    return [_requested(order, csr.server_id, order.key_algorithm or KEY_ALGORITHMS[0], request_id)]


def record_generated_csr(
    order: Order, request_id: str, pem: str, *, unique_value: str, owner: str | None, now: datetime
) -> list[Event]:
    """A server made the CSR. One that answers an older request is ignored; one that does not fit is rejected.

    `owner` is the account that used the key first, if any did.
    """
    attempt = order.csr_attempt
    if attempt is None or attempt.request_id != request_id or status_of(order) in ENDS:
        return []
    try:
        csr = parse_csr(pem)
        match_order(csr, order.names)
    except CSRRefusedError as error:
        return [c.CSRRejected(order_id=order.order_id, request_id=request_id, reason=error.detail, code=error.code)]
    if owner not in {None, order.account_id}:
        return [c.CSRRejected(order_id=order.order_id, request_id=request_id, reason=KEY_TAKEN, code=KEY_TAKEN_CODE)]
    reused = owner is not None
    event = _submitted(order, csr, unique_value, server_id=attempt.server_id, request_id=request_id, key_reused=reused)
    return with_issuance(order, [event], now)


def record_csr_failure(order: Order, request_id: str, reason: str, code: str = "") -> list[Event]:
    """A server could not make the CSR."""
    attempt = order.csr_attempt
    if attempt is None or attempt.request_id != request_id or status_of(order) in ENDS:
        return []
    return [c.CSRRejected(order_id=order.order_id, request_id=request_id, reason=reason, code=code)]


KEY_TAKEN_CODE = "key_taken"
KEY_TAKEN = "The key of this request is in use by somebody else. Make a new key."
KEY_USED_CODE = "key_used_before"
KEY_USED = "You sent a request (CSR) with this key before. Make a new one: who got hold of the old key has this too."


def describe(csr: CSR) -> c.ParsedCSR:
    """What the CSR says, for people."""
    return c.ParsedCSR(
        names=[name.text for name in csr.names],
        common_name=csr.common_name,
        organization=csr.subject.organization,
        organizational_unit=csr.subject.organizational_unit,
        country=csr.subject.country,
        state=csr.subject.state,
        locality=csr.subject.locality,
        email=csr.subject.email,
        key_algorithm=csr.key.kind,
        key_size=csr.key.size,
        signature_hash=csr.signature_hash,
        spki_sha256=csr.key.spki_sha256,
        md5=csr.md5,
        sha256=csr.sha256,
        problems=[],
    )


def accept_csr(
    order: Order,
    csr: CSR,
    unique_value: str,
    *,
    key_reused: bool,
    acme_order_id: str = "",
    version: int | None = None,
) -> list[Event]:
    """Takes a CSR that fits the order: as the next version, or as the one that an ACME order has reserved.

    Raises invalid.
    """
    refused = misfit(order, csr)
    if refused is not None:
        raise ServiceError("invalid", refused.detail, pointer="/csr", extra={"reason": refused.code})
    return [_submitted(order, csr, unique_value, key_reused=key_reused, acme_order_id=acme_order_id, version=version)]


def _submitted(
    order: Order,
    csr: CSR,
    unique_value: str,
    *,
    key_reused: bool,
    server_id: str = "",
    request_id: str = "",
    acme_order_id: str = "",
    version: int | None = None,
) -> c.CSRSubmitted:
    return c.CSRSubmitted(
        order_id=order.order_id,
        account_id=order.account_id,
        csr_version=order.next_version if version is None else version,
        csr_pem=csr.pem,
        spki_sha256=csr.key.spki_sha256,
        md5=csr.md5,
        sha256=csr.sha256,
        unique_value=unique_value,
        names=order.names,
        dcv_method=order.dcv_method,
        server_id=server_id,
        request_id=request_id,
        acme_order_id=acme_order_id,
        key_reused=key_reused,
    )


def _requested(order: Order, server_id: str, key_algorithm: str, request_id: str) -> c.CSRRequested:
    check_identifier(server_id, "/server_id", "Choose the server on which the key is to be made.")
    if key_algorithm not in KEY_ALGORITHMS:
        raise invalid(f"The key algorithm is one of {', '.join(KEY_ALGORITHMS)}.", "/key_algorithm")
    return c.CSRRequested(
        order_id=order.order_id,
        account_id=order.account_id,
        request_id=request_id,
        server_id=server_id,
        common_name=order.common_name,
        names=order.names,
        key_algorithm=key_algorithm,
        organization=order.named_organization,
    )
