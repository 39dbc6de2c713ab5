# SPDX-License-Identifier: Apache-2.0
"""Orders played forward by the dated rules: reissues, proofs, methods that end, renewals and their price."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
import sqlalchemy as sa
from hypothesis import given, reject, settings
from hypothesis import strategies as st

from services.billing.bootstrap import build as build_billing
from services.billing.model.prices import price
from services.orders.handlers import forecasting
from services.orders.migrations import rev_0003_proofs
from services.orders.model.forecast import Kind, Proof, Standing, play
from services.orders.model.order import years_later
from services.orders.projections.tables import orders as table
from services.orders.projections.tables import proofs as proofs_table
from shared.contracts import billing, orders
from shared.contracts.dcv import MAIL_METHODS
from shared.errors import ServiceError
from shared.pki.rules import Rules
from shared.settings import Settings
from tests.support.many_orders import fill_room
from tests.support.rooms import customer, operator
from tests.unit.orders.test_orders_room import Story, refused, told

NAME = "www.example.com"


def moment(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def standing(begins="2026-11-01", years=1, method="http_csr_hash", **changes):
    start = moment(begins)
    fields = {
        "order_id": "order-1",
        "account_id": "account-1",
        "number": 2000001,
        "common_name": NAME,
        "names": (NAME,),
        "product_name": "DV Single",
        "term_years": years,
        "begins": start,
        "ends": min(start + Rules.at(start).issue_for, years_later(start, years)),
        "term_ends": years_later(start, years),
        "price": 4995,
        "methods": {NAME: method},
    }
    return Standing(**{**fields, **changes})


def proof(of, at, name=NAME):
    rules, method = Rules.at(moment(at)), of.methods[name]
    return {(of.account_id, name): Proof(method, moment(at), rules.dcv_expires(moment(at), method))}


def played(*standings, proofs=None, now="2026-11-26", until="2030-01-01"):
    return [step for _, step in play(standings, proofs or {}, now=moment(now), until=moment(until))]


def of_kind(steps, kind):
    return [step for step in steps if step.kind == kind]


def test_a_term_of_a_year_bought_now_is_replaced_twice_inside_and_then_bought_again():
    order = standing()
    steps = played(order, proofs=proof(order, "2026-11-01"), until="2028-01-01")
    certificates = [step for step in steps if step.kind in {Kind.REISSUE, Kind.RENEWAL}]
    # 199 days from 1 November, replaced between day 133 and 155, here one day before the rules of March 2027 allow 99
    # only. The next one ends with the term, whose renewal is possible 30 days before.
    assert [(step.at.date(), step.kind) for step in certificates] == [
        (date(2027, 3, 14), Kind.REISSUE),
        (date(2027, 7, 26), Kind.REISSUE),
        (date(2027, 10, 2), Kind.RENEWAL),
        (date(2027, 12, 7), Kind.REISSUE),
    ]
    assert [step.cost for step in certificates] == [0, 0, 4995, 0]
    assert order.term_ends == certificates[2].at.replace(year=2028)


@pytest.mark.parametrize(
    ("at", "days"), [("2027-03-14", 199), ("2027-03-15", 99), ("2029-03-14", 99), ("2029-03-15", 46)]
)
def test_a_certificate_lasts_as_long_as_the_rules_of_its_day_allow(at, days):
    order = standing(years=3, begins="2026-06-01", term_ends=moment("2032-06-01"), ends=moment(at))
    first = next(step for step in played(order, now=at) if step.kind == Kind.REISSUE)
    assert first.not_after - first.at == timedelta(days=days)


@pytest.mark.parametrize(("now", "validations"), [("2029-03-14", 0), ("2029-03-15", 1)])
def test_from_march_2029_a_proof_of_eleven_days_counts_no_more(now, validations):
    order = standing(begins="2028-12-01", ends=moment(now), term_ends=moment("2030-12-01"))
    proofs = proof(order, (moment(now) - timedelta(days=11)).date().isoformat())
    steps = played(order, proofs=proofs, now=now, until="2029-03-16")
    assert len(of_kind(steps, Kind.VALIDATION)) == validations


@pytest.mark.parametrize("method", MAIL_METHODS)
@pytest.mark.parametrize(("now", "ended"), [("2028-03-14", False), ("2028-03-15", True)])
def test_mail_counts_until_the_day_on_which_it_is_forbidden(now, ended, method):
    order = standing(begins="2027-12-01", method=method, ends=moment(now), term_ends=moment("2029-12-01"))
    steps = played(order, proofs=proof(order, "2028-03-01"), now=now, until="2028-03-16")
    assert [step.method for step in of_kind(steps, Kind.METHOD_ENDS)] == ([method] if ended else [])
    assert [step.method for step in of_kind(steps, Kind.VALIDATION)] == (["cname_csr_hash"] if ended else [])


def test_one_proof_serves_all_orders_of_the_account_and_none_of_another():
    twin = {"begins": "2027-01-01", "ends": moment("2027-05-01"), "term_ends": moment("2028-01-01")}
    mine, too, other = standing(**twin), standing(order_id="2", **twin), standing(account_id="account-2", **twin)
    steps = played(mine, too, other, now="2027-04-15", until="2027-04-16")
    assert len(of_kind(steps, Kind.REISSUE)) == 3
    assert len(of_kind(steps, Kind.VALIDATION)) == 2


def test_an_organization_is_vouched_for_with_each_order_and_after_398_days():
    order = standing(begins="2026-11-01", years=3, organization_proved=moment("2026-11-01"))
    steps = of_kind(played(order, until="2030-01-01"), Kind.ORGANIZATION)
    gaps = [later.at - earlier.at for earlier, later in pairwise(steps)]
    assert steps[0].at - moment("2026-11-01") >= timedelta(days=398)
    assert all(gap <= timedelta(days=398 + 99) for gap in gaps)
    assert not of_kind(played(standing(years=3)), Kind.ORGANIZATION)


def test_an_order_that_was_continued_is_not_bought_again():
    assert of_kind(played(standing(renewed=True)), Kind.RENEWAL) == []
    assert of_kind(played(standing()), Kind.RENEWAL)


days = st.dates(date(2026, 3, 15), date(2029, 11, 1)).map(lambda day: day.isoformat())


@settings(max_examples=60)
@given(
    begins=days, years=st.integers(1, 3), proved=days, method=st.sampled_from(["email", "email_txt", "http_csr_hash"])
)
def test_there_is_never_a_gap_and_never_a_certificate_or_proof_that_the_rules_forbid(begins, years, proved, method):
    order = standing(begins=begins, years=years, method=method)
    proofs = proof(order, proved)
    now, ends = moment(begins), order.ends
    proved_at = moment(proved)
    for step in played(order, proofs=proofs, now=begins, until="2031-01-01"):
        assert step.at >= now
        now = step.at
        if step.kind == Kind.VALIDATION:
            proved_at, method = step.at, step.method
            assert Rules.at(step.at).methods[method].allowed
        if step.not_after:
            assert step.at <= ends
            assert Rules.at(step.at).dcv_usable(proved_at, method, step.at)
            assert step.not_after - step.at <= Rules.at(step.at).issue_for
            ends = step.not_after


# --- the room -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def products():
    app = build_billing(Settings())
    return list(app.prices.products.values())


@pytest.fixture
def story():
    with told(Story()) as found:
        yield found


def asked(story, products, context=None, **fields):
    return forecasting.get_forecast(story.room, orders.GetForecast(**fields), context or customer(), products)


def test_nothing_in_use_is_an_empty_forecast_with_what_will_change(story, products):
    found = asked(story, products)
    assert (found.orders_total, found.total.reissues, found.months[0].month, found.months[-1].month) == (
        0,
        0,
        "2026-11",
        "2029-12",
    )
    assert [(each.since, each.table, each.days) for each in found.changes] == [
        ("2027-03-15", "validity", 100),
        ("2027-03-15", "dcv_reuse", 100),
        ("2029-03-15", "validity", 47),
        ("2029-03-15", "dcv_reuse", 10),
    ]


def test_months_and_orders_add_up_to_the_total_and_others_orders_are_not_in_it(story, products):
    fill_room(story.app, "account-1", 40)
    fill_room(story.app, "account-2", 40)
    found = asked(story, products)
    assert found.orders_total > 5
    for field in orders.Effort.__struct_fields__:
        total = getattr(found.total, field)
        assert sum(getattr(month.effort, field) for month in found.months) == total
        assert sum(getattr(order.effort, field) for order in found.orders) == total
    assert asked(story, products, operator()).orders_total == 2 * found.orders_total
    assert [order.next_at for order in found.orders] == sorted(order.next_at for order in found.orders)


def test_one_order_is_told_step_by_step_and_only_to_its_owner(story, products):
    fill_room(story.app, "account-1", 10)
    fill_room(story.app, "account-2", 10)
    order = asked(story, products).orders[0]
    found = asked(story, products, order_id=order.order_id)
    assert found.orders_total == 1
    certificates = [step for step in found.steps if step.not_after]
    assert len(certificates) == order.effort.reissues + order.effort.renewals
    own = {each.order_id for each in asked(story, products).orders}
    stranger = next(each for each in asked(story, products, operator()).orders if each.order_id not in own)
    assert refused(asked, story, products, order_id=stranger.order_id).code == "not_found"


def test_an_order_that_has_no_certificate_yet_has_an_empty_forecast(story, products):
    order = story.paid()
    found = asked(story, products, order_id=order.order_id)
    assert (found.orders_total, found.steps, found.total.reissues) == (0, [], 0)


@pytest.mark.parametrize("until", ["", "tomorrow", "2020-01-01", "2999-01-01", "2026-13-01"])
def test_a_day_that_is_none_is_refused_at_its_field(story, products, until):
    assert refused(asked, story, products, until=until).pointer == "/until"


def test_a_product_that_is_sold_no_more_is_said_to_have_no_price(story):
    fill_room(story.app, "account-1", 10)
    found = asked(story, [])
    assert (found.total.cost, found.currency) == (0, "")
    assert found.unpriced == found.orders_total == sum(not each.priced for each in found.orders)


def test_the_revision_fills_from_the_log_what_the_projections_keep(story):
    fill_room(story.app, "account-1", 20)
    story.issued()
    columns = sa.select(table.c.order_id, table.c.begins_at, table.c.renewed_by).order_by(table.c.order_id)
    rows = sa.select(proofs_table).order_by(proofs_table.c.order_id, proofs_table.c.fqdn)
    with story.database.write() as connection:
        kept = connection.execute(columns).all(), connection.execute(rows).all()
        connection.execute(proofs_table.delete())
        connection.execute(table.update().values(begins_at=None, renewed_by=None))
        rev_0003_proofs._fill(connection)
        assert (connection.execute(columns).all(), connection.execute(rows).all()) == kept
    assert [row.fqdn for row in kept[1]] == [NAME]


@settings(max_examples=40)
@given(choice=st.integers(0, 10_000), plain=st.integers(0, 6), wildcards=st.integers(0, 3))
def test_a_term_costs_what_a_quote_of_the_same_names_costs(products, choice, plain, wildcards):
    product = products[choice % len(products)]
    term = product.terms[choice % len(product.terms)]
    names = [f"n{number}.example.com" for number in range(plain)]
    names += [f"*.w{number}.example.com" for number in range(wildcards)]
    prices = build_billing(Settings()).prices
    try:
        quoted = price(prices, product.code, names, term.years, prices.currency)
    except ServiceError:
        reject()  # what cannot be bought has no price to compare
    assert term.amount_for(plain, wildcards) == quoted.total


def test_what_a_term_costs_needs_no_prices_of_what_it_does_not_sell():
    term = billing.Term(years=1, price=100, per_year=100, saves_percent=0)
    assert term.amount_for(1, 0) == term.amount_for(1, 1) == 100
