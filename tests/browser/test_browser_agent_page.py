# SPDX-License-Identifier: Apache-2.0
"""Check list 6.30 to 6.34 on the agent's own page: the code, SSH keys the three ways, a server with its host key."""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from certwright_agent.enrolment import code_hash
from playwright.sync_api import Browser, Locator, Page, expect

from certwright.servers.process import free_port
from tests.support import agent_gateway
from tests.support.agent_page import AgentPage
from tests.support.browser import AXE, HEIGHT, NARROW, PATIENCE_MS, RULES, WIDE
from tests.support.nginx import Nginx, TLSFiles
from tests.support.remote_host import RemoteHost
from tests.support.small_ca import SmallCA
from tests.support.sshd import PASSWORD


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A profile of its own; anything that its log says fails the test."""
    context = browser.new_context(viewport={"width": WIDE, "height": HEIGHT[WIDE]})
    made, faults = context.new_page(), []
    made.set_default_timeout(PATIENCE_MS)
    made.on("console", lambda message: faults.append(message.text) if message.type in ("error", "warning") else None)
    made.on(
        "request", lambda asked: faults.append(asked.url) if not asked.url.startswith("http://127.0.0.1:") else None
    )
    yield made
    context.close()
    assert faults == []


def accessible(page: Page, name: str) -> None:
    """axe, and no sideways scrolling, in both themes at both widths; a picture of each where one is asked for."""
    for width in (NARROW, WIDE):
        page.set_viewport_size({"width": width, "height": HEIGHT[width]})
        for scheme in ("dark", "light"):
            page.emulate_media(color_scheme=scheme)
            if folder := os.environ.get("CERTWRIGHT_TEST_PICTURES"):
                page.screenshot(path=Path(folder) / f"{name}-{scheme}-{width}.png", full_page=True)
            assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"), width
            # The content security policy of the page lets no script in; this one comes from the debugger.
            page.evaluate(AXE.read_text())
            found = page.evaluate("rules => axe.run(document, {runOnly: {type: 'tag', values: rules}})", RULES)
            assert [(one["id"], one["nodes"][0]["html"]) for one in found["violations"]] == []


@pytest.fixture
def nginx(tmp_path: Path) -> Nginx:
    """A web server of the agent's own host, not started: its configuration is what is read."""
    server = Nginx(tmp_path / "nginx")
    server.prepare()
    fullchain, key, _ = SmallCA().key_pair(tmp_path, ["www.example.test"])
    server.add_site("www.example.test", port=free_port(), tls=TLSFiles(free_port(), fullchain, key))
    return server


def looked_for(page: Page, wanted: Locator) -> None:
    """Looks again until it is there: the page does not change by itself."""
    deadline = time.monotonic() + PATIENCE_MS / 1000
    while not wanted.is_visible():
        assert time.monotonic() < deadline, page.content()
        page.reload()


@pytest.fixture(name="started")
def end_what_was_started() -> Iterator[Callable[[AgentPage], AgentPage]]:
    """Ends what a test that failed has left."""
    with ExitStack() as stack:

        def started(made: AgentPage) -> AgentPage:
            stack.callback(made.close)
            return made

        yield started


