# SPDX-License-Identifier: Apache-2.0
"""Ten thousand orders: the list is usable in under a second, whatever page, order or search it shows."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.support import people
from tests.support.many_orders import fill

COUNT = 10_000
# The best of some tries: what the page needs, not what else the machine does at that moment.
TRIES = 5
BUDGET_MS = 1_000
# From the click on a link, or the start of the load, until the last row of the table can be used.
SHOWN = """() => new Promise(done => {
  const look = () => document.querySelectorAll('tbody tr .action-menu, tbody tr td').length > 100
    ? done(performance.now()) : requestAnimationFrame(look)
  look()
})"""


@pytest.fixture(scope="module")
def crowded(product):
    person = people.customer(product.url)
    fill(product.folder / "data", person.api.get("/account")["account_id"], COUNT)
    return person


def test_ten_thousand_orders_are_usable_in_under_a_second(product, crowded, open_screen):
    screen = open_screen(product.url, crowded)
    page = screen.open("/orders")  # the server and the browser's cache are warm from here on
    expect(page.get_by_text(re.compile(r"Showing 1 to 25 of 10000"))).to_be_visible()
    loads = []
    for _ in range(TRIES):
        page.reload(wait_until="commit")
        loads.append(page.evaluate(SHOWN))
    assert min(loads) < BUDGET_MS, loads


def test_pages_orders_and_searches_of_ten_thousand_are_quick(product, crowded, open_screen):
    screen = open_screen(product.url, crowded)
    page = screen.open("/orders?size=100")
    table = page.get_by_role("table", name="Orders")
    showing = page.get_by_text(re.compile(r"^Showing "))
    expect(showing).to_have_text("Showing 1 to 100 of 10000 entries")

    def answered(act, path: str) -> float:
        with page.expect_response(re.compile(path)) as answer:
            act()
        answer.value.finished()
        timing = answer.value.request.timing
        return float(timing["responseEnd"])

    last = page.get_by_role("button", name="Page 100", exact=True)
    times = {"last page": answered(last.click, "offset=9900")}
    expect(showing).to_have_text("Showing 9901 to 10000 of 10000 entries")
    by_name = page.get_by_role("columnheader", name="Domain Name").get_by_role("button")
    times["order"] = answered(by_name.click, "sort=common_name")
    expect(table).to_be_visible()
    search = page.get_by_role("searchbox")
    times["search"] = answered(lambda: search.fill("host-04242"), "search=host-04242")
    expect(showing).to_have_text(re.compile("of 1 entr|of 1 "))
    expect(table.get_by_text("host-04242.example.com").first).to_be_visible()
    assert max(times.values()) < BUDGET_MS, times
