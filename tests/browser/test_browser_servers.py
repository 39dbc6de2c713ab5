# SPDX-License-Identifier: Apache-2.0
"""Check list section 6: the tables of agents and servers, verification, names, downloads, removal."""

from __future__ import annotations

import hashlib
import io
import re
import secrets
import sqlite3
import subprocess
import tarfile
import tempfile
import zipfile
from contextlib import closing
from pathlib import Path

import pytest
from playwright.sync_api import expect

from certwright.api_client import APIClient, ProblemError
from services.installer.model.enrolment import code_hash
from tests.support import people
from tests.support.agent_by_hand import PREFIX, AgentByHand, server
from tests.support.browser import Screen
from tests.support.hostile_text import HOSTILE, survives_hostile_text

MARKUP = HOSTILE["markup"]
PLAIN_HEBREW = "\u05e9\u05dc\u05d5\u05dd"
REFUSED = "The code is wrong, too old or used."


def introduce(url: str, uid: str) -> str:
    """An agent starts on its host and prints a code, which is returned."""
    code = "-".join(secrets.token_hex(2).upper() for _ in range(5))
    hello = {"uid": uid, "code_sha256": code_hash(code), "facts": {"version": "99.0.0", "os": "Debian 12",
        "hostname": "web", "web_servers": ["nginx"]}}  # fmt: skip
    APIClient(url).call("POST", f"{url}{PREFIX}/introduce", hello)
    return code


def silent(folder: Path, agent_id: str) -> None:
    """The agent has said nothing for a long time."""
    with closing(sqlite3.connect(folder / "data" / "installer.sqlite3", timeout=30)) as connection, connection:
        connection.execute(
            "UPDATE contacts SET seen_at = '2026-01-01T00:00:00.000000Z' WHERE agent_id = ?", (agent_id,)
        )


def test_the_tables_show_states_in_words(product, nora, open_screen):
    new = nora.api.post("/agents", {"name": "new-one"})
    AgentByHand(nora.api, "web-1", web_servers=("nginx", "apache"))
    old = AgentByHand(nora.api, "web-2")
    old.facts["version"] = "0.0.1"
    old.claim()
    silent(product.folder, AgentByHand(nora.api, "web-3").agent_id)
    screen = open_screen(product.url, nora)
    page = screen.open("/servers")
    agents, servers = page.get_by_role("table", name="Agents"), page.get_by_role("table", name="Servers")
    expect(agents.get_by_role("columnheader")).to_have_text(
        ["Agent Name", "State", "Agent Version", "OS Info", "Creation Date", "Actions"]
    )
    rows = agents.get_by_role("row")
    unverified = rows.filter(has_text="new-one")
    expect(unverified).to_contain_text("Not verified")
    expect(unverified).to_contain_text("undefined")
    expect(unverified.get_by_role("button", name="Verify agent")).to_be_visible()
    expect(rows.filter(has_text="web-1")).to_contain_text("Connected")
    expect(rows.filter(has_text="web-1")).to_contain_text("Debian 12")
    outdated = rows.filter(has_text="web-2")
    expect(outdated).to_contain_text("Outdated")
    expect(outdated).to_contain_text("Stop it, download it again, unpack it over the old one, and start it.")
    expect(rows.filter(has_text="web-3")).to_contain_text("Not connected")
    expect(rows.filter(has_text="web-3")).to_contain_text("Start it on its host")
    expect(servers.get_by_role("columnheader")).to_have_text(
        ["Server Name", "State", "Agent Name", "Address", "OS Info", "Web servers", "Sites", "Creation Date", "Actions"]
    )
    expect(servers.get_by_role("row").filter(has_text="web-1")).to_contain_text("nginx, apache")
    expect(servers.get_by_role("row").filter(has_text="web-1")).to_contain_text("127.0.0.1")
    expect(servers.get_by_role("row").filter(has_text="web-3")).to_contain_text("Not connected")
    expect(servers.get_by_role("row").filter(has_text="new-one")).to_have_count(0)
    screen.accessible(lambda: expect(page.get_by_text("Outdated").last).to_be_visible())

    # The UID is a column that can be chosen, and is kept.
    section = page.get_by_role("region", name="List of agents")
    section.get_by_role("button", name="Columns").click()
    page.get_by_label("Agent UID").check()
    page.keyboard.press("Escape")
    expect(unverified.locator("code")).to_have_text(new["uid"])
    page.reload()
    expect(unverified.locator("code")).to_have_text(re.compile("^[0-9a-f]{32}$"))


