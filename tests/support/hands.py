# SPDX-License-Identifier: Apache-2.0
"""Two ways to use a page: with a mouse, or with nothing but the keyboard."""

from __future__ import annotations

from typing import Protocol

from playwright.sync_api import Locator, Page

MOST_TABS = 150  # more stops than any page has


class Hand(Protocol):
    """What people do to the parts of a page."""

    def press(self, part: Locator) -> None:
        """A button or a link."""

    def type(self, field: Locator, text: str) -> None:
        """A text field; what it held is replaced."""

    def choose(self, select: Locator, value: str) -> None:
        """An option of a select, by its value."""

    def tick(self, box: Locator) -> None:
        """A check box that is not ticked."""


class Mouse:
    """Points and clicks."""

    def press(self, part: Locator) -> None:
        part.click()

    def type(self, field: Locator, text: str) -> None:
        field.fill(text)

    def choose(self, select: Locator, value: str) -> None:
        select.select_option(value)

    def tick(self, box: Locator) -> None:
        box.check()


class Keyboard:
    """Tab until the part has the focus, then the keys that it answers to. What cannot be reached fails the test."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.keys = page.keyboard

    def reach(self, part: Locator) -> None:
        """Goes to a part from wherever the focus is, forwards as people do."""
        part.wait_for()
        seen: list[str] = []
        for _ in range(MOST_TABS):
            if part.evaluate("part => part === document.activeElement"):
                return
            self.keys.press("Tab")
            seen.append(self.page.evaluate("document.activeElement?.outerHTML?.slice(0, 60) ?? ''"))
        raise AssertionError(f"Tab never came to {part}; it went by {seen[:40]}")

    def press(self, part: Locator) -> None:
        self.reach(part)
        self.keys.press("Enter")

    def type(self, field: Locator, text: str) -> None:
        self.reach(field)
        self.keys.press("ControlOrMeta+A")
        self.keys.press("Delete")
        self.keys.type(text)

    def choose(self, select: Locator, value: str) -> None:
        self.reach(select)
        self.keys.press("Home")
        for _ in range(select.locator("option").count()):
            if select.input_value() == value:
                return
            self.keys.press("ArrowDown")
        assert select.input_value() == value

    def tick(self, box: Locator) -> None:
        self.reach(box)
        self.keys.press("Space")
        assert box.is_checked()
