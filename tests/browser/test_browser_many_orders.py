# SPDX-License-Identifier: Apache-2.0
"""Ten thousand orders: the list is usable in under a second from a warm server, on any page, in any order, searched."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

import pytest
from playwright.sync_api import expect

from certwright.demo.customer import wait_for
from tests.support import people
from tests.support.live_gateway import Live, live
from tests.support.many_orders import fill, heard, listening
from tests.support.people import Person

COUNT = 10_000
BUDGET_MS = 1_000
# The best of some tries: what the page needs, not what else the machine does at that moment.
TRIES = 8
# From the click on a page's number until its rows are there; none of them was asked for before.
TURNED = """page => new Promise(done => {
  const first = () => document.querySelector('tbody tr a')?.textContent
  const before = first()
  const began = performance.now()
  document.querySelector(`button[aria-label="Page ${page}"]`).click()
  const look = () => first() !== before && document.querySelectorAll('tbody tr').length >= 25
    ? done(performance.now() - began) : requestAnimationFrame(look)
  look()
})"""


@pytest.fixture(scope="module")
def crowd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Live, Person]]:
    """A product that has nothing left to do, and its customer."""
    folder = tmp_path_factory.mktemp("crowd")
    data_dir = folder / "data"
    with live(folder) as before:
        person = people.customer(before.url)
        account = person.api.get("/account")["account_id"]
        person.steps.place_order("dv-single", ["www.example.com"], "http_csr_hash")
        wait_for("every room to hear of orders", lambda: listening(data_dir))
    fill(data_dir, account, COUNT - 1)
    heard(data_dir)
    with live(folder) as running:
        yield running, replace(person, url=running.url).again()


def test_ten_thousand_orders_are_usable_in_under_a_second(crowd, open_screen):
    product, person = crowd
    screen = open_screen(product.url, person)
    page = screen.open("/orders")  # server and browser are warm from here on
    expect(page.get_by_text("Showing 1 to 25 of 10000 entries")).to_be_visible()
    times: list[float] = []
    while len(times) < TRIES and not (times and min(times) < BUDGET_MS):
        times.append(page.evaluate(TURNED, len(times) + 2))
    assert min(times) < BUDGET_MS, times


def test_the_last_page_another_order_and_a_search_of_ten_thousand(crowd, open_screen):
    product, person = crowd
    screen = open_screen(product.url, person)
    page = screen.open("/orders?size=100")
    table = page.get_by_role("table", name="Orders")
    showing = page.get_by_text(re.compile(r"^Showing "))
    expect(showing).to_have_text("Showing 1 to 100 of 10000 entries")
    page.get_by_role("button", name="Page 100", exact=True).click()
    expect(showing).to_have_text("Showing 9901 to 10000 of 10000 entries")
    table.get_by_role("button", name="Domain Name").click()
    expect(showing).to_have_text("Showing 1 to 100 of 10000 entries")
    expect(table.locator("tbody tr").first).to_contain_text("Topup Funds")  # it has no name
    page.get_by_role("searchbox").fill("host-04242")
    expect(showing).to_have_text("Showing 1 to 1 of 1 entries")
    expect(table.get_by_text("host-04242.example.com")).to_be_visible()