def test_an_agent_is_added_and_verified_by_its_code(product, nora, open_screen):
    AgentByHand(nora.api, "taken")
    screen = open_screen(product.url, nora)
    page = screen.open("/servers")
    page.get_by_role("button", name="Add New Agent/Server").click()
    dialog = page.get_by_role("dialog")
    name, following = dialog.get_by_label(re.compile("^Agent Name")), dialog.get_by_role("button", name="Next")
    for wrong, said in {"": "Give it a name.", "   ": "Give it a name.", HOSTILE["too long"]: "of 1 to",
        "taken": re.compile("name")}.items():  # fmt: skip
        name.fill(wrong)
        following.click()
        expect(name).to_have_attribute("aria-invalid", "true")
        expect(dialog.get_by_text(said).last).to_be_visible()
        expect(name).to_have_value(wrong)
    screen.dialog_accessible()
    sent = screen.sent("POST", "/agents$")
    name.fill(MARKUP)  # a name is text, whatever it looks like
    following.dblclick()
    expect(dialog.locator("pre").first).to_have_text(re.compile("^[0-9a-f]{32}$"))
    assert screen.sent("POST", "/agents$") == sent + 1
    uid = dialog.locator("pre").first.inner_text()
    builds_are_shown(screen)
    dialog.get_by_role("button", name="Verify agent").click()
    verify(screen, uid)


BUILDS = {
    "Debian, Ubuntu (x86, x64, ARM): package": ["Yes", *["Yes*"] * 5, "No***", "Download"],
    "RedHat and any other Linux (x86, x64, ARM): zip": ["Yes", *["Yes*"] * 5, "No***", "Download"],
    "Stand-alone utility, any Linux: zip": ["No", *["Yes**"] * 5, "No***", "Download"],
    "Windows": ["There is no build for Windows yet."],
}


def builds_are_shown(screen: Screen) -> None:
    """The guide's table, and for each build what its lines do on a host: they are run, and bring what was promised."""
    page = screen.page
    dialog = page.get_by_role("dialog")
    builds = dialog.get_by_role("table", name="Builds of the agent")
    expect(builds.get_by_role("columnheader")).to_have_text(
        ["Agent running on", "Local web page", "nginx", "Apache", "Tomcat", "HAProxy", "Others, by their files", "IIS",
         "Download"]
    )  # fmt: skip
    expect(builds.get_by_role("row")).to_have_count(1 + len(BUILDS))
    for number, (name, cells) in enumerate(BUILDS.items(), 1):
        expect(builds.get_by_role("row").nth(number).get_by_role("cell")).to_have_text([name, *cells])
    for mark in ("* On the host that the agent runs on", "** On the host that", "*** No build works on IIS yet."):
        expect(dialog.get_by_text(mark)).to_be_visible()
    screen.dialog_accessible()
    for name, tab, program in (
        (
            "Debian, Ubuntu (x86, x64, ARM): package",
            "Debian package",
            "./usr/lib/certwright-agent/certwright-agent.pyz",
        ),
        ("RedHat and any other Linux (x86, x64, ARM): zip", "Zip for any Linux", "certwright-agent.pyz"),
        ("Stand-alone utility, any Linux: zip", "Stand-alone utility", "certwright-agent.pyz"),
    ):
        with page.expect_download() as download:
            builds.get_by_role("link", name=f"Download: {name}").click()
        content = download.value.path().read_bytes()
        expect(dialog.get_by_role("tab", name=tab)).to_have_attribute("aria-selected", "true")
        said = dialog.get_by_role("tabpanel").locator("pre")
        expect(said.first).to_have_text(hashlib.sha256(content).hexdigest())
        expect(dialog.get_by_role("tabpanel")).to_contain_text(download.value.suggested_filename)
        expect(dialog.get_by_role("tabpanel").get_by_role("listitem")).to_have_count(0 if "alone" in name else 4)
        assert program in brought(said.nth(1).inner_text(), content)
        screen.dialog_accessible()


