# SPDX-License-Identifier: Apache-2.0
"""What other rooms say, turned into facts of the order. Repetitions and late arrivals change nothing."""

from __future__ import annotations

from collections.abc import Sequence

from services.orders.handlers.access import load_for_reaction
from services.orders.model import ending, installing, issuing, placing, requesting, suggesting
from services.orders.model.order import Order
from services.orders.projections.finding import key_owner, orders_on_site
from shared.contracts import billing, ca, dcv, installer
from shared.contracts.orders import CertInstalled, CSRRejected
from shared.errors import Code, ServiceError
from shared.eventsourcing.envelope import Envelope
from shared.eventsourcing.event import Event
from shared.eventstore.retries import NotYet
from shared.eventstore.streams import Loaded
from shared.eventstore.unit_of_work import UnitOfWork
from shared.pki.csr import CSRRefusedError, parse_csr


def on_payment_captured(uow: UnitOfWork, envelope: Envelope[billing.PaymentCaptured]) -> None:
    """The order is paid."""
    loaded = load_for_reaction(uow, envelope.data.order_id)
    _append(uow, loaded, placing.record_payment(loaded.state, envelope.data, uow.now))


def on_charge_refused(uow: UnitOfWork, envelope: Envelope[billing.ChargeRefused]) -> None:
    """The order will never be paid."""
    loaded = load_for_reaction(uow, envelope.data.order_id)
    _append(uow, loaded, placing.refuse_payment(loaded.state, envelope.data.reason))


def on_csr_generated(uow: UnitOfWork, envelope: Envelope[installer.CSRGenerated]) -> None:
    """A server made key and CSR."""
    event = envelope.data
    loaded = load_for_reaction(uow, event.order_id)
    events = requesting.record_generated_csr(
        loaded.state,
        event.request_id,
        event.csr_pem,
        unique_value=uow.new_id().replace("-", ""),
        owner=_owner(uow, event.csr_pem),
        now=uow.now,
    )
    was_rejected = any(isinstance(one, CSRRejected) for one in events)
    _append(uow, loaded, events)
    if events and not was_rejected and _owner(uow, event.csr_pem) not in {None, loaded.state.account_id}:
        # Another account's transaction was committed in between: the next try sees it and rejects the CSR.
        raise ServiceError(Code.CONFLICT, requesting.KEY_TAKEN)


def on_csr_generation_failed(uow: UnitOfWork, envelope: Envelope[installer.CSRGenerationFailed]) -> None:
    """A server could not."""
    event = envelope.data
    loaded = load_for_reaction(uow, event.order_id)
    _append(uow, loaded, requesting.record_csr_failure(loaded.state, event.request_id, event.reason, event.code))


def on_dcv_passed(uow: UnitOfWork, envelope: Envelope[dcv.DCVPassed]) -> None:
    """A name is proved; the last one asks the CA."""
    loaded = load_for_reaction(uow, envelope.data.order_id)
    _append(uow, loaded, issuing.record_authorization(loaded.state, envelope.data, uow.now))


def on_certificate_signed(uow: UnitOfWork, envelope: Envelope[ca.CertificateSigned]) -> None:
    """The CA signed; a reissued certificate goes on to where the one before is served."""
    loaded = load_for_reaction(uow, envelope.data.order_id)
    before = len(loaded.state.certificates)
    _append(uow, loaded, issuing.record_certificate(loaded.state, envelope.data, uow.now))
    if len(loaded.state.certificates) > before:
        _append(uow, loaded, installing.install_again(loaded.state, new_id=uow.new_id))


def on_issuance_refused(uow: UnitOfWork, envelope: Envelope[ca.IssuanceRefused]) -> None:
    """The CA will not sign."""
    loaded = load_for_reaction(uow, envelope.data.order_id)
    _append(uow, loaded, issuing.record_refusal(loaded.state, envelope.data))


def on_issuance_delayed(uow: UnitOfWork, envelope: Envelope[ca.IssuanceDelayed]) -> None:
    """The CA takes longer."""
    loaded = load_for_reaction(uow, envelope.data.order_id)
    _append(uow, loaded, issuing.record_delay(loaded.state, envelope.data))


def on_renewal_suggested(uow: UnitOfWork, envelope: Envelope[ca.RenewalSuggested]) -> None:
    """Another CA wants its certificate replaced at another time than we would."""
    loaded = load_for_reaction(uow, envelope.data.order_id)
    _append(uow, loaded, suggesting.record_suggestion(loaded.state, envelope.data, envelope.version))


def on_certificate_revoked(uow: UnitOfWork, envelope: Envelope[ca.CertificateRevoked]) -> None:
    """The CA revoked."""
    loaded = load_for_reaction(uow, envelope.data.order_id)
    _append(uow, loaded, ending.record_revocation(loaded.state, envelope.data))


def on_deployment_succeeded(uow: UnitOfWork, envelope: Envelope[installer.DeploymentSucceeded]) -> None:
    """A site serves the certificate."""
    event = envelope.data
    loaded = load_for_reaction(uow, event.order_id)
    recorded = installing.record_deployment(loaded.state, event, uow.now)
    _append(uow, loaded, recorded)
    if any(isinstance(one, CertInstalled) for one in recorded):
        for order_id in orders_on_site(uow.connection, event.server_id, event.site_id):
            if order_id != event.order_id:
                other = load_for_reaction(uow, order_id)
                _append(uow, other, installing.give_way(other.state, event.server_id, event.site_id))


def on_site_findings_changed(uow: UnitOfWork, envelope: Envelope[installer.SiteFindingsChanged]) -> None:
    """Something is amiss with a site, or no more. Raises NotYet before the installation there is recorded."""
    event = envelope.data
    if not event.order_id:
        return
    loaded = load_for_reaction(uow, event.order_id)
    known = loaded.state.installations.get(event.installation_id)
    if known is not None and known.status == "requested" and not loaded.state.ended:
        raise NotYet("the installation is not recorded yet")
    _append(uow, loaded, installing.record_findings(loaded.state, event, envelope.version))


def on_deployment_failed(uow: UnitOfWork, envelope: Envelope[installer.DeploymentFailed]) -> None:
    """A site does not."""
    loaded = load_for_reaction(uow, envelope.data.order_id)
    _append(uow, loaded, installing.record_failed_deployment(loaded.state, envelope.data, uow.now))


def _append(uow: UnitOfWork, loaded: Loaded[Order], events: Sequence[Event]) -> None:
    if events:
        uow.append(loaded, *events)


def _owner(uow: UnitOfWork, pem: str) -> str | None:
    """The account that used the key of a CSR first."""
    try:
        spki_sha256 = parse_csr(pem).key.spki_sha256
    except CSRRefusedError:
        return None  # the decision will say why
    return key_owner(uow.connection, spki_sha256)
