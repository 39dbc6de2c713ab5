# SPDX-License-Identifier: Apache-2.0
"""What the CA decides and records. Nothing here uses the key: that is for jobs, after the intention is written down."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from datetime import datetime, timedelta

from services.ca.model.authorities import AUTHORITIES, AUTHORITIES_STREAM, Installed, untold
from services.ca.model.issuance import CRL, ISSUANCE, crl_stream, known_reason, stream
from services.ca.model.policy import Fault, Policy, RefusedError, accept
from services.ca.ports import CAADecision, ChallengesMade, OrderIntended, OrderOpened, RenewalInfo, Signed, Wait
from services.ca.projections import find_serial, issued_for, newest_upstream
from shared.clock import from_text, to_text
from shared.contracts import installer, orders
from shared.contracts.ca import (
    CAAChecked,
    CertificateRevoked,
    CertificateSigned,
    ChallengesOpened,
    CRLPublished,
    IssuanceAccepted,
    IssuanceDelayed,
    IssuanceRefused,
    IssuingAuthorityEnded,
    RenewalSuggested,
    UpstreamOrderIntended,
    UpstreamOrderOpened,
)
from shared.eventsourcing.envelope import Envelope
from shared.eventsourcing.event import Event
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
            not_before=signed.not_before or accepted.not_before,
            not_after=signed.not_after or accepted.not_after,
            issuer=accepted.issuer,
            certificate_pem=signed.certificate_pem,
            chain_pem=signed.chain_pem,
            lint=list(signed.lint),
        ),
    )
    if not accepted.serial:
        uow.schedule("renewal_info", issuance_id, {"issuance_id": issuance_id})
    return True


def record_renewal_info(uow: UnitOfWork, issuance_id: str, *, info: RenewalInfo | None) -> bool:
    """Records another window than the last one, and has the CA asked again; not for what is replaced, revoked or over.
    False when there is no more to ask. Without `info` (nothing is suggested) it is asked daily, since that may change.
    """
    loaded = uow.load(stream(issuance_id), ISSUANCE)
    state, accepted = loaded.state, loaded.state.accepted
    if state.status != "signed" or accepted is None or from_text(state.not_after) <= uow.now:
        return False
    if newest_upstream(uow.connection, accepted.order_id, accepted.issuer) != issuance_id:
        return False
    known = state.suggested
    if info is not None and (known is None or (known.start, known.end) != (info.start, info.end)):
        uow.append(
            loaded,
            RenewalSuggested(
                issuance_id=issuance_id,
                order_id=accepted.order_id,
                account_id=accepted.account_id,
                serial=state.serial,
                start=info.start,
                end=info.end,
                explanation_url=info.explanation_url,
            ),
        )
    again = timedelta(days=1) if info is None else timedelta(seconds=info.again_s)
    uow.schedule("renewal_info", issuance_id, {"issuance_id": issuance_id}, at=uow.now + again)
    return True


def record_caa(uow: UnitOfWork, issuance_id: str, *, decision: CAADecision) -> bool:
    """Records what CAA records said before the key is used; what they forbid is given up."""
    loaded = uow.load(stream(issuance_id), ISSUANCE)
    accepted = loaded.state.accepted
    if loaded.state.status != "accepted" or accepted is None:
        return False
    uow.append(
        loaded,
        CAAChecked(
            issuance_id=issuance_id,
            order_id=accepted.order_id,
            account_id=accepted.account_id,
            outcome=decision.outcome,
            code=decision.code,
            reason=decision.reason,
            rules_version=decision.rules_version,
            findings=list(decision.findings),
        ),
    )
    if decision.outcome == "forbidden":
        return record_refused(uow, issuance_id, reason=decision.reason, code=Fault.CAA)
    return True


def record_refused(uow: UnitOfWork, issuance_id: str, *, reason: str, code: str = Fault.NOT_SIGNED) -> bool:
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
            code=code,
        ),
    )
    return True


def record_step(
    uow: UnitOfWork, issuance_id: str, *, step: OrderIntended | OrderOpened | ChallengesMade | Wait
) -> bool:
    """Records how far another CA is; False when that was recorded already. Waiting is recorded when its reason is a new
    one.
    """
    loaded = uow.load(stream(issuance_id), ISSUANCE)
    state = loaded.state
    accepted = state.accepted
    if state.status != "accepted" or accepted is None:
        return False
    whose = {"issuance_id": issuance_id, "order_id": accepted.order_id, "account_id": accepted.account_id}
    event: Event | None = None
    if isinstance(step, OrderIntended):
        event = None if state.intended else UpstreamOrderIntended(**whose, issuer=accepted.issuer)
    elif isinstance(step, OrderOpened):
        event = None if state.order_url else UpstreamOrderOpened(**whose, issuer=accepted.issuer, url=step.url)
    elif isinstance(step, ChallengesMade):
        event = None if state.challenges else ChallengesOpened(**whose, challenges=list(step.challenges))
    elif step.reason != state.delayed:
        until = to_text(uow.now + timedelta(seconds=step.seconds))
        event = IssuanceDelayed(**whose, reason=step.reason, until=until)
    if event is None:
        return False
    uow.append(loaded, event)
    return True


def on_acme_file_placed(uow: UnitOfWork, envelope: Envelope[installer.ACMEFilePlaced]) -> None:
    """An agent put the file of a challenge in its place: looked for now, not when the wait is over."""
    issuance_id = envelope.data.issuance_id
    if uow.load(stream(issuance_id), ISSUANCE).state.status == "accepted":
        uow.schedule("sign", issuance_id, {"issuance_id": issuance_id})


def on_revocation_requested(uow: UnitOfWork, envelope: Envelope[orders.RevocationRequested]) -> None:
    """Revokes those of the serials that were issued for this order, each once: by a new CRL, or, where another CA
    signed, by a job that tells it.
    """
    request = envelope.data
    reason = known_reason(request.reason)
    for serial in dict.fromkeys(request.serials):
        found = find_serial(uow.connection, serial)
        if found is None or (found.order_id, found.account_id) != (request.order_id, request.account_id):
            continue  # another issuer's certificate, or somebody else's
        loaded = uow.load(stream(found.issuance_id), ISSUANCE)
        if loaded.state.status != "signed":
            continue
        if loaded.state.accepted is not None and not loaded.state.accepted.serial:
            uow.schedule(
                "revoke", found.issuance_id, {"issuance_id": found.issuance_id, "serial": serial, "reason": reason}
            )
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
        issuer = loaded.state.accepted.issuer if loaded.state.accepted is not None else ""
        ask_for_crl(uow, issuer)


def record_revoked(uow: UnitOfWork, issuance_id: str, *, serial: str, reason: str) -> None:
    """Records that another CA revoked what it had signed."""
    loaded = uow.load(stream(issuance_id), ISSUANCE)
    accepted = loaded.state.accepted
    if loaded.state.status != "signed" or accepted is None:
        return
    uow.append(
        loaded,
        CertificateRevoked(
            serial=serial,
            order_id=accepted.order_id,
            account_id=accepted.account_id,
            reason=reason,
            revoked_at=to_text(uow.now),
        ),
    )


def record_crl(
    uow: UnitOfWork,
    number: int,
    *,
    authority: int,
    issuer: str,
    der: bytes,
    this_update: datetime,
    next_update: datetime,
) -> bool:
    """Records a CRL of the issuing CA number `authority`; False when another one has taken its number meanwhile."""
    loaded = uow.load(crl_stream(authority), CRL)
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


def ask_for_crl(uow: UnitOfWork, issuer: str) -> None:
    """Has a new CRL of an issuing CA made."""
    uow.schedule("publish_crl", issuer or "issuing", {"issuer": issuer})


def record_authorities(uow: UnitOfWork, installed: Sequence[Installed], *, root_is_offline: bool) -> None:
    """Tells of issuing CAs that an operator has put in place, and that the root's key went away."""
    loaded = uow.load(AUTHORITIES_STREAM, AUTHORITIES)
    events = untold(loaded.state, installed, root_is_offline=root_is_offline)
    if events:
        uow.append(loaded, *events)


def record_ended(uow: UnitOfWork, number: int, *, issuer: str) -> None:
    """Tells once that the last certificate of a former issuing CA has ended."""
    loaded = uow.load(AUTHORITIES_STREAM, AUTHORITIES)
    if number not in loaded.state.ended:
        uow.append(loaded, IssuingAuthorityEnded(issuer=issuer, number=number))
