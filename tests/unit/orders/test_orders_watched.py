# SPDX-License-Identifier: Apache-2.0
"""Orders whose certificate something else replaced, and keys that were used before."""

from __future__ import annotations

import msgspec
import pytest

from services.orders.handlers import commands, queries, reactions
from services.orders.model import installing, requesting
from services.orders.model.blocked_on import blocked_on
from services.orders.model.order import fold
from services.orders.model.status import status_of
from shared.contracts import installer, orders
from shared.eventstore.retries import NotYet
from tests.support import order_builders as given
from tests.support.rooms import customer, sent
from tests.unit.orders.test_orders_room import Story, told

SINCE = "2026-11-20T08:00:00.000000Z"


def finding(kind="replaced", *, served=False, by="certbot"):
    return installer.SiteFinding(kind=kind, since=SINCE, path="/etc/x.pem", by=by, served=served)


def changed(*findings, order=given.ORDER, installation="installation-1"):
    return installer.SiteFindingsChanged(
        server_id="server-1",
        agent_id="agent-1",
        account_id="account-1",
        site_id="site-1",
        site_name="www.example.com",
        findings=list(findings),
        order_id=order,
        installation_id=installation,
    )


def after(history, *reports):
    """The history with what these reports, numbered as given, led to."""
    events = list(history)
    for number, findings in reports:
        events += installing.record_findings(fold(events), changed(*findings), number)
    return events


def reasons(events):
    return [one.reason for one in blocked_on(fold(events), given.NOW)]


@pytest.mark.parametrize(
    ("findings", "status", "waits"),
    [
        ([finding()], "issued", ["installation_replaced"]),
        ([finding(served=True)], "installed", ["installation_replaced"]),
        ([finding("serves_other_than_file")], "issued", ["installation_stuck"]),
        ([finding("key_readable")], "installed", []),
        ([finding("tug_of_war")], "installed", []),
    ],
)
def test_installed_is_only_said_while_the_wire_shows_it(findings, status, waits):
    events = after(given.INSTALLED, (5, findings))
    assert (status_of(fold(events)), reasons(events)) == (status, waits)
    (one,) = fold(events).installations.values()
    assert list(one.findings) == [each.kind for each in findings]
    well = after(events, (6, []))
    assert (status_of(fold(well)), reasons(well)) == ("installed", [])


def test_reports_count_by_their_number_not_by_their_arrival():
    late = after(given.INSTALLED, (6, []), (5, [finding()]))
    assert status_of(fold(late)) == "installed"
    assert len(late) == len(given.INSTALLED) + 1
    twice = after(given.INSTALLED, (5, [finding()]), (5, [finding()]))
    assert len(twice) == len(given.INSTALLED) + 1


def test_what_is_not_installed_or_over_is_not_watched():
    for history in (given.ISSUED, [*given.ISSUED, given.installation()], given.BY_STATUS["expired"]):
        assert installing.record_findings(fold(history), changed(finding()), 5) == []


def test_a_reissue_is_not_brought_by_itself_to_a_site_that_another_tool_took():
    events = after(given.INSTALLED, (5, [finding()]))
    events += [
        msgspec.structs.replace(given.submitted(2), server_id="server-1"),
        given.issued(2),
    ]
    assert installing.install_again(fold(events), new_id=lambda: "i") == []
    again = installing.install_again(fold(after(events, (6, []))), new_id=lambda: "i")
    assert [one.site_id for one in again] == ["site-1"]


class Installed(Story):
    """Orders of one account, installed on one site one after the other."""

    def install(self, order):
        request = orders.RequestInstallation(order_id=order.order_id, server_id="server-1", site_ids=["site-1"])
        return self.do(commands.request_installation, request)

    def report(self, order, number, *findings):
        fact = changed(*findings, order=order.order_id, installation=order.installations[0].installation_id)
        envelope = msgspec.structs.replace(sent(fact), version=number)
        self.room.react(reactions.on_site_findings_changed, envelope, name="orders.on_site_findings_changed")
        return self.get(order.order_id)

    def listed(self, order):
        rows = queries.list_page(self.room, orders.ListOrders(limit=10), customer()).items
        return next(row.status for row in rows if row.order_id == order.order_id)


@pytest.fixture
def story():
    with told(Installed()) as found:
        yield found


def test_the_list_and_the_order_say_the_same_of_a_site_that_was_taken(story):
    order = story.install(story.issued())
    story.deployed(order)
    for number, findings, status in ((4, [finding()], "issued"), (7, [], "installed"), (5, [finding()], "installed")):
        seen = story.report(order, number, *findings)
        assert (seen.status, story.listed(order)) == (status, status)
    assert seen.installations[0].there


def test_a_report_that_comes_before_its_installation_waits_for_it(story):
    order = story.install(story.issued())
    with pytest.raises(NotYet):
        story.report(order, 4, finding())
    story.deployed(order)
    assert story.report(order, 4, finding()).status == "issued"


def test_a_site_that_another_order_took_is_no_longer_installed_by_the_first(story):
    first = story.install(story.issued())
    story.deployed(first)
    second = story.install(story.issued(number=2))
    story.deployed(second)
    first = story.get(first.order_id)
    assert (first.status, story.listed(first)) == ("issued", "issued")
    (reason,) = first.blocked_on
    assert (reason.reason, reason.facts["by"]) == ("installation_replaced", "certwright")
    assert story.get(second.order_id).status == "installed"


def test_a_key_that_was_used_before_is_a_warning_and_no_refusal(story):
    order = story.paid()
    request = orders.ParseCSR(csr=given.csr_pem(number=1), order_id=order.order_id)
    fresh = queries.parse_csr(story.room, request, customer())
    assert (fresh.warning_codes, fresh.problem_codes) == ([], [])
    assert not story.submit(order.order_id).key_reused
    other = story.paid()
    again = queries.parse_csr(story.room, msgspec.structs.replace(request, order_id=other.order_id), customer())
    assert (again.warning_codes, again.problem_codes) == (["key_used_before"], [])
    assert story.submit(other.order_id).key_reused
    history = queries.get_history(story.room, orders.GetOrderHistory(order_id=other.order_id), customer()).items
    assert any("used before" in one.summary for one in history)


def test_a_key_of_another_account_stays_refused_without_a_word_about_whose_it_is(story):
    story.submit(story.paid().order_id)
    theirs = story.place("account-2")
    request = orders.ParseCSR(csr=given.csr_pem(number=1), order_id=theirs.order_id)
    parsed = queries.parse_csr(story.room, request, customer("account-2"))
    assert (parsed.warning_codes, parsed.problem_codes) == ([], ["key_taken"])
    assert "account-1" not in str(parsed)


def test_a_server_that_sends_its_old_key_again_is_noticed():
    events = [*given.PAID, given.csr_requested()]
    for owner, reused in ((None, False), ("account-1", True)):
        (made,) = requesting.record_generated_csr(
            fold(events), "request-1", given.csr_pem(), unique_value="u", owner=owner, now=given.NOW
        )
        assert made.key_reused is reused