def brought(lines: str, content: bytes) -> list[str]:
    """Runs the two lines up to what would install; what is in the file that came. A wrong sum stops them."""
    fetch, check = lines.splitlines()
    test, _, install = check.partition(" && ")
    assert install.startswith(("sudo apt-get install ./", "sudo python3 -m zipfile -e ", "python3 -m zipfile -e "))
    name = fetch.split()[2]
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(["sh", "-ec", f"{fetch}\n{test} && touch installed"], cwd=folder, check=False)
        assert done.returncode == 0
        assert (Path(folder) / name).read_bytes() == content
        assert (Path(folder) / "installed").exists()
        (Path(folder) / name).write_bytes(content + b"x")
        spoilt = subprocess.run(
            ["sh", "-c", f"{test} && touch spoilt"], cwd=folder, check=False, capture_output=True
        )  # fmt: skip
        assert spoilt.returncode != 0
        assert not (Path(folder) / "spoilt").exists()
    if name.endswith(".zip"):
        return zipfile.ZipFile(io.BytesIO(content)).namelist()
    listed = subprocess.run(
        ["dpkg-deb", "--fsys-tarfile", "/dev/stdin"], input=content, capture_output=True, check=True
    )
    return tarfile.open(fileobj=io.BytesIO(listed.stdout)).getnames()


def verify(screen: Screen, uid: str) -> None:
    """Nobody waits yet; then a wrong code and the right one."""
    page = screen.page
    dialog = page.get_by_role("dialog", name=f"Verify agent {MARKUP}")
    code, begin = dialog.get_by_label(re.compile("^Agent Key")), dialog.get_by_role("button", name="Start Verification")
    begin.click()
    expect(dialog.get_by_text("Type the code that the agent printed.")).to_be_visible()
    code.fill("AAAA-BBBB-CCCC-DDDD-EEEE")
    begin.click()
    expect(dialog.get_by_role("alert")).to_contain_text("No agent waits for its verification.")
    expect(code).to_have_value("AAAA-BBBB-CCCC-DDDD-EEEE")
    screen.dialog_accessible()
    right = introduce(screen.url, uid)
    begin.click()
    expect(dialog.get_by_text(REFUSED)).to_be_visible()
    expect(code).to_have_attribute("aria-invalid", "true")
    code.fill(right)
    sent = screen.sent("POST", "/verify$")
    begin.dblclick()
    expect(dialog.get_by_role("status")).to_have_text(
        f"Agent '{MARKUP}' Authentication successful. Your agent IP is: 127.0.0.1"
    )
    assert screen.sent("POST", "/verify$") == sent + 1
    expect(dialog.get_by_text("Waiting for the agent.")).to_be_visible()
    screen.dialog_accessible()
    dialog.get_by_role("button", name="Close").last.click()
    expect(dialog).to_be_hidden()


def test_codes_that_were_used_or_tried_too_often_are_refused(product, nora, open_screen):
    agent = nora.api.post("/agents", {"name": "web-1"})
    used = introduce(product.url, agent["uid"])
    screen = open_screen(product.url, nora)
    page = screen.open("/servers")
    page.get_by_role("button", name="Verify agent").click()
    dialog = page.get_by_role("dialog")
    code, begin = dialog.get_by_label(re.compile("^Agent Key")), dialog.get_by_role("button", name="Start Verification")
    survives_hostile_text(screen, dialog, begin.click)
    for _ in range(5):  # the fifth wrong code ends the one that waits
        with pytest.raises(ProblemError):
            nora.api.post(f"/agents/{agent['agent_id']}/verify", {"code": "WRONG"})
    code.fill(used)
    begin.click()
    expect(dialog.get_by_role("alert").first).to_contain_text("No agent waits")
    fresh = introduce(product.url, agent["uid"])
    begin.click()
    expect(dialog.get_by_text(REFUSED)).to_be_visible()
    code.fill(fresh)
    begin.click()
    expect(dialog.get_by_text("Authentication successful")).to_be_visible()
    another = introduce(product.url, agent["uid"])  # so that somebody waits
    with pytest.raises(ProblemError) as refused:
        nora.api.post(f"/agents/{agent['agent_id']}/verify", {"code": fresh})
    assert refused.value.document["errors"][0]["detail"].startswith(REFUSED)
    assert not [code for code in (used, fresh, another) if code in product.log]


