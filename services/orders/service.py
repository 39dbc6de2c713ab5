# SPDX-License-Identifier: Apache-2.0
"""The orders room on the wire: requests, events of other rooms, and the clock."""

from __future__ import annotations

import logging
from functools import partial

import msgspec

from services.orders import bootstrap
from services.orders.handlers import acme, clock, commands, forecasting, progress, queries, reactions, replacing
from services.orders.model.requesting import read_csr
from services.orders.projections.finding import orders_to_expire, orders_to_reissue
from services.orders.projections.trying_again import orders_to_install_again
from shared.context import Context, system
from shared.contracts import billing, ca, dcv, installer
from shared.contracts import orders as c
from shared.contracts.base import Done, Page
from shared.contracts.installer.readiness import ask_whether_ready
from shared.errors import ServiceError
from shared.eventsourcing.envelope import Envelope
from shared.messaging.rpc import rpc
from shared.messaging.subscribe import subscribe
from shared.messaging.timers import every
from shared.runtime.service import Service

_log = logging.getLogger(__name__)


OnServer = c.RequestCSR | c.RequestInstallation | c.RequestSave | c.ReissueCertificate


class OrdersService(Service):
    """See README.md of this folder."""

    name = "orders"
    build = staticmethod(bootstrap.build)

    # --- commands ---

    @rpc(c.PlaceOrder)
    def place_order(self, request: c.PlaceOrder, context: Context) -> c.OrderView:
        """Billing is asked before the transaction begins: never call out inside one."""
        try:
            quote = self.client.send(billing.GetQuote(quote_id=request.quote_id), context)
        except ServiceError as error:
            if error.code == "not_found":
                raise ServiceError(error.code, error.detail, pointer="/quote_id") from None
            raise
        return self.app.room.execute(partial(commands.place_order, quote=quote), request, context)

    @rpc(c.PlaceTopUp)
    def place_top_up(self, request: c.PlaceTopUp, context: Context) -> c.OrderView:
        """Orders a deposit."""
        return self.app.room.execute(commands.place_top_up, request, context)

    @rpc(c.SubmitCSR)
    def submit_csr(self, request: c.SubmitCSR, context: Context) -> c.OrderView:
        """Gives or replaces the CSR."""
        csr = read_csr(request.csr)
        return self.app.room.execute(partial(commands.submit_csr, csr=csr), request, context)

    @rpc(c.RequestCSR)
    def request_csr(self, request: c.RequestCSR, context: Context) -> c.OrderView:
        """Has the CSR made on a server, if something can be done there now."""
        self._server_is_ready(request, context, "generate_request", "replace_csr")
        return self.app.room.execute(commands.request_csr, request, context)

    def _server_is_ready(self, request: OnServer, context: Context, *actions: str) -> None:
        """Refuses what the server is not ready for; what the order does not offer is refused by the order itself."""
        order = queries.get_order(self.app.room, c.GetOrder(order_id=request.order_id), context)
        if set(actions) & set(order.allowed_actions):
            ask_whether_ready(self.client.send, request.server_id, context)

    @rpc(c.ValidateOrganization)
    def validate_organization(self, request: c.ValidateOrganization, context: Context) -> c.OrderView:
        """An operator vouches."""
        return self.app.room.execute(commands.validate_organization, request, context)

    @rpc(c.RejectOrder)
    def reject_order(self, request: c.RejectOrder, context: Context) -> c.OrderView:
        """An operator refuses."""
        return self.app.room.execute(commands.reject_order, request, context)

    @rpc(c.RequestInstallation)
    def request_installation(self, request: c.RequestInstallation, context: Context) -> c.OrderView:
        """On sites of one server, if something can be done there now."""
        self._server_is_ready(request, context, "auto_install")
        return self.app.room.execute(commands.request_installation, request, context)

    @rpc(c.RequestSave)
    def request_save(self, request: c.RequestSave, context: Context) -> Done:
        """As a zip on a server, if something can be done there now."""
        self._server_is_ready(request, context, "save")
        return self.app.room.execute(commands.request_save, request, context)

    @rpc(c.CancelOrder)
    def cancel_order(self, request: c.CancelOrder, context: Context) -> c.OrderView:
        """Before issuance."""
        return self.app.room.execute(commands.cancel_order, request, context)

    @rpc(c.ReissueCertificate)
    def reissue_certificate(self, request: c.ReissueCertificate, context: Context) -> c.OrderView:
        """In the same term; on a server if something can be done there now."""
        self._server_is_ready(request, context, "reissue")
        csr = read_csr(request.csr) if request.csr is not None else None
        return self.app.room.execute(partial(commands.reissue_certificate, csr=csr), request, context)

    @rpc(c.RevokeCertificate)
    def revoke_certificate(self, request: c.RevokeCertificate, context: Context) -> c.OrderView:
        """All of the order."""
        return self.app.room.execute(commands.revoke_certificate, request, context)

    # --- queries ---

    @rpc(c.ListOrders)
    def list_orders(self, request: c.ListOrders, context: Context) -> Page[c.OrderSummary]:
        """One page."""
        return queries.list_page(self.app.room, request, context)

    @rpc(c.CountOrders)
    def count_orders(self, request: c.CountOrders, context: Context) -> c.OrderCounts:
        """By status."""
        return queries.count(self.app.room, request, context)

    @rpc(c.GetForecast)
    def get_forecast(self, request: c.GetForecast, context: Context) -> c.ForecastView:
        """By today's price list, which billing is asked for."""
        products = self.client.send(billing.ListProducts(), context).items
        return forecasting.get_forecast(self.app.room, request, context, products)

    @rpc(c.GetOrder)
    def get_order(self, request: c.GetOrder, context: Context) -> c.OrderView:
        """Now or as of a moment."""
        return queries.get_order(self.app.room, request, context)

    @rpc(c.GetOrderHistory)
    def get_order_history(self, request: c.GetOrderHistory, context: Context) -> Page[c.HistoryEntry]:
        """Oldest first."""
        return queries.get_history(self.app.room, request, context)

    @rpc(c.ParseCSR)
    def parse_csr(self, request: c.ParseCSR, context: Context) -> c.ParsedCSR:
        """Stores nothing."""
        return queries.parse_csr(self.app.room, request, context)

    @rpc(c.GetCertificate)
    def get_certificate(self, request: c.GetCertificate, context: Context) -> c.CertificateFile:
        """With its chain."""
        return queries.get_certificate(self.app.room, request, context)

    # --- ACME clients ---

    @rpc(c.OpenACMEOrder)
    def open_acme_order(self, request: c.OpenACMEOrder, context: Context) -> c.ACMEOrderView:
        """Billing prices what has to be bought, before the transaction begins."""
        names = acme.read_names(request.names)
        request = msgspec.structs.replace(request, names=names)
        quote = None
        if acme.wants_quote(self.app.room, names, context):
            asked = billing.CreateQuote(product=request.product, names=names, term_years=request.term_years)
            buyer = msgspec.structs.replace(context, permissions=frozenset({"signed_in"}), command_id=None)
            try:
                quote = self.client.send(asked, buyer)
            except ServiceError as error:
                if error.code == "invalid":
                    raise ServiceError(error.code, error.detail, extra={"acme": "rejectedIdentifier"}) from None
                raise
        return self.app.room.execute(partial(acme.open_order, quote=quote), request, context)

    @rpc(c.GetACMEOrder)
    def get_acme_order(self, request: c.GetACMEOrder, context: Context) -> c.ACMEOrderView:
        """Of the ACME account."""
        return acme.get_order(self.app.room, request, context)

    @rpc(c.ListACMEOrders)
    def list_acme_orders(self, request: c.ListACMEOrders, context: Context) -> Page[str]:
        """Of the ACME account."""
        return acme.list_orders(self.app.room, request, context)

    @rpc(c.FinalizeACMEOrder)
    def finalize_acme_order(self, request: c.FinalizeACMEOrder, context: Context) -> c.ACMEOrderView:
        """With the CSR."""
        csr = read_csr(request.csr)
        return self.app.room.execute(partial(acme.finalize, csr=csr), request, context)

    @rpc(c.GetACMECertificate)
    def get_acme_certificate(self, request: c.GetACMECertificate, context: Context) -> c.CertificateFile:
        """With its chain."""
        return acme.get_certificate(self.app.room, request, context)

    @rpc(c.RevokeACMECertificate)
    def revoke_acme_certificate(self, request: c.RevokeACMECertificate, context: Context) -> Done:
        """One of the account."""
        return self.app.room.execute(acme.revoke, request, context)

    @rpc(c.RevokeCertificateByKey)
    def revoke_certificate_by_key(self, request: c.RevokeCertificateByKey, context: Context) -> Done:
        """One, by its key."""
        return self.app.room.execute(acme.revoke_by_key, request, context)

    @rpc(c.GetRenewalInfo)
    def get_renewal_info(self, request: c.GetRenewalInfo, _context: Context) -> c.RenewalInfoView:
        """For anybody."""
        return acme.renewal_info(self.app.room, request)

    # --- mass replacements ---

    @rpc(c.PreviewReplacement)
    def preview_replacement(self, request: c.PreviewReplacement, context: Context) -> c.ReplacementPreview:
        """Does nothing."""
        return replacing.preview(self.app.room, request, context)

    @rpc(c.StartReplacement)
    def start_replacement(self, request: c.StartReplacement, context: Context) -> c.ReplacementView:
        """Of the own account."""
        return self.app.room.execute(replacing.start, request, context)

    @rpc(c.StartReplacementForAll)
    def start_replacement_for_all(self, request: c.StartReplacementForAll, context: Context) -> c.ReplacementView:
        """Of every account."""
        return self.app.room.execute(replacing.start, request, context)

    @rpc(c.SteerReplacement)
    def steer_replacement(self, request: c.SteerReplacement, context: Context) -> c.ReplacementView:
        """One of the own account."""
        return self.app.room.execute(replacing.steer, request, context)

    @rpc(c.SteerReplacementForAll)
    def steer_replacement_for_all(self, request: c.SteerReplacementForAll, context: Context) -> c.ReplacementView:
        """Any."""
        return self.app.room.execute(replacing.steer, request, context)

    @rpc(c.ListReplacements)
    def list_replacements(self, request: c.ListReplacements, context: Context) -> Page[c.ReplacementView]:
        """Newest first."""
        return progress.list_page(self.app.room, request, context)

    @rpc(c.GetReplacement)
    def get_replacement(self, request: c.GetReplacement, context: Context) -> c.ReplacementView:
        """How far it is."""
        return progress.get(self.app.room, request, context)

    @rpc(c.ListReplacementOrders)
    def list_replacement_orders(self, request: c.ListReplacementOrders, context: Context) -> Page[c.ReplacementOrder]:
        """And what each waits for."""
        return progress.list_orders(self.app.room, request, context)

    # --- what other rooms say ---

    @subscribe(billing.PaymentCaptured)
    def on_payment_captured(self, event: Envelope[billing.PaymentCaptured]) -> None:
        """→ OrderPaid."""
        self.app.room.react(reactions.on_payment_captured, event, name="orders.on_payment_captured")

    @subscribe(billing.ChargeRefused)
    def on_charge_refused(self, event: Envelope[billing.ChargeRefused]) -> None:
        """→ PaymentRefused."""
        self.app.room.react(reactions.on_charge_refused, event, name="orders.on_charge_refused")

    @subscribe(installer.CSRGenerated)
    def on_csr_generated(self, event: Envelope[installer.CSRGenerated]) -> None:
        """→ CSRSubmitted or CSRRejected."""
        self.app.room.react(reactions.on_csr_generated, event, name="orders.on_csr_generated")

    @subscribe(installer.CSRGenerationFailed)
    def on_csr_generation_failed(self, event: Envelope[installer.CSRGenerationFailed]) -> None:
        """→ CSRRejected."""
        self.app.room.react(reactions.on_csr_generation_failed, event, name="orders.on_csr_generation_failed")

    @subscribe(dcv.DCVPassed)
    def on_dcv_passed(self, event: Envelope[dcv.DCVPassed]) -> None:
        """→ AuthorizationRecorded, and IssuanceRequested with the last one."""
        self.app.room.react(reactions.on_dcv_passed, event, name="orders.on_dcv_passed")

    @subscribe(ca.CertificateSigned)
    def on_certificate_signed(self, event: Envelope[ca.CertificateSigned]) -> None:
        """→ CertIssued or IssuanceFailed."""
        self.app.room.react(reactions.on_certificate_signed, event, name="orders.on_certificate_signed")

    @subscribe(ca.IssuanceRefused)
    def on_issuance_refused(self, event: Envelope[ca.IssuanceRefused]) -> None:
        """→ IssuanceFailed."""
        self.app.room.react(reactions.on_issuance_refused, event, name="orders.on_issuance_refused")

    @subscribe(ca.IssuanceDelayed)
    def on_issuance_delayed(self, event: Envelope[ca.IssuanceDelayed]) -> None:
        """→ IssuanceDelayed."""
        self.app.room.react(reactions.on_issuance_delayed, event, name="orders.on_issuance_delayed")

    @subscribe(ca.RenewalSuggested)
    def on_renewal_suggested(self, event: Envelope[ca.RenewalSuggested]) -> None:
        """→ RenewalSuggested."""
        self.app.room.react(reactions.on_renewal_suggested, event, name="orders.on_renewal_suggested")

    @subscribe(ca.CertificateRevoked)
    def on_certificate_revoked(self, event: Envelope[ca.CertificateRevoked]) -> None:
        """→ CertRevoked."""
        self.app.room.react(reactions.on_certificate_revoked, event, name="orders.on_certificate_revoked")

    @subscribe(installer.DeploymentSucceeded)
    def on_deployment_succeeded(self, event: Envelope[installer.DeploymentSucceeded]) -> None:
        """→ CertInstalled."""
        self.app.room.react(reactions.on_deployment_succeeded, event, name="orders.on_deployment_succeeded")

    @subscribe(installer.DeploymentFailed)
    def on_deployment_failed(self, event: Envelope[installer.DeploymentFailed]) -> None:
        """→ InstallationFailed."""
        self.app.room.react(reactions.on_deployment_failed, event, name="orders.on_deployment_failed")

    @subscribe(installer.SiteFindingsChanged)
    def on_site_findings_changed(self, event: Envelope[installer.SiteFindingsChanged]) -> None:
        """→ InstallationWatched."""
        self.app.room.react(reactions.on_site_findings_changed, event, name="orders.on_site_findings_changed")

    # --- the clock ---

    @every(seconds=60)
    def expire(self) -> None:
        """→ OrderExpired for every order whose time is over."""
        room = self.app.room
        with room.query() as connection:
            due = orders_to_expire(connection, room.clock.now())
        for order_id in due:
            room.execute(clock.expire_order, order_id, system("orders"))

    @every(seconds=60)
    def reissue(self) -> None:
        """→ ReissueRequested for certificates that end before their term does, at their moment."""
        room = self.app.room
        with room.query() as connection:
            due = orders_to_reissue(connection, room.clock.now())
        for order_id in due:
            try:
                room.execute(clock.reissue_order, order_id, system("orders"))
            except ServiceError as error:
                _log.warning("order %s was not reissued: %s", order_id, error)

    @every(seconds=60)
    def install_again(self) -> None:
        """→ InstallationRequested for what failed without anybody having asked for it, at its moment."""
        room = self.app.room
        with room.query() as connection:
            due = orders_to_install_again(connection, room.clock.now())
        for order_id in due:
            room.execute(clock.install_again, order_id, system("orders"))

    @every(seconds=5)
    def replace(self) -> None:
        """→ ReplacementBegun for the next orders of every mass replacement that goes on, and its end."""
        replacing.advance(self.app.room, self.app.replacing)
