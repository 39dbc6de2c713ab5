# SPDX-License-Identifier: Apache-2.0
"""The CA on the wire."""

from __future__ import annotations

from functools import partial

from services.ca import bootstrap, handlers, jobs
from services.ca.model.known_rules import rules_at
from shared.context import Context
from shared.contracts import ca, orders
from shared.eventsourcing.envelope import Envelope
from shared.messaging.rpc import rpc
from shared.messaging.subscribe import subscribe
from shared.messaging.timers import every
from shared.runtime.service import Service


class CAService(Service):
    """Signs what orders ask for, revokes, publishes CRLs."""

    name = "ca"
    build = staticmethod(bootstrap.build)
    app: bootstrap.App

    @rpc(ca.GetRules)
    def get_rules(self, _request: ca.GetRules, _context: Context) -> ca.RulesView:
        """The dated rules of the field."""
        return rules_at(self.app.room.clock.now())

    @rpc(ca.GetChain)
    def get_chain(self, _request: ca.GetChain, _context: Context) -> ca.CAChain:
        """Root and issuing certificate."""
        return self.app.issuer.chain()

    @rpc(ca.GetCRL)
    def get_crl(self, _request: ca.GetCRL, _context: Context) -> ca.CRLFile:
        """The newest CRL."""
        return jobs.current_crl(self.app)

    @rpc(ca.AnswerOCSP)
    def answer_ocsp(self, request: ca.AnswerOCSP, _context: Context) -> ca.OCSPFile:
        """Good, revoked or unknown."""
        return jobs.answer_ocsp(self.app, request)

    @subscribe(orders.IssuanceRequested)
    def on_issuance_requested(self, event: Envelope[orders.IssuanceRequested]) -> None:
        """Accepts or refuses; a job signs."""
        handler = partial(handlers.on_issuance_requested, policy=self.app.policy)
        self.app.room.react(handler, event, name="ca.on_issuance_requested")

    @subscribe(orders.RevocationRequested)
    def on_revocation_requested(self, event: Envelope[orders.RevocationRequested]) -> None:
        """Revokes."""
        self.app.room.react(handlers.on_revocation_requested, event, name="ca.on_revocation_requested")

    @every(seconds=600)
    def renew_crl(self) -> None:
        """Keeps the CRL fresh when nothing is revoked."""
        jobs.renew_crl(self.app)