def test_agents_and_servers_are_renamed_and_downloaded_again(product, nora, open_screen):
    AgentByHand(nora.api, "web-1")
    AgentByHand(nora.api, "web-2")
    screen = open_screen(product.url, nora)
    page = screen.open("/servers")
    agents, servers = page.get_by_role("table", name="Agents"), page.get_by_role("table", name="Servers")
    agents.get_by_role("button", name="Download agent web-1 again").click()
    again = page.get_by_role("dialog", name="Download agent web-1 again")
    with page.expect_download() as download:
        again.get_by_role("link", name="Download: RedHat and any other Linux (x86, x64, ARM): zip").click()
    assert zipfile.ZipFile(download.value.path()).testzip() is None
    again.get_by_role("button", name="Close").last.click()
    for table, path, taken in ((agents, "/agents/[^/]+$", "web-2"), (servers, "/servers/[^/]+$", "web-2")):
        table.get_by_role("button", name="Rename web-1").click()
        dialog = page.get_by_role("dialog", name="Rename web-1")
        name, save = dialog.get_by_label("New name"), dialog.get_by_role("button", name="Save")
        expect(name).to_have_value("web-1")
        for wrong in (HOSTILE["too long"], HOSTILE["control characters"], *((taken, "  ") if table is agents else ())):
            name.fill(wrong)
            held = name.input_value()
            save.click()
            expect(name).to_have_attribute("aria-invalid", "true")
            expect(name).to_have_value(held)
        screen.dialog_accessible()
        sent = screen.sent("PATCH", path)
        name.fill(PLAIN_HEBREW)
        save.dblclick()
        expect(dialog).to_be_hidden()
        assert screen.sent("PATCH", path) == sent + 1
    assert PLAIN_HEBREW in [one["name"] for one in nora.api.get("/agents")["items"]]
    assert PLAIN_HEBREW in [one["name"] for one in nora.api.get("/servers")["items"]]
    expect(agents.get_by_role("row").filter(has_text=PLAIN_HEBREW)).to_have_count(1)
    expect(servers.get_by_role("row").filter(has_text="web-2")).to_have_count(1)


def test_removing_an_agent_ends_its_credential_at_once(product, nora, open_screen):
    agent = AgentByHand(nora.api, MARKUP)
    screen = open_screen(product.url, nora)
    page = screen.open("/servers")
    page.get_by_role("table", name="Agents").get_by_role("button", name=f"Remove {MARKUP}").click()
    dialog = page.get_by_role("dialog")
    remove = dialog.get_by_role("button", name="Remove")
    expect(remove).to_be_disabled()
    field = dialog.get_by_label(f"Type {MARKUP} to confirm")
    for wrong in (MARKUP.upper(), *HOSTILE.values()):
        if wrong != MARKUP:
            field.fill(wrong)
            expect(remove).to_be_disabled()
    screen.dialog_accessible()
    agent.claim()  # until then it is in
    field.fill(MARKUP)
    remove.dblclick()
    expect(page.get_by_role("heading", name="No agent yet")).to_be_visible()
    assert screen.sent("DELETE", "/agents/[^/]+$") == 1
    with pytest.raises(ProblemError) as refused:
        agent.claim()
    assert refused.value.status == 401
    assert nora.api.get("/agents")["items"] == []
    assert nora.api.get("/servers")["items"] == []


OTHER_KEY = "SHA256:" + "Z9y8X7w6" * 5 + "abc"


