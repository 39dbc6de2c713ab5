# SPDX-License-Identifier: Apache-2.0
"""Validation on the wire: requests, subscriptions, timers."""

from __future__ import annotations

from functools import partial

import msgspec

from services.dcv import bootstrap, projections
from services.dcv.handlers import acme, challenges, mailing, preflight, views
from shared.clock import to_text
from shared.context import Context, system
from shared.contracts import dcv, installer, orders
from shared.contracts.base import Page
from shared.contracts.installer.readiness import ask_whether_ready
from shared.contracts.preflight import PreflightView, RunPreflight
from shared.eventsourcing.envelope import Envelope
from shared.messaging.rpc import rpc
from shared.messaging.subscribe import subscribe
from shared.messaging.timers import every
from shared.runtime.service import Service


class DCVService(Service):
    """Authorizations and their challenges."""

    name = "dcv"
    build = staticmethod(bootstrap.build)
    app: bootstrap.App

    @rpc(dcv.ListAuthorizations)
    def list_authorizations(self, request: dcv.ListAuthorizations, context: Context) -> Page[dcv.AuthorizationView]:
        """Names with their challenges."""
        return views.list_authorizations(self.app.room, self.app.own, request, context)

    @rpc(dcv.ListMailContacts)
    def list_mail_contacts(self, request: dcv.ListMailContacts, context: Context) -> dcv.MailContactsView:
        """Whom a mail may go to."""
        return views.list_contacts(self.app.room, self.app.contacts, request, context)

    @rpc(dcv.ChooseMethod)
    def choose_method(self, request: dcv.ChooseMethod, context: Context) -> dcv.AuthorizationView:
        """Chooses how a name is proved."""
        handler = partial(challenges.choose_method, settings=self.app.own, mint=self.app.mint)
        return self.app.room.execute(handler, request, context)

    @rpc(dcv.PlaceDCVFile)
    def place_dcv_file(self, request: dcv.PlaceDCVFile, context: Context) -> dcv.AuthorizationView:
        """Has an agent place the file, if something can be done on the server now."""
        ask_whether_ready(self.client.send, request.server_id, context)
        return self.app.room.execute(partial(challenges.place_file, settings=self.app.own), request, context)

    @rpc(dcv.CheckDCV)
    def check_dcv(self, request: dcv.CheckDCV, context: Context) -> dcv.AuthorizationView:
        """Looks now."""
        return self.app.room.execute(partial(challenges.check, settings=self.app.own), request, context)

    @rpc(dcv.SubmitDCVCode)
    def submit_dcv_code(self, request: dcv.SubmitDCVCode, context: Context) -> dcv.AuthorizationView:
        """Takes the code of a mail."""
        self.app.room.execute(mailing.count_try, request, msgspec.structs.replace(context, command_id=None))
        return self.app.room.execute(partial(mailing.submit_code, settings=self.app.own), request, context)

    @rpc(RunPreflight)
    def run_preflight(self, request: RunPreflight, context: Context) -> PreflightView:
        """Looks at names before they are ordered."""
        return preflight.run(self.app.room, self.app.scout, request, context)

    @rpc(dcv.GetMailConfirmation)
    def get_mail_confirmation(self, request: dcv.GetMailConfirmation, _context: Context) -> dcv.MailConfirmation:
        """Looks at a mailed link."""
        return mailing.look_at_link(self.app.room, request)

    @rpc(dcv.ConfirmDCVMail)
    def confirm_dcv_mail(self, request: dcv.ConfirmDCVMail, context: Context) -> dcv.MailConfirmation:
        """Uses a mailed link."""
        # The token says whose validation this is; the public has no account.
        owner = mailing.account_of(self.app.room, request.token)
        return self.app.room.execute(mailing.confirm_link, request, msgspec.structs.replace(context, account_id=owner))

    @rpc(dcv.GetACMEAuthorization)
    def get_acme_authorization(self, request: dcv.GetACMEAuthorization, context: Context) -> dcv.ACMEAuthorizationView:
        """Token and state."""
        return acme.get_authorization(self.app.room, request, context)

    @rpc(dcv.AnswerACMEChallenge)
    def answer_acme_challenge(self, request: dcv.AnswerACMEChallenge, context: Context) -> dcv.ACMEAuthorizationView:
        """Looks now."""
        return self.app.room.execute(acme.answer, request, context)

    @rpc(dcv.EndACMEAuthorization)
    def end_acme_authorization(self, request: dcv.EndACMEAuthorization, context: Context) -> dcv.ACMEAuthorizationView:
        """Gives it up."""
        return self.app.room.execute(acme.end, request, context)

    @subscribe(orders.ACMEOrderOpened)
    def on_acme_order_opened(self, event: Envelope[orders.ACMEOrderOpened]) -> None:
        """An ACME client is to prove names."""
        self.app.room.react(partial(acme.on_order_opened, mint=self.app.mint), event, name="dcv.on_acme_order_opened")

    @subscribe(orders.CSRSubmitted)
    def on_csr_submitted(self, event: Envelope[orders.CSRSubmitted]) -> None:
        """An order needs its names proved."""
        handler = partial(challenges.on_csr_submitted, settings=self.app.own)
        self.app.room.react(handler, event, name="dcv.on_csr_submitted")

    @subscribe(orders.OrderCancelled, orders.OrderRejected)
    def on_order_ended(self, event: Envelope[orders.OrderCancelled]) -> None:
        """An order needs nothing any more."""
        self.app.room.react(challenges.on_order_ended, event, name="dcv.on_order_ended")

    @subscribe(installer.DCVFilePlaced)
    def on_file_placed(self, event: Envelope[installer.DCVFilePlaced]) -> None:
        """The file stands."""
        self.app.room.react(challenges.on_file_placed, event, name="dcv.on_file_placed")

    @subscribe(installer.DCVFileFailed)
    def on_file_failed(self, event: Envelope[installer.DCVFileFailed]) -> None:
        """The file could not be placed."""
        self.app.room.react(challenges.on_file_failed, event, name="dcv.on_file_failed")

    @every(seconds=600)
    def expire(self) -> None:
        """Says which proofs have become too old."""
        with self.app.room.query() as connection:
            due = projections.expired_by(connection, to_text(self.app.room.clock.now()))
        for authorization_id, account_id in due:
            self.app.room.execute(challenges.expire, authorization_id, system("dcv", account_id=account_id))
