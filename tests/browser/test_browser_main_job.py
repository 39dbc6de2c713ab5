# SPDX-License-Identifier: Apache-2.0
"""The whole main job in a browser, on a real nginx with a real agent: from sign-up to the certificate on the wire."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from certwright.demo.story import Story, same_serial
from certwright.demo.world import World
from tests.support.browser import Screen
from tests.support.hands import Hand, Keyboard, Mouse
from tests.support.visitor import Visitor


def main_job(world: World, screen: Screen, hand: Hand, who: str) -> None:
    """Sign-up to the wire, checked by a handshake that trusts nothing but Certwright's root."""
    name = f"www.{who}.example"
    world.add_site(world.nginx, world.http_port, [name])
    visitor = Visitor(screen, world, hand)
    visitor.sign_up(f"{who}-in-a-browser")
    visitor.add_agent(f"web-{who}")
    order_id = visitor.order(name)
    visitor.pay(order_id)
    visitor.make_csr()
    visitor.prove()
    visitor.install(name)
    page = screen.page
    expect(page.get_by_role("main").get_by_text("Installed").first).to_be_visible()
    serial = page.get_by_role("region", name="Certificates").locator("pre").first.inner_text()
    story = Story(world, print)
    story.root = page.request.get(f"{world.url}/pki/root.pem").body()
    assert same_serial(serial, story.served([name], world.tls_ports["nginx"]))


def as_of(page: Page) -> None:
    """The slider shows the order as it was, without anything to press, and leads back."""
    slider = page.get_by_role("slider", name="Moment of the order's history")
    slider.focus()
    page.keyboard.press("Home")
    main = page.get_by_role("main")
    expect(main.get_by_text("This is the order as it was on")).to_be_visible()
    expect(main.get_by_text("Awaiting payment").first).to_be_visible()
    expect(main.get_by_role("group", name="What you can do")).to_have_count(0)
    page.get_by_role("button", name="Back to now").click()
    expect(main.get_by_role("group", name="What you can do")).to_be_visible()


def test_from_sign_up_to_the_wire_by_mouse(world, open_screen):
    screen = open_screen(world.url)
    main_job(world, screen, Mouse(), "mona")
    page = screen.page
    screen.accessible(lambda: expect(page.get_by_role("heading", name="History")).to_be_visible())
    as_of(page)


def test_from_sign_up_to_the_wire_by_keyboard_alone(world, open_screen):
    screen = open_screen(world.url)
    main_job(world, screen, Keyboard(screen.page), "kira")


@pytest.fixture
def cluster(tmp_path: Path):
    """Every service as a process of its own, on RabbitMQ and PostgreSQL."""
    for each in (tmp_path, tmp_path.parent, tmp_path.parent.parent):
        each.chmod(0o755)  # the workers of the web servers are other users
    with World(tmp_path, "cluster") as running:
        yield running


def test_from_sign_up_to_the_wire_on_a_cluster(cluster, open_screen):
    screen = open_screen(cluster.url)
    main_job(cluster, screen, Mouse(), "clara")
