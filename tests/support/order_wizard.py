# SPDX-License-Identifier: Apache-2.0
"""The order wizard as a test walks through it."""

from __future__ import annotations

import re
from typing import Any

from playwright.sync_api import Page, expect

NAME = "www.example.com"


class Wizard:
    """The order wizard of one screen."""

    def __init__(self, screen: Any, query: str = "") -> None:
        self.screen = screen
        self.page: Page = screen.open(f"/buy{query}")

    def field(self, label: str) -> Any:
        return self.page.get_by_label(re.compile(f"^{re.escape(label)}(?: \\*)?$"))

    def next(self) -> None:
        self.page.get_by_role("button", name="Next", exact=True).click()

    def at(self, step: str) -> None:
        expect(self.page.get_by_role("heading", name=step, exact=True, level=2).first).to_be_visible()

    def choose(self, product: str, years: int = 1) -> None:
        self.field("Certificate type").select_option(product)
        self.page.get_by_role("radio", name=re.compile(f"^{years} year")).check()
        self.next()
        self.at("Domain details")

    def names(self, first: str, more: str = "") -> None:
        self.field("Common Name").fill(first)
        if more:
            self.field("Domain List").fill(more)
        self.next()

    def agree(self) -> None:
        self.at("Subscriber agreement")
        self.page.get_by_label("I have read the agreement and agree").check()
        self.next()
        expect(self.page.get_by_role("button", name="Place Order")).to_be_visible()

    def to_summary(self, product: str = "dv-single", name: str = NAME, years: int = 1) -> None:
        self.choose(product, years)
        self.names(name)
        self.agree()

    def apply(self, code: str) -> None:
        self.field("Voucher").fill(code)
        self.page.get_by_role("button", name="Apply").click()

    @property
    def summary(self) -> Any:
        return self.page.get_by_role("complementary", name="Summary")
