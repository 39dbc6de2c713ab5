# SPDX-License-Identifier: Apache-2.0
"""The orders room on SQLite: the main job through handlers, tenants, lists, history, repetition, the clock."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import timedelta
from functools import partial

import msgspec
import pytest

from services.orders import bootstrap
from services.orders.handlers import clock, commands, queries, reactions
from services.orders.model.history import actor_kind
from services.orders.model.renewal import renewed_at
from services.orders.model.requesting import read_csr
from services.orders.projections.finding import orders_to_expire, orders_to_reissue
from services.orders.projections.trying_again import orders_to_install_again
from shared import metrics
from shared.clock import from_text, to_text
from shared.context import system
from shared.contracts import billing, installer, orders
from shared.errors import Code, ServiceError
from shared.eventstore import rebuild
from shared.eventstore.database import Database
from shared.settings import Settings
from tests.support import order_builders as given
from tests.support.rooms import CountingIds, StandingClock, customer, operator, sent, with_tables


class Story:
    """Drives one room as its service does."""

    def __init__(self, database=None):
        self.clock = StandingClock()
        self.database = database or Database.memory("orders")
        self.app = with_tables(bootstrap.build(Settings(), clock=self.clock, ids=CountingIds(), database=self.database))
        self.room = self.app.room
        self.quotes = 0

    def quote(self, account_id="account-1", **changes):
        self.quotes += 1
        fields = {
            "quote_id": f"quote-{self.quotes}",
            "account_id": account_id,
            "product": "dv-single",
            "product_name": "DV Single",
            "form": "single",
            "validation_level": "DV",
            "names": ["www.example.com"],
            "term_years": 1,
            "lines": [],
            "tax": 0,
            "total": 4595,
            "currency": "USD",
            "created_at": to_text(self.clock.now()),
            "expires_at": to_text(self.clock.now() + timedelta(minutes=30)),
        }
        return billing.QuoteView(**{**fields, **changes})

    def place(self, account_id="account-1", *, quote=None, command_id=None, **changes):
        quote = quote or self.quote(account_id)
        request = orders.PlaceOrder(
            **{
                "quote_id": quote.quote_id,
                "common_name": quote.names[0],
                "agreement_accepted": True,
                "dcv_method": "http_csr_hash",
                **changes,
            }
        )
        return self.room.execute(
            partial(commands.place_order, quote=quote), request, customer(account_id, command_id=command_id)
        )

    def do(self, handler, request, context=None, **more):
        return self.room.execute(partial(handler, **more), request, context or customer())

    def tell(self, handler, fact, event_id=None):
        return self.room.react(handler, sent(fact, event_id), name=f"orders.{handler.__name__}")

    def get(self, order_id, context=None, as_of=None):
        return queries.get_order(self.room, orders.GetOrder(order_id=order_id, as_of=as_of), context or customer())

    def paid(self, **changes):
        order = self.place(**changes)
        self.tell(reactions.on_payment_captured, given.captured(order_id=order.order_id))
        return self.get(order.order_id)

    def submit(self, order_id, number=1, context=None):
        request = orders.SubmitCSR(order_id=order_id, csr=given.csr_pem(number=number))
        return self.do(commands.submit_csr, request, context, csr=read_csr(request.csr))

    def issued(self, version=1, number=None):
        order = self.paid()
        self.submit(order.order_id, number or 1)
        self.tell(reactions.on_dcv_passed, given.passed(order_id=order.order_id, now=self.clock.now()))
        self.sign(order.order_id, version, number=number)
        return self.get(order.order_id)

    def sign(self, order_id, version=1, **changes):
        changes.setdefault("now", self.clock.now())
        self.tell(reactions.on_certificate_signed, given.signed(version, order_id=order_id, **changes))

    def deployed(self, order):
        one = order.installations[0]
        self.tell(
            reactions.on_deployment_succeeded,
            installer.DeploymentSucceeded(
                order_id=order.order_id,
                account_id=order.account_id,
                installation_id=one.installation_id,
                server_id=one.server_id,
                site_id=one.site_id,
                served_serial=order.certificate.serial,
            ),
        )


@pytest.fixture
def story():
    with told(Story()) as found:
        yield found


@contextmanager
def told(story):
    """The story, and afterwards the look whether list, read model and events agree."""
    yield story
    assert rebuild.check(story.room).equal
    whole = queries.list_page(story.room, orders.ListOrders(limit=200), operator()).items
    assert all(row.allowed_actions == [] for row in whole)
    accounts = sorted({row.account_id for row in whole})
    request = orders.ListOrders(limit=200)
    own = [row for one in accounts for row in queries.list_page(story.room, request, customer(one)).items]
    assert len(own) == len(whole)
    for row in own:
        shown = story.get(row.order_id, customer(row.account_id))
        assert (row.status, row.version, row.expires_at, row.allowed_actions) == (
            shown.status, shown.version, shown.expires_at, shown.allowed_actions,
        )  # fmt: skip
    story.database.close()


def refused(call, *arguments, **more):
    with pytest.raises(ServiceError) as error:
        call(*arguments, **more)
    return error.value


def types(story, order_id):
    history = queries.get_history(story.room, orders.GetOrderHistory(order_id=order_id), customer())
    return [entry.type.removeprefix("orders.") for entry in history.items]


def test_the_main_job_from_order_to_installed(story):
    order = story.paid()
    story.do(
        commands.request_csr, orders.RequestCSR(order_id=order.order_id, server_id="server-1", key_algorithm="ec-p256")
    )
    request = story.room.events(f"order-{order.order_id}")[-1].data
    story.tell(
        reactions.on_csr_generated,
        installer.CSRGenerated(
            order_id=order.order_id,
            account_id="account-1",
            request_id=request.request_id,
            server_id="server-1",
            csr_pem=given.csr_pem(),
        ),
    )
    story.tell(reactions.on_dcv_passed, given.passed(order_id=order.order_id))
    story.sign(order.order_id)
    order = story.do(
        commands.request_installation,
        orders.RequestInstallation(order_id=order.order_id, server_id="server-1", site_ids=["site-1"]),
    )
    story.deployed(order)
    order = story.get(order.order_id)
    assert (order.status, order.number, order.certificate.serial) == ("installed", 2_000_001, "ABC01")
    assert order.authorizations[0].authorized
    assert order.installations[0].served_serial == "ABC01"
    assert types(story, order.order_id) == [
        "OrderPlaced", "OrderPaid", "CSRRequested", "CSRSubmitted", "AuthorizationRecorded", "IssuanceRequested",
        "CertIssued", "InstallationRequested", "CertInstalled",
    ]  # fmt: skip


def test_a_certificate_goes_on_several_sites_with_one_first(story):
    order = story.issued()
    plans = [orders.ApprovedPlan(site_id="site-3", plan_id="plan-3", plan_sha256="ab" * 32)]
    asked = orders.RequestInstallation(
        order_id=order.order_id, server_id="server-1", site_ids=["site-1", "site-2", "site-3"], canary="site-2",
        plans=plans,
    )  # fmt: skip
    order = story.do(commands.request_installation, asked)
    assert [(one.site_id, one.status, one.canary) for one in reversed(order.installations)] == [
        ("site-2", "requested", True), ("site-1", "queued", False), ("site-3", "queued", False),
    ]  # fmt: skip
    assert order.installations[0].approved_by == customer().actor
    story.deployed(msgspec.structs.replace(order, installations=order.installations[2:]))
    order = story.get(order.order_id)
    assert {one.status for one in order.installations} == {"installed", "requested"}
    assert types(story, order.order_id)[-6:] == [
        "InstallationRequested", "InstallationQueued", "InstallationQueued", "CertInstalled", "InstallationRequested",
        "InstallationRequested",
    ]  # fmt: skip
    one = order.installations[0]
    failed = installer.DeploymentFailed(
        order_id=order.order_id, account_id="account-1", installation_id=one.installation_id, server_id="server-1",
        site_id="site-3", reason="It is another host.", rolled_back=False, code="plan_changed",
    )  # fmt: skip
    story.tell(reactions.on_deployment_failed, failed)
    order = story.get(order.order_id)
    assert (order.status, order.installations[0].status, order.installations[0].code) == (
        "installed", "failed", "plan_changed",
    )  # fmt: skip
    assert all(one.requested_at for one in order.installations)


def test_every_event_of_the_history_has_a_sentence(story):
    order = story.issued()
    history = queries.get_history(story.room, orders.GetOrderHistory(order_id=order.order_id), customer())
    assert all(entry.summary.endswith(".") and entry.summary != entry.type for entry in history.items)
    assert {entry.actor_kind for entry in history.items} == {actor_kind(entry.actor) for entry in history.items}
    assert history.items[0].summary == "DV Single for www.example.com was ordered for USD 45.95."


@pytest.mark.parametrize(
    ("actor", "kind"),
    [("user:1", "person"), ("token:1", "token"), ("agent:1", "agent"), ("system:ca", "system"), ("public", "system")],
)
def test_the_history_tells_people_from_programs(actor, kind):
    assert actor_kind(actor) == kind


def test_history_is_paged(story):
    order = story.issued()
    request = orders.GetOrderHistory(order_id=order.order_id, limit=4)
    first = queries.get_history(story.room, request, customer())
    rest = queries.get_history(
        story.room, orders.GetOrderHistory(order_id=order.order_id, cursor=first.next_cursor), customer()
    )
    assert [entry.version for entry in [*first.items, *rest.items]] == [1, 2, 3, 4, 5, 6]
    assert (first.total, rest.next_cursor) == (6, None)


def test_an_order_is_shown_as_it_was(story):
    order = story.place()
    story.clock.move(minutes=5)
    before = to_text(story.clock.now())
    story.clock.move(minutes=5)
    story.tell(reactions.on_payment_captured, given.captured(order_id=order.order_id))
    assert story.get(order.order_id, as_of=before).status == "awaiting_payment"
    assert story.get(order.order_id).status == "waiting_for_csr"
    too_early = to_text(from_text(order.placed_at) - timedelta(seconds=1))
    assert refused(story.get, order.order_id, as_of=too_early).code == Code.NOT_FOUND
    for moment in ("yesterday", "0001-01-01T00:00:00+12:00", "9999-12-31T23:59:59-12:00", "2026-11-23T12:00:00"):
        assert refused(story.get, order.order_id, as_of=moment).pointer == "/as_of"


def test_a_repeated_command_gets_the_same_order(story):
    quote = story.quote()
    first = story.place(quote=quote, command_id="c1")
    assert story.place(quote=quote, command_id="c1") == first
    assert refused(story.place, quote=quote, command_id="c2").code == Code.QUOTE_EXPIRED


def test_numbers_have_no_gap_after_refused_orders(story):
    story.place()
    refused(story.place, agreement_accepted=False)
    assert story.place().number == 2_000_002


@pytest.mark.parametrize(
    ("quote", "changes", "code", "pointer"),
    [
        ({"expires_at": "2026-11-23T12:00:00.000000Z"}, {}, Code.QUOTE_EXPIRED, "/quote_id"),
        ({"expired": True}, {}, Code.QUOTE_EXPIRED, "/quote_id"),
        ({"used_by_order_id": "x"}, {}, Code.QUOTE_EXPIRED, "/quote_id"),
        ({"account_id": "account-2"}, {}, Code.NOT_FOUND, "/quote_id"),
        ({}, {"agreement_accepted": False}, Code.INVALID, "/agreement_accepted"),
        ({}, {"common_name": "other.example.com"}, Code.INVALID, "/common_name"),
        ({}, {"dcv_method": "whois"}, Code.INVALID, "/dcv_method"),
        ({"names": ["*.example.com"]}, {"dcv_method": "http_csr_hash"}, Code.INVALID, "/dcv_method"),
        ({"validation_level": "OV"}, {}, Code.INVALID, "/organization"),
        (
            {"validation_level": "OV"},
            {"organization": given.organization(name=" ")},
            Code.INVALID,
            "/organization/name",
        ),
        (
            {"validation_level": "OV"},
            {"organization": given.organization(country="de")},
            Code.INVALID,
            "/organization/country",
        ),
        (
            {"validation_level": "OV"},
            {"organization": given.organization(locality="")},
            Code.INVALID,
            "/organization/locality",
        ),
        (
            {"validation_level": "EV"},
            {"organization": given.organization(registration_number="")},
            Code.INVALID,
            "/organization/registration_number",
        ),
        ({}, {"renews_order_id": "nothing"}, Code.NOT_FOUND, "/renews_order_id"),
    ],
)
def test_an_order_that_breaks_a_rule_is_refused_at_its_field(story, quote, changes, code, pointer):
    error = refused(story.place, quote=story.quote(**quote), **changes)
    assert (error.code, error.pointer) == (code, pointer)


def test_a_deposit_customer_without_funds_is_told_what_is_missing(story):
    error = refused(story.place, quote=story.quote(deposit=True, funds_missing=1250))
    assert (error.code, error.extra) == (Code.INSUFFICIENT_FUNDS, {"missing": "1250", "currency": "USD"})
    order = story.place(quote=story.quote(deposit=True))
    assert order.blocked_on[0].reason == "payment_being_drawn"


def test_top_ups_have_limits_and_end_paid(story):
    for amount in (0, -1, 100_000_01):
        assert refused(story.do, commands.place_top_up, orders.PlaceTopUp(amount=amount)).pointer == "/amount"
    wrong = orders.PlaceTopUp(amount=1, currency="XXX")
    assert refused(story.do, commands.place_top_up, wrong).pointer == "/currency"
    order = story.do(commands.place_top_up, orders.PlaceTopUp(amount=50_000))
    assert (order.status, order.product_name) == ("awaiting_payment", "Topup Funds")
    story.tell(reactions.on_payment_captured, given.captured(50_000, order_id=order.order_id))
    assert story.get(order.order_id).status == "paid"


def test_an_operator_without_an_account_cannot_order(story):
    request = orders.PlaceTopUp(amount=1)
    assert refused(story.do, commands.place_top_up, request, operator()).code == Code.FORBIDDEN


def test_another_accounts_order_does_not_exist(story):
    order = story.issued()
    other = customer("account-2")
    order_id = order.order_id
    csr = given.csr(number=5)
    attempts = [
        lambda: story.get(order_id, other),
        lambda: queries.get_history(story.room, orders.GetOrderHistory(order_id=order_id), other),
        lambda: queries.get_certificate(story.room, orders.GetCertificate(order_id=order_id), other),
        lambda: queries.parse_csr(story.room, orders.ParseCSR(csr=csr.pem, order_id=order_id), other),
        lambda: story.submit(order_id, 5, other),
        lambda: story.do(commands.request_csr, orders.RequestCSR(order_id=order_id, server_id="s"), other),
        lambda: story.do(commands.cancel_order, orders.CancelOrder(order_id=order_id), other),
        lambda: story.do(commands.revoke_certificate, orders.RevokeCertificate(order_id=order_id), other),
        lambda: story.do(commands.request_save, orders.RequestSave(order_id=order_id, server_id="s"), other),
        lambda: story.do(
            commands.request_installation,
            orders.RequestInstallation(order_id=order_id, server_id="s", site_ids=["x"]),
            other,
        ),
        lambda: story.do(
            commands.reissue_certificate, orders.ReissueCertificate(order_id=order_id, server_id="s"), other, csr=None
        ),
        lambda: story.place("account-2", renews_order_id=order_id),
    ]
    before = story.get(order_id)
    for attempt in attempts:
        error = refused(attempt)
        assert (error.code, error.detail) == (Code.NOT_FOUND, "There is no such order.")
    assert story.get(order_id) == before
    assert queries.list_page(story.room, orders.ListOrders(), other).items == []
    assert story.get(order_id, operator()).account_id == "account-1"


def test_a_key_of_another_account_is_refused_pasted_and_from_a_server(story):
    story.submit(story.paid().order_id)
    order = story.place("account-2")
    story.tell(reactions.on_payment_captured, given.captured(order_id=order.order_id))
    other = customer("account-2")
    error = refused(story.submit, order.order_id, 1, other)
    assert (error.code, error.extra["reason"]) == (Code.INVALID, "key_taken")
    parsed = queries.parse_csr(story.room, orders.ParseCSR(csr=given.csr_pem(), order_id=order.order_id), other)
    assert len(parsed.problems) == 1
    story.do(commands.request_csr, orders.RequestCSR(order_id=order.order_id, server_id="s"), other)
    request = story.room.events(f"order-{order.order_id}")[-1].data
    story.tell(
        reactions.on_csr_generated,
        installer.CSRGenerated(
            order_id=order.order_id,
            account_id="account-2",
            request_id=request.request_id,
            server_id="s",
            csr_pem=given.csr_pem(),
        ),
    )
    assert story.get(order.order_id, other).blocked_on[0].reason == "csr_rejected"


def test_the_own_key_may_be_used_again(story):
    story.submit(story.paid().order_id)
    assert story.submit(story.paid().order_id).status == "processing"


def test_the_list_is_paged_filtered_and_searched(story):
    numbers = [story.place().number for _ in range(5)]
    story.do(commands.place_top_up, orders.PlaceTopUp(amount=100))
    seen, cursor = [], None
    while True:
        page = queries.list_page(story.room, orders.ListOrders(limit=2, cursor=cursor), customer())
        assert page.total == 6
        seen += [item.number for item in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert seen == sorted([*numbers, 2_000_006], reverse=True)

    def found(**asked):
        return [item.number for item in queries.list_page(story.room, orders.ListOrders(**asked), customer()).items]

    assert found(kind="topup") == [2_000_006]
    assert found(search="EXAMPLE.com", kind="certificate") == numbers[::-1]
    assert found(search="2000003") == [2_000_003]
    assert found(search="100%") == []
    assert found(status="paid") == []
    assert refused(found, status="nonsense").pointer == "/status"
    assert refused(found, cursor="nonsense").pointer == "/cursor"
    assert refused(found, limit=0).pointer == "/limit"


def test_a_csr_is_described_without_being_stored(story):
    order = story.paid()
    fits = queries.parse_csr(story.room, orders.ParseCSR(csr=given.csr_pem(), order_id=order.order_id), customer())
    assert (fits.common_name, fits.key_algorithm, fits.problems) == ("www.example.com", "ecdsa", [])
    request = orders.ParseCSR(csr=given.csr_pem(("a.example.com",)), order_id=order.order_id)
    assert "a.example.com" in queries.parse_csr(story.room, request, customer()).problems[0]
    assert story.get(order.order_id).version == order.version


def test_a_certificate_is_downloaded_with_its_serial_in_any_form(story):
    order = story.issued()
    request = orders.GetCertificate(order_id=order.order_id, serial="0x0abc01")
    assert "BEGIN CERTIFICATE" in queries.get_certificate(story.room, request, customer()).pem
    file = queries.get_certificate(story.room, request, customer())
    assert (file.common_name, file.number) == ("www.example.com", order.number)
    missing = orders.GetCertificate(order_id=order.order_id, serial="77")
    assert refused(queries.get_certificate, story.room, missing, customer()).code == Code.NOT_FOUND


def test_an_event_that_comes_twice_counts_once(story):
    order = story.place()
    fact = given.captured(order_id=order.order_id)
    assert story.tell(reactions.on_payment_captured, fact, "event-1")
    assert not story.tell(reactions.on_payment_captured, fact, "event-1")
    assert story.tell(reactions.on_payment_captured, fact, "event-2")
    assert types(story, order.order_id) == ["OrderPlaced", "OrderPaid"]


def test_an_event_about_an_unknown_order_is_an_error_to_be_looked_at(story):
    assert refused(story.tell, reactions.on_payment_captured, given.captured(order_id="none")).code == Code.NOT_FOUND


def test_orders_expire_by_the_clock_and_only_when_the_term_is_over(story):
    order = story.issued()

    def tick():
        with story.room.query() as connection:
            due = orders_to_expire(connection, story.clock.now())
        for order_id in due:
            story.room.execute(clock.expire_order, order_id, system("orders"))

    story.clock.move(days=199)
    tick()
    assert story.get(order.order_id).status == "issued"
    story.clock.move(days=170)
    tick()
    assert story.get(order.order_id).status == "expired"
    renewed = story.place(renews_order_id=order.order_id)
    assert story.get(order.order_id).renewed_by == renewed.order_id
    assert renewed.renews == order.order_id


def test_a_renewal_long_before_the_end_is_refused_and_leaves_no_order(story):
    order = story.issued()
    assert refused(story.place, renews_order_id=order.order_id).code == Code.ACTION_NOT_ALLOWED
    assert queries.list_page(story.room, orders.ListOrders(), customer()).total == 1


def test_a_certificate_made_by_an_agent_is_reissued_inside_its_term_without_a_human(story):
    order = story.paid()
    story.do(commands.request_csr, orders.RequestCSR(order_id=order.order_id, server_id="server-1"))

    def generate(number):
        request = story.room.events(f"order-{order.order_id}")[-1].data
        fact = installer.CSRGenerated(
            order_id=order.order_id,
            account_id="account-1",
            request_id=request.request_id,
            server_id="server-1",
            csr_pem=given.csr_pem(number=number),
        )
        story.tell(reactions.on_csr_generated, fact)

    def tick():
        with story.room.query() as connection:
            due = orders_to_reissue(connection, story.clock.now())
        for order_id in due:
            story.room.execute(clock.reissue_order, order_id, system("orders"))
        return due

    generate(1)
    story.tell(reactions.on_dcv_passed, given.passed(order_id=order.order_id))
    story.sign(order.order_id)
    order = story.do(
        commands.request_installation,
        orders.RequestInstallation(order_id=order.order_id, server_id="server-1", site_ids=["site-1"]),
    )
    story.deployed(order)
    [newest] = order.certificates
    begins, ends = from_text(newest.not_before), from_text(newest.not_after)
    story.clock.moment = renewed_at(begins, ends, from_text(order.term_ends_at), order.order_id) - timedelta(seconds=1)
    assert tick() == []
    story.clock.move(seconds=1)
    assert tick() == [order.order_id]
    tick()
    assert types(story, order.order_id)[-2:] == ["ReissueRequested", "CSRRequested"]
    generate(2)
    story.tell(reactions.on_dcv_passed, given.passed(version=2, order_id=order.order_id, now=story.clock.now()))
    story.sign(order.order_id, 2, days=99)  # the rules of May 2027 allow 100
    order = story.get(order.order_id)
    assert order.status == "issued"
    assert [one.site_id for one in order.installations if one.csr_version == 2] == ["site-1"]

    def installed_again():
        with story.room.query() as connection:
            due = orders_to_install_again(connection, story.clock.now())
        for order_id in due:
            story.room.execute(clock.install_again, order_id, system("orders"))
        return due

    one = order.installations[0]
    failed = installer.DeploymentFailed(
        order_id=order.order_id, account_id=order.account_id, installation_id=one.installation_id,
        server_id=one.server_id, site_id=one.site_id, reason="It failed.", rolled_back=True, code="reload_failed",
    )  # fmt: skip
    story.tell(reactions.on_deployment_failed, failed)
    assert [each.reason for each in story.get(order.order_id).blocked_on] == ["installation_again"]
    assert installed_again() == []
    story.clock.move(minutes=6)
    assert installed_again() == [order.order_id]
    assert installed_again() == []
    order = story.get(order.order_id)
    assert [each.status for each in order.installations if each.csr_version == 2].count("requested") == 1
    story.deployed(order)
    assert story.get(order.order_id).status == "installed"
    assert order.certificate.not_after <= order.term_ends_at


def test_metrics_name_orders_by_number_only(story):
    story.issued()
    story.app.measure()
    values = {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for metric in (*metrics.ORDERS.collect(), *metrics.CERTIFICATE_NOT_AFTER.collect())
        for sample in metric.samples
    }
    assert values["certwright_orders", (("kind", "certificate"), ("status", "issued"))] == 1
    [end] = [value for (name, labels), value in values.items() if labels == (("order", "2000001"),)]
    assert end == from_text(given.signed(now=story.clock.now()).not_after).timestamp()