def test_servers_over_ssh_say_their_state_and_its_cure(product, nora, open_screen):
    agent = AgentByHand(nora.api, "gatehouse")
    agent.tell_servers(
        server(1, "shop"),
        server(2, "mail", "not_connected", detail=f"nobody answers {MARKUP}", port=2222),
        server(3, "old", "outdated", detail="it has no python3"),
        server(4, "new", "keys_missing"),
        server(5, "odd", "host_key_changed", detail="the host key changed", host_key_seen=OTHER_KEY),
    )
    screen = open_screen(product.url, nora)
    page = screen.open("/servers")
    rows = page.get_by_role("table", name="Servers").get_by_role("row")
    expect(rows).to_have_count(7)  # with the heading and the agent's own host
    for name, words in {
        "shop": ["Connected", "auto@192.0.2.1", "nginx/1.22.1", "gatehouse", "Debian GNU/Linux 12"],
        "mail": ["Not connected", "auto@192.0.2.2 :2222", "The agent does not reach it over SSH", MARKUP],
        "old": ["Outdated", "It has no Python 3.9 or later"],
        "new": ["Keys missing", "“keys copy”"],
        "odd": ["Host key changed", server(5, "odd")["host_key"], OTHER_KEY, "so nothing is done there"],
    }.items():
        row = rows.filter(has=page.get_by_text(name, exact=True))
        for word in words:
            expect(row).to_contain_text(word)
    screen.accessible(lambda: expect(page.get_by_text("Host key changed").last).to_be_visible())
    panel = page.get_by_role("region", name="Servers", exact=True).first
    expect(panel.get_by_text("odd (192.0.2.5)")).to_be_visible()

    page.get_by_role("button", name="Add a server over SSH").click()
    dialog = page.get_by_role("dialog", name="Add a server over SSH")
    expect(dialog.locator("pre")).to_have_text(
        [re.compile("keys make$"), re.compile(r"keys copy -ip 192\.0\.2\.10 -u admin$"), re.compile("add -ip ")]
    )
    screen.dialog_accessible()
    dialog.get_by_role("button", name="Close").last.click()

    # An action on it is refused with the reason, and cannot be chosen.
    chosen = {one["name"]: one["server_id"] for one in nora.api.get("/servers")["items"]}
    order = nora.steps.place_order("trial-single", ["www.gatehouse-demo.com"], "http_csr_hash")
    nora.steps.wait_for_payment(order["order_id"])
    for name, reason in (
        ("odd", "host_key_changed"),
        ("new", "keys_missing"),
        ("old", "outdated"),
        ("mail", "not_connected"),
    ):
        with pytest.raises(ProblemError) as refused:
            nora.api.post(f"/orders/{order['order_id']}/csr-requests", {"server_id": chosen[name]})
        assert refused.value.status == 409
        assert refused.value.document["extra"]["reason"] == f"server_{reason}"


def test_a_server_over_ssh_is_renamed_and_removed_and_the_agents_own_is_not(product, nora, open_screen):
    agent = AgentByHand(nora.api, "gatehouse")
    told = server(1, MARKUP)
    agent.tell_servers(told)
    screen = open_screen(product.url, nora)
    page = screen.open("/servers")
    servers = page.get_by_role("table", name="Servers")
    servers.get_by_role("button", name=f"Rename {MARKUP}").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("New name").fill("shop")
    dialog.get_by_role("button", name="Save").click()
    expect(dialog).to_be_hidden()
    expect(servers.get_by_role("button", name="Remove gatehouse")).to_have_count(0)
    servers.get_by_role("button", name="Remove shop").click()
    dialog = page.get_by_role("dialog")
    remove = dialog.get_by_role("button", name="Remove")
    expect(remove).to_be_disabled()
    screen.dialog_accessible()
    dialog.get_by_label("Type shop to confirm").fill("shop")
    remove.dblclick()
    expect(servers.get_by_role("row")).to_have_count(2)
    assert screen.sent("DELETE", "/servers/[^/]+$") == 1
    assert agent.tell_servers(told) == [told["ref"]]
    assert len(nora.api.get("/servers")["items"]) == 1


def test_who_only_looks_changes_nothing(product, nora, open_screen):
    agent = AgentByHand(nora.api, "web-1")
    viewer = people.colleague(nora, ["view"])
    page = open_screen(product.url, viewer).open("/servers")
    expect(page.get_by_role("table", name="Agents").get_by_text("web-1")).to_be_visible()
    for name in ("Add New Agent/Server", "Add a server over SSH", "Rename web-1", "Remove web-1"):
        expect(page.get_by_role("button", name=name)).to_have_count(0)
    with pytest.raises(ProblemError) as refused:
        viewer.api.call("DELETE", f"/agents/{agent.agent_id}")
    assert refused.value.status == 403
    assert nora.api.get("/agents")["items"]
