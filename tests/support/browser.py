# SPDX-License-Identifier: Apache-2.0
"""Debian's Chromium, driven by Playwright: a screen that fails its test for anything in the console's log, and axe."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, ConsoleMessage, Page, Playwright, Request, Response, expect

ROOT = Path(__file__).resolve().parents[2]
CONSOLE = ROOT / "gateway" / "console"
AXE = CONSOLE / "node_modules" / "axe-core" / "axe.min.js"
CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
WIDE, NARROW = 1280, 375
HEIGHT = {WIDE: 900, NARROW: 800}
PATIENCE_MS = 15_000
# WCAG 2.2 AA and below.
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
# The only rules whose answer depends on the colours; in a second theme nothing else can differ.
OF_COLOUR = ["color-contrast", "link-in-text-block"]
# A refusal that a test provokes on purpose shows in the log as a failed resource; everything else is a fault.
REFUSED = re.compile(r"Failed to load resource: the server responded with a status of 4\d\d")

expect.set_options(timeout=PATIENCE_MS)


def launch(playwright: Playwright) -> Browser:
    """A headless browser without any traffic of its own."""
    return playwright.chromium.launch(executable_path=CHROMIUM, headless=True, args=list(ARGUMENTS))


class Screen:
    """One page of the console. `faults` holds what its log said; `writes` the requests that change something."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.url = url
        self.faults: list[str] = []
        self.writes: list[Request] = []
        self.lost = False  # set while a test cuts the connection on purpose
        page.set_default_timeout(PATIENCE_MS)
        page.on("console", self._said)
        page.on("pageerror", lambda error: self.faults.append(f"uncaught: {error}"))
        page.on("request", self._asked)
        page.on("response", self._answered)

    def _said(self, message: ConsoleMessage) -> None:
        if message.type not in {"error", "warning"} or REFUSED.search(message.text) or self.lost:
            return
        self.faults.append(f"{message.type}: {message.text} at {message.location.get('url')}")

    def _asked(self, request: Request) -> None:
        if request.method not in {"GET", "HEAD"}:
            self.writes.append(request)

    def _answered(self, response: Response) -> None:
        if response.status >= 500 and not self.lost:
            self.faults.append(f"{response.status} for {response.request.method} {response.url}")

    def open(self, path: str) -> Page:
        """Goes to a path below /console and waits until something stands there."""
        self.page.goto(f"{self.url}/console{path}")
        return self.page

    def sent(self, method: str, path: str) -> int:
        """How many writes went to paths that end like this."""
        return sum(1 for each in self.writes if each.method == method and re.search(path, each.url))

    def axe(self, scope: str = "", *, colours_only: bool = False) -> list[str]:
        """Violations on the page, or inside of the open dialog when there is one."""
        page = self.page
        if not page.evaluate("typeof window.axe === 'object'"):
            page.evaluate(AXE.read_text())
        where = scope or ("[role=dialog]" if page.locator("[role=dialog]:visible").count() else "")
        # What the standing head of a dialog half covers is no small target: one scrolls. Looked at from its top.
        page.evaluate("document.querySelectorAll('[role=dialog]').forEach(each => each.scrollTo(0, 0))")
        # Landmarks are a matter of the page; a dialog is looked at alone.
        tags = [rule for rule in RULES if not (where and rule == "best-practice")]
        only = {"type": "rule", "values": OF_COLOUR} if colours_only else {"type": "tag", "values": tags}
        # Things that fade in have no contrast yet.
        page.evaluate(
            "Promise.all(document.getAnimations().filter(a => a.effect?.getTiming().iterations !== Infinity)"
            ".map(a => a.finished.catch(() => 0)))"
        )
        found = page.evaluate(
            "([where, only]) => axe.run(where ? {include: [[where]]} : document,"
            " {runOnly: only, resultTypes: ['violations']})",
            [where, only],
        )
        return [
            f"{one['id']}: {node['target']} {node['failureSummary']}"
            for one in found["violations"]
            for node in one["nodes"]
        ]

    def theme(self, scheme: str) -> None:
        """light or dark, as the system of somebody who has chosen no theme says it; the page changes as it stands."""
        self.page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        self.page.locator(f"html[data-mantine-color-scheme={scheme}]").wait_for()

    def width(self, pixels: int) -> None:
        """A screen so wide."""
        self.page.set_viewport_size({"width": pixels, "height": HEIGHT[pixels]})

    def accessible(self, settled: Any) -> None:
        """axe in both themes at both widths. `settled` waits until the page, or dialog, is there."""
        problems: dict[str, list[str]] = {}
        for pixels in (NARROW, WIDE):
            self.width(pixels)
            for scheme in ("dark", "light"):
                self.theme(scheme)
                settled()
                found = self.axe(colours_only=scheme == "light")
                if found:
                    problems[f"{scheme} {pixels}"] = found
            if wide := self._sideways():
                problems[f"scrolls sideways at {pixels}"] = wide
        assert problems == {}, json.dumps(problems, indent=1)

    def _sideways(self) -> list[str]:
        """What makes the page wider than its window, when anything does."""
        found: list[str] = self.page.evaluate(
            "() => { const width = document.documentElement.clientWidth;"
            " if (document.documentElement.scrollWidth <= width) return [];"
            " return ['the page', ...[...document.querySelectorAll('body *')]"
            "  .filter(one => one.getBoundingClientRect().right > width + 1)"
            "  .map(one => `${one.tagName}.${one.className} ${one.textContent.slice(0, 40)}`).slice(0, 8)] }"
        )
        return found

    def dialog_accessible(self) -> None:
        """The same inside of the open dialog, which must stay open while the window changes."""
        dialog = self.page.locator("[role=dialog]:visible").first
        self.accessible(dialog.wait_for)

    def clean(self) -> None:
        """Nothing was said in the log of the browser."""
        assert self.faults == [], json.dumps(self.faults, indent=1)


@contextmanager
def screen(
    browser: Browser, url: str, *, cookies: list[Any] | None = None, language: str = "en-GB"
) -> Iterator[Screen]:
    """A fresh browser profile at the product under `url`; fails when its log was not clean."""
    context = browser.new_context(
        viewport={"width": WIDE, "height": HEIGHT[WIDE]},
        locale=language,
        timezone_id="Europe/Berlin",
        accept_downloads=True,
    )
    context.grant_permissions(["clipboard-read", "clipboard-write"], origin=url)
    if cookies:
        context.add_cookies(cookies)
    shown = Screen(context.new_page(), url)
    try:
        yield shown
        shown.clean()
    finally:
        context.close()
