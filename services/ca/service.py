# SPDX-License-Identifier: Apache-2.0
"""The CA on the wire."""

from __future__ import annotations

from functools import partial

from services.ca import bootstrap, handlers, jobs
from services.ca.model.known_rules import rules_at
from shared.context import Context
from shared.contracts import ca, installer, orders
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
    def get_chain(self, request: ca.GetChain, _context: Context) -> ca.CAChain:
        """Root and issuing certificate."""
        return jobs.authority_of(self.app, jobs.numbered(request.issuer)).chain()

    @rpc(ca.GetCRL)
    def get_crl(self, request: ca.GetCRL, _context: Context) -> ca.CRLFile:
        """The newest CRL."""
        return jobs.current_crl(self.app, jobs.numbered(request.issuer))

    @rpc(ca.GetRootCRL)
    def get_root_crl(self, _request: ca.GetRootCRL, _context: Context) -> ca.CRLFile:
        """The root's CRL."""
        return jobs.root_crl(self.app)

    @rpc(ca.AnswerOCSP)
    def answer_ocsp(self, request: ca.AnswerOCSP, _context: Context) -> ca.OCSPFile:
        """Good, revoked or unknown."""
        return jobs.answer_ocsp(self.app, request)

    @rpc(ca.GetChallengeAnswer)
    def get_challenge_answer(self, request: ca.GetChallengeAnswer, _context: Context) -> ca.ChallengeAnswerFile:
        """What another CA looks for."""
        return jobs.get_challenge_answer(self.app, request)

    @subscribe(orders.IssuanceRequested)
    def on_issuance_requested(self, event: Envelope[orders.IssuanceRequested]) -> None:
        """Accepts or refuses; a job signs."""
        jobs.notice_authorities(self.app)
        handler = partial(handlers.on_issuance_requested, policy=self.app.policy)
        self.app.room.react(handler, event, name="ca.on_issuance_requested")

    @subscribe(orders.RevocationRequested)
    def on_revocation_requested(self, event: Envelope[orders.RevocationRequested]) -> None:
        """Revokes."""
        self.app.room.react(handlers.on_revocation_requested, event, name="ca.on_revocation_requested")

    @every(seconds=15)
    def notice_authorities(self) -> None:
        """Sees what an operator has changed in the CA's folder."""
        jobs.notice_authorities(self.app)

    @subscribe(installer.ACMEFilePlaced)
    def on_acme_file_placed(self, event: Envelope[installer.ACMEFilePlaced]) -> None:
        """The other CA may look now."""
        self.app.room.react(handlers.on_acme_file_placed, event, name="ca.on_acme_file_placed")

    @every(seconds=600)
    def renew_crl(self) -> None:
        """Keeps the CRLs fresh when nothing is revoked."""
        jobs.renew_crl(self.app)
