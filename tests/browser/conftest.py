# SPDX-License-Identifier: Apache-2.0
"""The whole product and a browser. One product for a module of tests, a fresh account and browser profile for each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from playwright.sync_api import Browser, sync_playwright

from certwright.demo.world import World
from tests.support import people
from tests.support.browser import Screen, launch, screen
from tests.support.live_gateway import Live, live
from tests.support.people import Person

FOLDER_MODE = 0o755
Open = Callable[..., Screen]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One Chromium for all tests of this process."""
    with sync_playwright() as playwright:
        running = launch(playwright)
        yield running
        running.close()


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """The product in one process, without web servers. Agents that spoke once count as connected from then on."""
    with live(tmp_path_factory.mktemp("product"), {"CERTWRIGHT_INSTALLER_CONNECTED_S": "3600"}) as running:
        yield running


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The product with a name server, nginx and Apache; agents are started by the tests."""
    folder = tmp_path_factory.mktemp("world")
    for each in (folder, folder.parent, folder.parent.parent):
        each.chmod(FOLDER_MODE)  # the workers of the web servers are other users
    with World(folder, "embedded") as running:
        yield running


@pytest.fixture
def nora(product: Live) -> Person:
    """A customer of the product, new for each test, signed in through the API."""
    return people.customer(product.url)


@pytest.fixture(scope="module")
def operator(product: Live) -> Person:
    """Whoever runs the product, signed in through the API."""
    return people.operator(product)


@pytest.fixture
def open_screen(browser: Browser) -> Iterator[Open]:
    """Opens a browser profile: `open_screen(url)` for nobody, `open_screen(url, person)` signed in."""
    with ExitStack() as opened:

        def open_one(url: str, person: Person | None = None, language: str = "en-GB") -> Screen:
            cookies = person.cookies if person else None
            return opened.enter_context(screen(browser, url, cookies=cookies, language=language))

        yield open_one