def test_the_page_is_read_from_a_narrow_window_to_a_wide_one(
    page: Page, tmp_path: Path, nginx: Nginx, started: Callable[[AgentPage], AgentPage]
) -> None:
    home = tmp_path / "agent"
    home.mkdir()
    with agent_gateway.running() as gateway:
        entries = [nginx.agent_entry(free_port())]
        agent = started(AgentPage(home, gateway.url, web_servers=entries, roots=[str(nginx.folder)]))
        page.goto(agent.url)
        expect(page.get_by_text("Not enrolled")).to_be_visible()
        expect(page.get_by_role("listitem").filter(has_text="www.example.test")).to_contain_text("may be written")
        accessible(page, "new")
        page.get_by_role("button", name="Show the code").click()
        looked_for(page, page.get_by_text("One-time code"))
        accessible(page, "code")
        code = re.search(r": ([0-9A-Z-]{23})", page.get_by_role("status").inner_text())
        assert code
        gateway.verified.add(code_hash(code[1]))
        page.get_by_role("link", name="I have typed it: look again").click()
        finish = page.get_by_role("button", name="Finish verification")
        looked_for(page, finish)  # until the agent has asked the gateway again
        accessible(page, "finish")
        finish.click()
        looked_for(page, page.get_by_text("Enrolled, not running"))
        expect(page.get_by_role("button", name="Generate there")).to_be_disabled()
        accessible(page, "keys")
        page.get_by_label("Path of the private key").fill("/etc/hostname")
        page.get_by_role("button", name="Use this key").click()
        expect(page.get_by_role("status")).to_contain_text("Not done")
        page.get_by_role("button", name="Generate keys").click()
        expect(page.get_by_role("status")).to_contain_text("ssh-ed25519")
        assert agent.hint == f"From another host: ssh -L {agent.port}:127.0.0.1:{agent.port} to this one, same address."
        assert agent.stop() == ""


@pytest.mark.skipif(os.geteuid() != 0, reason="makes a user, and lets sshd become it")
def test_a_key_is_copied_and_a_server_added_once_its_host_key_was_looked_at(
    page: Page, tmp_path: Path, started: Callable[[AgentPage], AgentPage]
) -> None:
    host = RemoteHost("nginx")
    try:
        host.open()
        with agent_gateway.running() as gateway:
            agent = started(AgentPage(tmp_path, gateway.url))
            state = tmp_path / "state"
            state.mkdir(mode=0o700)
            (state / "token").touch(mode=0o600)
            (state / "token").write_text("T" * 40)
            page.goto(agent.url)
            page.get_by_role("button", name="Generate keys").click()
            keys = page.locator("section", has=page.get_by_role("heading", name="SSH keys"))
            fill(keys, host)
            keys.get_by_role("button", name="Look at its host key").click()
            expect(page.get_by_text(host.sshd.fingerprint())).to_be_visible()
            accessible(page, "host-key")
            page.get_by_label(re.compile("^Password of")).fill(PASSWORD)
            page.get_by_role("button", name="It is the same: copy the key").click()
            expect(page.get_by_role("status")).to_contain_text("The key is on 127.0.0.1")

            servers = page.locator("section", has=page.get_by_role("heading", name="Servers over SSH"))
            fill(servers, host)
            servers.get_by_label("Name (may be empty)").fill("<b>shop</b>")
            servers.get_by_role("button", name="Look at its host key").click()
            page.get_by_role("button", name="It is the same: add the server").click()
            expect(page.get_by_role("status")).to_contain_text("Added <b>shop</b>")
            page.get_by_role("button", name="Look at all of them").click()
            row = page.get_by_role("listitem").filter(has_text="<b>shop</b>")
            expect(row).to_contain_text("Connected: nginx/")
            accessible(page, "servers")
            host.sshd.start("second")
            page.get_by_role("button", name="Look at all of them").click()
            expect(row).to_contain_text("Host key changed")
            expect(row).to_contain_text(host.sshd.fingerprint("second"))
            row.get_by_role("button", name="Remove").click()
            expect(page.get_by_text("None beside this host.")).to_be_visible()
            assert json.loads((state / "servers.json").read_text()) == []
            said = agent.stop()
            assert PASSWORD not in said
            held = [path for path in tmp_path.rglob("*") if path.is_file() and PASSWORD.encode() in path.read_bytes()]
            assert held == []
    finally:
        host.close()


def fill(section, host) -> None:
    """Where to."""
    section.get_by_label("Server address").fill("127.0.0.1")
    section.get_by_label("Login").fill(host.user.name)
    section.get_by_label("Port").fill(str(host.sshd.port))
