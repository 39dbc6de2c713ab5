# SPDX-License-Identifier: Apache-2.0
"""What the CA decides and records. Nothing here uses the key: that is for jobs, after the intention is written down."""

from __future__ import annotations

import base64
from datetime import datetime

from services.ca.model.issuance import CRL, CRL_STREAM, ISSUANCE, known_reason, stream
from services.ca.model.policy import Fault, Policy, RefusedError, accept
from services.ca.ports import Signed
from services.ca.projections import find_serial, issued_for
from shared.clock import to_text
from shared.contracts import orders
from shared.contracts.ca import CertificateRevoked, CertificateSigned, CRLPublished, IssuanceAccepted, IssuanceRefused
from shared.eventsourcing.envelope import Envelope
from shared.eventstore.unit_of_work import UnitOfWork


def on_issuance_requested(uow: UnitOfWork, envelope: Envelope[orders.IssuanceRequested], *, policy: Policy) -> None:
    """Records what will be signed, serial included, and leaves the signing to a job; or refuses with the reason."""
    request = envelope.data
    loaded = uow.load(stream(request.issuance_id), ISSUANCE)
    if loaded.exists:
        return
    try:
        accepted = _accept(uow, request, policy)
    except RefusedError as error:
        uow.append(
            loaded,
            IssuanceRefused(
                issuance_id=request.issuance_id,
                order_id=request.order_id,
                account_id=request.account_id,
                csr_version=request.csr_version,
                reason=error.reason,
                code=error.code,
            ),
        )
        return
    uow.append(loaded, accepted)
    uow.schedule("sign", request.issuance_id, {"issuance_id": request.issuance_id})


def _accept(uow: UnitOfWork, request: orders.IssuanceRequested, policy: Policy) -> IssuanceAccepted:
    if issued_for(uow.connection, request.order_id, request.csr_version) is not None:
        raise RefusedError(
            Fault.ISSUED_ALREADY, "There is already a certificate for this request (CSR); replace the request."
        )
    return accept(request, policy, now=uow.now, randomness=uow.new_id())


def record_signed(uow: UnitOfWork, issuance_id: str, *, signed: Signed) -> bool:
    """Records the certificate of an accepted issuance; False when it has one already and this one is dropped."""
    loaded = uow.load(stream(issuance_id), ISSUANCE)
    accepted = loaded.state.accepted
    if loaded.state.status != "accepted" or accepted is None:
        return False
    uow.append(
        loaded,
        CertificateSigned(
            issuance_id=issuance_id,
            order_id=accepted.order_id,
            account_id=accepted.account_id,
            csr_version=accepted.csr_version,
            serial=signed.serial,
            fingerprint_sha256=signed.fingerprint_sha256,
            not_before=accepted.not_before,
            not_after=accepted.not_after,
            issuer=accepted.issuer,
            certificate_pem=signed.certificate_pem,
            chain_pem=signed.chain_pem,
        ),
    )
    return True


def record_refused(uow: UnitOfWork, issuance_id: str, *, reason: str) -> bool:
    """Gives an accepted issuance up because its issuer will never sign it."""
    loaded = uow.load(stream(issuance_id), ISSUANCE)
    accepted = loaded.state.accepted
    if loaded.state.status != "accepted" or accepted is None:
        return False
    uow.append(
        loaded,
        IssuanceRefused(
            issuance_id=issuance_id,
            order_id=accepted.order_id,
            account_id=accepted.account_id,
            csr_version=accepted.csr_version,
            reason=reason,
            code=Fault.NOT_SIGNED,
        ),
    )
    return True


def on_revocation_requested(uow: UnitOfWork, envelope: Envelope[orders.RevocationRequested]) -> None:
    """Revokes those of the serials that this CA issued for this order, each once, and has a new CRL made."""
    request = envelope.data
    reason = known_reason(request.reason)
    for serial in dict.fromkeys(request.serials):
        found = find_serial(uow.connection, serial)
        if found is None or (found.order_id, found.account_id) != (request.order_id, request.account_id):
            continue  # another issuer's certificate, or somebody else's
        loaded = uow.load(stream(found.issuance_id), ISSUANCE)
        if loaded.state.status != "signed":
            continue
        uow.append(
            loaded,
            CertificateRevoked(
                serial=serial,
                order_id=found.order_id,
                account_id=found.account_id,
                reason=reason,
                revoked_at=to_text(uow.now),
            ),
        )
        uow.schedule("publish_crl", "issuing", {})


def record_crl(
    uow: UnitOfWork, number: int, *, issuer: str, der: bytes, this_update: datetime, next_update: datetime
) -> bool:
    """Records a CRL; False when another one has taken its number meanwhile."""
    loaded = uow.load(CRL_STREAM, CRL)
    if loaded.state.number + 1 != number:
        return False
    uow.append(
        loaded,
        CRLPublished(
            issuer=issuer,
            number=number,
            this_update=to_text(this_update),
            next_update=to_text(next_update),
            der_base64=base64.b64encode(der).decode("ascii"),
        ),
    )
    return True


def ask_for_crl(uow: UnitOfWork, _reason: str) -> None:
    """Has a new CRL made."""
    uow.schedule("publish_crl", "issuing", {})
