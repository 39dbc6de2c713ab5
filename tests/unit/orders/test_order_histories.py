# SPDX-License-Identifier: Apache-2.0
"""Random histories: any sequence of commands, reactions, repetitions and late arrivals keeps the order's promises."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from services.orders.model import ending, installing, issuing, placing, requesting
from services.orders.model.blocked_on import blocked_on
from services.orders.model.order import Order, fold
from services.orders.model.status import actions_of, status_of
from shared.clock import to_text
from shared.contracts import ca, installer, orders
from shared.errors import Code, ServiceError
from tests.support import order_builders as given

# Invariant I11: checklist 4.10 to 4.21, and the way back from installed by a reissue.
ARROWS = {
    "awaiting_payment": {"waiting_for_csr", "paid", "cancelled", "rejected"},
    "waiting_for_csr": {"processing", "cancelled", "rejected"},
    "processing": {"issued", "cancelled", "rejected"},
    "issued": {"installed", "expired", "revoked"},
    "installed": {"issued", "expired", "revoked"},
    "paid": set(),
    "expired": set(),
    "cancelled": set(),
    "revoked": set(),
    "rejected": set(),
}
KEYS = st.integers(1, 4)
NAMES = ("www.example.com", "example.com")
LUCK = st.integers(0, 5)  # what ends an order is rarer than what moves it
LEVELS = st.sampled_from(["DV", "OV"])


class Histories(RuleBasedStateMachine):
    """One order; everything the world may say of it, said at any time."""

    @initialize(
        level=LEVELS, kind=st.sampled_from(["certificate"] * 5 + ["topup"]), steps=st.sampled_from([0, 1, 2, 3, 4, 6])
    )
    def place(self, level, kind, steps):
        self.now = given.NOW
        self.ids = 0
        self.refusals = set()
        self.said = []  # what the CA was asked for, to be answered late, twice or never
        self.events = []
        self.status = "awaiting_payment"
        first = (
            given.placed_top_up()
            if kind == "topup"
            else given.placed(
                validation_level=level, organization=given.organization() if level == "OV" else None, names=list(NAMES)
            )
        )
        self.record([first])
        for _ in range(steps):
            self.goes_well()

    @property
    def order(self) -> Order:
        return fold(self.events)

    def new_id(self):
        self.ids += 1
        return f"id-{self.ids}"

    def record(self, events):
        for event in events:
            self.events.append(event)
            now_status = status_of(self.order)
            if now_status != self.status:
                assert now_status in ARROWS[self.status], (self.status, now_status, type(event).__name__)
                self.status = now_status
            if isinstance(event, orders.IssuanceRequested):
                self.said.append(event)

    def command(self, decide):
        """A refusal is always one of the expected kinds and changes nothing."""
        try:
            events = decide(self.order)
        except ServiceError as error:
            self.refusals.add(error.code)
        else:
            self.record(events)

    @rule()
    def goes_well(self):
        """The next step of the main job: without it, random histories hardly ever get past the payment."""
        status, order = status_of(self.order), self.order
        if status == "awaiting_payment":
            self.captured()
        elif status == "waiting_for_csr":
            self.submit(key=1)
        elif order.present_issuance is None and order.csr:
            self.validate_organization()
            self.passed_now()
        elif order.present_issuance is not None and order.present_issuance.status == "requested":
            self.answer(self.said[-1], {})
        elif status == "issued" and not any(one.status == "requested" for one in order.installations.values()):
            self.install()
        elif status == "issued":
            self.answer_deployment(next(reversed(self.installations())), worked=True)

    # --- commands ---

    @rule(key=KEYS)
    def submit(self, key):
        csr = given.csr(NAMES, key)
        self.command(lambda order: requesting.submit_csr(order, csr, unique_value=self.new_id(), now=self.now))

    @rule()
    def request_csr(self):
        self.command(
            lambda order: requesting.request_csr(order, "server-1", "ec-p256", request_id=self.new_id(), now=self.now)
        )

    @rule(key=KEYS, on_server=st.booleans())
    def reissue(self, key, on_server):
        self.command(
            lambda order: requesting.reissue(
                order,
                csr=None if on_server else given.csr(NAMES, key),
                server_id="server-1" if on_server else None,
                key_algorithm="ec-p256",
                fresh_id=self.new_id(),
                reason="asked",
                now=self.now,
            )
        )

    @rule()
    def reissue_by_the_clock(self):
        self.command(lambda order: requesting.reissue_in_term(order, request_id=self.new_id(), now=self.now))

    @rule(luck=LUCK)
    def cancel(self, luck):
        if luck:
            return
        self.command(lambda order: ending.cancel(order, self.now))

    @rule(luck=LUCK)
    def reject(self, luck):
        if luck:
            return
        self.command(lambda order: ending.reject(order, "No.", self.now))

    @rule(luck=LUCK)
    def revoke(self, luck):
        if luck:
            return
        self.command(lambda order: ending.revoke(order, "superseded", self.now))

    @rule()
    def install(self):
        self.command(
            lambda order: installing.request_installation(
                order, "server-1", ["site-1"], new_id=self.new_id, now=self.now
            )
        )

    @rule()
    def renew(self):
        self.command(lambda order: placing.renew(order, "order-2", self.now))

    @rule()
    def validate_organization(self):
        self.command(lambda order: placing.validate_organization(order, "user:op", "", self.now))

    # --- what other rooms say, at any time, any number of times ---

    @rule()
    def captured(self):
        fact = given.captured(self.order.amount)
        self.record(placing.record_payment(self.order, fact, self.now))

    @rule(luck=LUCK)
    def refused(self, luck):
        if luck:
            return
        self.record(placing.refuse_payment(self.order, "The quote was used."))

    @rule(
        version=st.integers(1, 6), fqdn=st.sampled_from([*NAMES, "evil.example.com"]), days=st.sampled_from([0, 1, 199])
    )
    def passed(self, version, fqdn, days):
        fact = given.passed(fqdn, version, days=days, now=self.now)
        self.record(issuing.record_authorization(self.order, fact, self.now))

    @rule()
    def passed_now(self):
        """What the world mostly does: both names of the present CSR are proved."""
        for fqdn in NAMES:
            fact = given.passed(fqdn, self.order.csr_version, now=self.now)
            self.record(issuing.record_authorization(self.order, fact, self.now))

    @rule(data=st.data(), wrong=st.sampled_from([{}, {}, {}, {"number": 9}, {"names": ("evil.example.com",)}]))
    def signed(self, data, wrong):
        if not self.said:
            return
        self.answer(data.draw(st.sampled_from(self.said)), wrong)

    def answer(self, asked, wrong):
        number = next(key for key in range(1, 5) if given.csr(NAMES, key).pem == asked.csr_pem)
        fields = {"names": NAMES, "number": number, "now": self.now, "days": 46, **wrong}
        fact = given.signed(asked.csr_version, **fields)
        before = len(self.order.certificates)
        self.record(issuing.record_certificate(self.order, fact, self.now))
        if len(self.order.certificates) > before:
            self.record(installing.install_again(self.order, new_id=self.new_id))

    @rule(data=st.data())
    def not_signed(self, data):
        if not self.said:
            return
        asked = data.draw(st.sampled_from(self.said))
        fact = ca.IssuanceRefused(
            issuance_id=asked.issuance_id,
            order_id=asked.order_id,
            account_id=asked.account_id,
            csr_version=asked.csr_version,
            reason="CAA forbids it.",
        )
        self.record(issuing.record_refusal(self.order, fact))

    @rule(key=KEYS, back=st.integers(0, 2))
    def generated(self, key, back):
        requests = [event.request_id for event in self.events if isinstance(event, orders.CSRRequested)]
        if len(requests) > back:
            pem = given.csr_pem(NAMES, key)
            self.record(
                requesting.record_generated_csr(
                    self.order, requests[-1 - back], pem, unique_value=self.new_id(), owner=None, now=self.now
                )
            )

    @rule(worked=st.booleans(), data=st.data())
    def deployed(self, worked, data):
        wanted = self.installations()
        if wanted:
            self.answer_deployment(data.draw(st.sampled_from(wanted)), worked=worked)

    def installations(self):
        return [event for event in self.events if isinstance(event, orders.InstallationRequested)]

    def answer_deployment(self, one, *, worked):
        fields = {
            "order_id": one.order_id,
            "account_id": one.account_id,
            "installation_id": one.installation_id,
            "server_id": one.server_id,
            "site_id": one.site_id,
        }
        if worked:
            fact = installer.DeploymentSucceeded(**fields, served_serial=one.serial)
            self.record(installing.record_deployment(self.order, fact, self.now))
        else:
            fact = installer.DeploymentFailed(**fields, reason="nginx -t failed.", rolled_back=True)
            self.record(installing.record_failed_deployment(self.order, fact, self.now))

    @rule()
    def tried_again(self):
        for _ in range(2):  # the clock may look twice
            events = installing.install_once_more(self.order, new_id=self.new_id, now=self.now)
            places = {(one.server_id, one.site_id): one for one in self.order.installations.values()}
            for event in events:
                before = places[event.server_id, event.site_id]
                assert before.status == "failed"
                assert before.automatic
                assert event.automatic
                assert event.csr_version == self.order.certificate.csr_version
            self.record(events)
        assert installing.install_once_more(self.order, new_id=self.new_id, now=self.now) == []

    @rule(version=st.integers(1, 6))
    def revoked(self, version):
        fact = ca.CertificateRevoked(
            serial=f"{0x0ABC00 + version:X}",
            order_id=given.ORDER,
            account_id=given.ACCOUNT,
            reason="superseded",
            revoked_at=to_text(self.now),
        )
        self.record(ending.record_revocation(self.order, fact))

    @rule(days=st.sampled_from([1, 20, 60, 200]))
    def time_passes(self, days):
        self.now += timedelta(days=days)
        self.record(ending.expire(self.order, self.now))

    # --- promises ---

    @invariant()
    def one_issuance_and_one_certificate_per_csr_version(self):
        asked = [event.csr_version for event in self.events if isinstance(event, orders.IssuanceRequested)]
        issued = [event.csr_version for event in self.events if isinstance(event, orders.CertIssued)]
        assert len(asked) == len(set(asked))
        assert len(issued) == len(set(issued))
        assert set(issued) <= set(asked)

    @invariant()
    def issuance_is_asked_for_only_with_payment_every_proof_and_the_organization(self):
        for index, event in enumerate(self.events):
            if isinstance(event, orders.IssuanceRequested):
                before = fold(self.events[:index])
                assert before.paid
                assert set(before.authorizations) == set(NAMES)
                assert before.validation_level == "DV" or before.organization_validated

    @invariant()
    def the_order_ends_once_and_gives_money_back_once_and_only_what_was_paid(self):
        ends = [event for event in self.events if isinstance(event, orders.OrderCancelled | orders.OrderRejected)]
        paid = [event for event in self.events if isinstance(event, orders.OrderPaid)]
        assert len(ends) <= 1
        assert len(paid) <= 1
        assert all(event.refund == (self.order.amount if paid else 0) for event in ends)

    @invariant()
    def every_certificate_fits_and_what_does_not_fit_is_revoked(self):
        for event in self.events:
            if isinstance(event, orders.CertIssued):
                assert set(event.names) == set(NAMES)
        failed = sum(isinstance(event, orders.IssuanceFailed) for event in self.events)
        signed_in_vain = sum(
            isinstance(event, orders.RevocationRequested) and isinstance(before, orders.IssuanceFailed)
            for before, event in zip(self.events, self.events[1:], strict=False)
        )
        assert signed_in_vain <= failed

    @invariant()
    def an_open_order_says_what_it_waits_for(self):
        order = self.order
        reasons = blocked_on(order, self.now)
        if status_of(order) in {"awaiting_payment", "waiting_for_csr", "processing", "issued"}:
            assert reasons, status_of(order)
        if order.reissuing or status_of(order) in {"paid", "cancelled", "revoked", "rejected"}:
            return
        for one in reasons:
            assert not one.action or one.action in actions_of(order, self.now), one

    @invariant()
    def refusals_are_of_the_expected_kinds(self):
        assert self.refusals <= {Code.ACTION_NOT_ALLOWED, Code.INVALID, Code.CONFLICT}


TestHistories = Histories.TestCase
TestHistories.settings = settings(max_examples=100, stateful_step_count=30)
