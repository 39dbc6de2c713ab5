# SPDX-License-Identifier: Apache-2.0
"""Billing on the wire: requests, subscriptions, and the sandbox provider's life."""

from __future__ import annotations

import base64
import logging
from functools import partial

from msgspec.structs import replace
from nameko.extensions import DependencyProvider

from services.billing import bootstrap, jobs
from services.billing.handlers import charges, invoices, quotes, statements, vouchers
from services.billing.projections import check_ledger
from shared.context import Context, system
from shared.contracts import accounts, billing, orders
from shared.contracts.base import Done, Page
from shared.eventsourcing.envelope import Envelope
from shared.messaging.rpc import rpc
from shared.messaging.subscribe import subscribe
from shared.runtime.service import Service

_log = logging.getLogger(__name__)


class Sandbox(DependencyProvider):
    """Runs the sandbox payment provider as long as the service runs."""

    def start(self) -> None:
        """Begins to serve the payment page, unless another replica does."""
        sandbox = self.container.app.sandbox
        if sandbox is None:
            return
        if sandbox.start():
            _log.info("the sandbox payment provider serves %s", sandbox.base_url)
        else:
            _log.info("the sandbox payment provider already serves %s", sandbox.base_url)

    def stop(self) -> None:
        """Ends it."""
        if self.container.app.sandbox is not None:
            self.container.app.sandbox.stop()


class BillingService(Service):
    """Catalogue, quotes, payments, deposits, ledger."""

    name = "billing"
    build = staticmethod(bootstrap.build)
    app: bootstrap.App
    sandbox = Sandbox()

    @rpc(billing.ListProducts)
    def list_products(self, request: billing.ListProducts, _context: Context) -> Page[billing.Product]:
        """The catalogue."""
        return quotes.list_products(request, prices=self.app.prices)

    @rpc(billing.CreateQuote)
    def create_quote(self, request: billing.CreateQuote, context: Context) -> billing.QuoteView:
        """Names a price."""
        return self.app.room.execute(partial(quotes.create_quote, prices=self.app.prices), request, context)

    @rpc(billing.GetQuote)
    def get_quote(self, request: billing.GetQuote, context: Context) -> billing.QuoteView:
        """A quote as it stands."""
        return quotes.get_quote(self.app.room, request, context)

    @rpc(billing.StartPayment)
    def start_payment(self, request: billing.StartPayment, context: Context) -> billing.ChargeView:
        """Opens the payment page, or draws from the deposit."""
        return jobs.start_payment(self.app, request, context)

    @rpc(billing.GetCharge)
    def get_charge(self, request: billing.GetCharge, context: Context) -> billing.ChargeView:
        """What an order owes."""
        return statements.get_charge(self.app.room, request, context)

    @rpc(billing.RecordProviderNotice)
    def record_provider_notice(self, request: billing.RecordProviderNotice, context: Context) -> Done:
        """A webhook of the provider."""
        return jobs.record_notice(self.app, request, context)

    @rpc(billing.ConfirmReturn)
    def confirm_return(self, request: billing.ConfirmReturn, context: Context) -> billing.ChargeView:
        """The customer is back from the payment page."""
        return jobs.confirm_return(self.app, request, context)

    @rpc(billing.GetBalance)
    def get_balance(self, request: billing.GetBalance, context: Context) -> billing.BalanceView:
        """The deposit."""
        return statements.get_balance(self.app.room, request, context, prices=self.app.prices)

    @rpc(billing.ListStatement)
    def list_statement(self, request: billing.ListStatement, context: Context) -> Page[billing.StatementLine]:
        """The deposit's movements."""
        return statements.list_statement(self.app.room, request, context)

    @rpc(billing.RequestInvoice)
    def request_invoice(self, request: billing.RequestInvoice, context: Context) -> billing.InvoiceView:
        """The accounts service is asked before the transaction begins: never call out inside one."""
        reader = system("billing", account_id=context.account_id)
        account = self.client.send(
            accounts.GetAccount(), replace(reader, permissions=frozenset({accounts.GetAccount.PERMISSION.value}))
        )
        handler = partial(invoices.request_invoice, account=account, seller=self.app.seller)
        return self.app.room.execute(handler, request, context)

    @rpc(billing.GetInvoice)
    def get_invoice(self, request: billing.GetInvoice, context: Context) -> billing.InvoiceView:
        """As it was made."""
        return invoices.get_invoice(self.app.room, request, context)

    @rpc(billing.GetInvoiceFile)
    def get_invoice_file(self, request: billing.GetInvoiceFile, context: Context) -> billing.InvoiceFile:
        """To print."""
        found = invoices.get_invoice(self.app.room, request, context)
        pdf = base64.b64encode(self.app.printer(found)).decode()
        return billing.InvoiceFile(number=found.number, pdf_base64=pdf)

    @rpc(billing.MakeVoucher)
    def make_voucher(self, request: billing.MakeVoucher, context: Context) -> billing.VoucherView:
        """A new voucher."""
        return self.app.room.execute(partial(vouchers.make_voucher, prices=self.app.prices), request, context)

    @rpc(billing.EndVoucher)
    def end_voucher(self, request: billing.EndVoucher, context: Context) -> billing.VoucherView:
        """For no further order."""
        return self.app.room.execute(vouchers.end_voucher, request, context)

    @rpc(billing.ListVouchers)
    def list_vouchers(self, request: billing.ListVouchers, _context: Context) -> Page[billing.VoucherView]:
        """Newest first."""
        return vouchers.list_page(self.app.room, request)

    @rpc(billing.CheckLedger)
    def check_ledger(self, _request: billing.CheckLedger, _context: Context) -> billing.LedgerCheck:
        """The sums that must be zero."""
        with self.app.room.query() as connection:
            return check_ledger(connection)

    @subscribe(orders.OrderPlaced)
    def on_order_placed(self, event: Envelope[orders.OrderPlaced]) -> None:
        """Opens the charge."""
        self.app.room.react(charges.on_order_placed, event, name="billing.on_order_placed")

    @subscribe(orders.OrderCancelled)
    def on_order_cancelled(self, event: Envelope[orders.OrderCancelled]) -> None:
        """Closes the charge or gives the money back."""
        self.app.room.react(charges.on_order_given_up, event, name="billing.on_order_cancelled")

    @subscribe(orders.OrderRejected)
    def on_order_rejected(self, event: Envelope[orders.OrderRejected]) -> None:
        """Closes the charge or gives the money back."""
        self.app.room.react(charges.on_order_given_up, event, name="billing.on_order_rejected")
