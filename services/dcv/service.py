# SPDX-License-Identifier: Apache-2.0
"""Validation on the wire: requests, subscriptions, timers."""

from __future__ import annotations

from functools import partial

import msgspec

from services.dcv import bootstrap, projections
from services.dcv.handlers import challenges, mailing, views
from shared.clock import to_text
from shared.context import Context, system
from shared.contracts import dcv, installer, orders
from shared.contracts.base import Page
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

    @rpc(dcv.ChooseMethod)
    def choose_method(self, request: dcv.ChooseMethod, context: Context) -> dcv.AuthorizationView:
        """Chooses how a name is proved."""
        handler = partial(challenges.choose_method, settings=self.app.own, mint=self.app.mint)
        return self.app.room.execute(handler, request, context)

    @rpc(dcv.PlaceDCVFile)
    def place_dcv_file(self, request: dcv.PlaceDCVFile, context: Context) -> dcv.AuthorizationView:
        """Has an agent place the file."""
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

    @subscribe(orders.CSRSubmitted)
    def on_csr_submitted(self, event: Envelope[orders.CSRSubmitted]) -> None:
        """An order needs its names proved."""
        self.app.room.react(challenges.on_csr_submitted, event, name="dcv.on_csr_submitted")

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
