# SPDX-License-Identifier: Apache-2.0
"""Check list section 4: the orders pane, on an account that has orders of every state."""

from __future__ import annotations

import csv
import io
import re
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from certwright.demo.customer import wait_for
from tests.support import people
from tests.support.hostile_text import HOSTILE
from tests.support.many_orders import fill
from tests.support.people import Person

NAME = "www.example.com"
COUNT = 60
SEARCH = "Number, name or product"
# Key for the API by what the head of the column says.
SORTED = {"Product": "product", "Order Date": "placed_at", "Expires": "expires_at", "Domain Name": "common_name",
    "Status": "status", "Order#": "number"}  # fmt: skip


@pytest.fixture(scope="module")
def crowd(product) -> Person:
    """A customer with orders of every state."""
    person = people.customer(product.url)
    fill(product.folder / "data", person.api.get("/account")["account_id"], COUNT)
    # Those that nobody has named a price for are turned down by billing.
    wait_for("billing", lambda: person.api.get("/orders/counts")["by_status"].get("rejected") == COUNT // 10)
    return person


def numbers(page: Page) -> list[str]:
    """The order numbers that the table shows, from its top."""
    return page.get_by_role("table", name="Orders").locator("tbody tr td:first-child").all_inner_texts()


def asked(person: Person, **query: Any) -> list[str]:
    """The same from the API."""
    return [str(one["number"]) for one in person.api.get("/orders", **query)["items"]]


def test_columns_rows_and_pages(product, crowd, open_screen):
    screen = open_screen(product.url, crowd)
    page = screen.open("/orders")
    expect(page.get_by_role("table", name="Orders").get_by_role("columnheader")).to_have_text(
        ["Order#", "Product", "Order Date", "Expires", "Domain Name", "Status", "Actions"]
    )
    expect(page.get_by_text(f"Showing 1 to 25 of {COUNT} entries")).to_be_visible()
    rows = page.get_by_label("Rows on a page")
    expect(rows.locator("option")).to_have_text(["5 rows", "10 rows", "25 rows", "50 rows", "100 rows"])
    rows.select_option("5")
    expect(page.get_by_text(f"Showing 1 to 5 of {COUNT} entries")).to_be_visible()
    expect(page.get_by_role("button", name="Page before")).to_be_disabled()
    page.get_by_role("button", name="Next page").click()
    expect(page.get_by_text(f"Showing 6 to 10 of {COUNT} entries")).to_be_visible()
    page.get_by_role("button", name="Page 12", exact=True).click()
    expect(page.get_by_text(f"Showing 56 to 60 of {COUNT} entries")).to_be_visible()
    expect(page.get_by_role("button", name="Next page")).to_be_disabled()
    assert numbers(page) == asked(crowd, sort="-number", limit=5, offset=55)
    screen.accessible(lambda: expect(page.get_by_text("Showing 56 to 60")).to_be_visible())
    page.goto(f"{product.url}/console/orders?page=999&size=7&sort=nothing&status=%3Cb%3E")
    expect(page.get_by_role("heading", name="Orders", level=1)).to_be_visible()


def test_rows_that_are_still_to_come_are_not_counted_as_shown(product, crowd, open_screen):
    page = open_screen(product.url, crowd).open("/orders?size=5")
    footer = page.get_by_text(f"Showing 1 to 5 of {COUNT} entries")
    expect(footer).to_be_visible()
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/api/v1/orders?*offset=55*", hold)
    page.get_by_role("button", name="Page 12", exact=True).click()
    loading = page.get_by_text("Loading", exact=True)
    expect(loading).to_be_visible()
    expect(footer).to_have_count(0)
    expect(page).to_have_url(re.compile("page=12"))
    held[0].continue_()
    expect(page.get_by_text(f"Showing 56 to 60 of {COUNT} entries")).to_be_visible()
    assert numbers(page) == asked(crowd, sort="-number", limit=5, offset=55)


def test_the_filter_of_states_counts_and_filters(product, crowd, open_screen):
    page = open_screen(product.url, crowd).open("/orders")
    state = page.get_by_label("Order State")
    expect(state.locator("option")).to_have_text(
        ["All (60)", "Awaiting payment (0)", "Waiting for CSR (6)", "Processing (6)", "Issued (12)", "Installed (6)",
         "Paid (6)", "Expired (6)", "Revoked (6)", "Cancelled (6)", "Rejected (6)"]
    )  # fmt: skip
    cells = page.get_by_role("table", name="Orders").locator("tbody tr td:nth-child(6)")
    for option, word, count in (("issued", "Issued", 12), ("expired", "Expired", 6), ("paid", "Paid", 6)):
        state.select_option(option)
        expect(cells).to_have_text([word] * count)
        expect(page).to_have_url(re.compile(f"status={option}"))
    state.select_option("awaiting_payment")
    expect(page.get_by_text("Nothing matches this search and these filters.")).to_be_visible()
    page.get_by_role("button", name="Clear search and filters").click()
    expect(page.get_by_text(f"of {COUNT} entries")).to_be_visible()


def test_names_and_top_ups(product, crowd, open_screen):
    page = open_screen(product.url, crowd).open("/orders?sort=number&size=100")
    rows = page.get_by_role("row")
    expect(rows.filter(has_text="*.host-00001.example.com")).to_have_count(1)
    several = rows.filter(has_text="host-00002.example.com")
    expect(several).to_contain_text("… + 1 more")
    expect(several).not_to_contain_text("mail-00002")
    tip = page.get_by_role("tooltip")
    several.get_by_text("+ 1 more").hover()
    expect(tip).to_have_text("host-00002.example.com\nmail-00002.example.com")
    page.mouse.move(0, 0)
    expect(tip).to_be_hidden()
    several.get_by_text("+ 1 more").focus()
    expect(tip).to_contain_text("mail-00002.example.com")
    topup = rows.filter(has_text="Topup Funds (500.00)").first
    expect(topup.get_by_role("cell").nth(1)).to_have_text("Topup Funds")
    expect(topup.get_by_role("cell").nth(3)).to_have_text("–")  # no expiry
    expect(topup.get_by_role("cell").nth(6)).to_have_text("–")  # nothing to do, so nothing to apply
    expect(topup.get_by_role("button")).to_have_count(0)


def test_every_column_sorts_up_and_down(product, crowd, open_screen):
    page = open_screen(product.url, crowd).open("/orders")
    heads = page.get_by_role("columnheader")
    for title, key in SORTED.items():
        head = heads.filter(has_text=title)
        for sort, said in ((key, "ascending"), (f"-{key}", "descending")):
            if f"sort={sort}&" not in f"{page.url}&":
                head.get_by_role("button").click()
            expect(head).to_have_attribute("aria-sort", said)
            expected = asked(crowd, sort=sort, limit=25)
            expect(page.get_by_role("table", name="Orders").locator("tbody tr td:first-child")).to_have_text(expected)
        listed = [one[{"product": "product_name"}.get(key, key)] for one in crowd.api.get("/orders", sort=key)["items"]]
        there = [value for value in listed if value is not None]
        assert there == sorted(there), key
        assert listed[: len(there)] == there  # what has none comes last


def test_search_filters_and_export_agree_and_outlive_reload_and_back(product, crowd, open_screen):
    page = open_screen(product.url, crowd).open("/orders")
    search = page.get_by_label(SEARCH)
    for text in ("host-0001", str(asked(crowd, limit=1)[0]), "WILDCARD"):
        search.fill(text)
        expect(page).to_have_url(re.compile(f"search={text}"))
        found = asked(crowd, search=text, sort="-number", limit=25)
        assert found
        expect(page.get_by_text(re.compile(f"^Showing 1 to {len(found)} of"))).to_be_visible()
        assert numbers(page) == found
    page.get_by_label("Order State").select_option("issued")
    page.get_by_role("columnheader").filter(has_text="Domain Name").get_by_role("button").click()
    expect(page).to_have_url(re.compile("sort=common_name"))
    expected = asked(crowd, search="wildcard", status="issued", sort="common_name")
    assert 0 < len(expected) < COUNT
    table = page.get_by_role("table", name="Orders").locator("tbody tr td:first-child")
    expect(table).to_have_text(expected)
    with page.expect_download() as download:
        page.get_by_role("link", name="Export CSV").click()
    rows = list(csv.DictReader(io.StringIO(download.value.path().read_text(encoding="utf-8-sig"))))
    assert [row["number"] for row in rows] == expected
    assert all(row["common_name"].startswith("*.host-") for row in rows)
    page.reload()
    expect(table).to_have_text(expected)
    expect(search).to_have_value("WILDCARD")
    page.get_by_role("link", name=expected[0]).click()
    expect(page.get_by_role("heading", name=re.compile("host-"), level=1)).to_be_visible()
    page.go_back()
    expect(table).to_have_text(expected)
    expect(page.get_by_label("Order State")).to_have_value("issued")


def test_anything_can_be_searched_for(product, crowd, open_screen):
    page = open_screen(product.url, crowd).open("/orders")
    for kind in ("right to left", "emoji", "markup", "control characters", "too long"):
        page.get_by_label(SEARCH).fill(HOSTILE[kind])
        expect(page.get_by_text("Nothing matches this search")).to_be_visible()
        page.get_by_role("button", name="Clear search and filters").click()
        expect(page.get_by_label(SEARCH)).to_have_value("")
        expect(page.get_by_text("Showing 1 to 25")).to_be_visible()
    page.get_by_label(SEARCH).fill("100%_")  # no pattern, but text
    expect(page.get_by_text("Nothing matches this search")).to_be_visible()


def test_chosen_columns_are_kept(product, crowd, open_screen):
    screen = open_screen(product.url, crowd)
    page = screen.open("/orders?size=5&status=paid")
    heads = page.get_by_role("columnheader")
    page.get_by_role("button", name="Columns").click()
    expect(page.get_by_label("Order#")).to_be_disabled()  # a list without its key would lead nowhere
    page.get_by_label("Amount").check()
    page.get_by_label("Order Date").uncheck()
    assert screen.axe("[role=dialog]") == []
    page.keyboard.press("Escape")
    shown = ["Order#", "Product", "Expires", "Domain Name", "Amount", "Status", "Actions"]
    expect(heads).to_have_text(shown)
    expect(page.get_by_role("cell", name="$500.00").first).to_be_visible()
    page.reload()
    expect(heads).to_have_text(shown)


def test_refresh_asks_again_without_loading_the_page(product, crowd, open_screen):
    page = open_screen(product.url, crowd).open("/orders")
    expect(page.get_by_text("Showing 1 to 25")).to_be_visible()
    page.evaluate("window.stays = true")
    with page.expect_response(re.compile(r"/api/v1/orders\?")):
        page.get_by_role("button", name="Refresh").click()
    assert page.evaluate("window.stays")
    page.get_by_role("link", name="New Order").click()
    expect(page.get_by_role("heading", name="Create new order")).to_be_visible()


def test_apply_runs_the_chosen_action(product, nora, open_screen):
    order = nora.steps.place_order("dv-single", [NAME], "http_csr_hash")
    screen = open_screen(product.url, nora)
    page = screen.open("/orders")
    actions = page.get_by_label(f"Actions for order {order['number']}")
    expect(actions.locator("option")).to_have_text(["Complete payment", "Cancel order"])
    actions.select_option("cancel")
    page.get_by_role("button", name=f"Apply: Cancel order, order {order['number']}").click()
    expect(page.get_by_role("dialog", name=f"Cancel order {order['number']}")).to_be_visible()
    page.keyboard.press("Escape")
    actions.select_option("complete_payment")
    page.get_by_role("button", name=re.compile("^Apply: Complete payment")).click()
    expect(page).to_have_url(re.compile(f"/orders/{order['order_id']}/payment$"))


def test_a_change_by_somebody_else_shows_without_a_reload(product, nora, open_screen):
    order = nora.steps.place_order("dv-single", [NAME], "http_csr_hash")
    screen = open_screen(product.url, nora)
    page = screen.open("/orders")
    row = page.get_by_role("row").filter(has_text=str(order["number"]))
    expect(row).to_contain_text("Awaiting payment")
    page.wait_for_timeout(500)  # the event stream has opened
    nora.steps.pay_by_card(order["order_id"])
    expect(row).to_contain_text("Waiting for CSR")
    expect(row.get_by_label("Actions for").locator("option")).to_have_text(
        ["Generate request", "Request invoice", "Cancel order"]
    )


def test_an_order_is_cancelled_only_after_its_number_was_typed(product, nora, open_screen):
    order = nora.steps.place_order("dv-single", [NAME], "http_csr_hash")
    screen = open_screen(product.url, nora)
    page = screen.open(f"/orders/{order['order_id']}")
    page.get_by_role("group", name="What you can do").get_by_role("button", name="Cancel order").click()
    confirm = page.get_by_role("button", name="Cancel the order")
    expect(confirm).to_be_disabled()
    screen.dialog_accessible()
    page.get_by_label(f"Type {order['number']} to confirm").fill(str(order["number"]))
    confirm.dblclick()
    expect(page.get_by_role("main").get_by_text("Cancelled").first).to_be_visible()
    assert screen.sent("POST", "/cancel$") == 1
