# SPDX-License-Identifier: Apache-2.0
"""Makes the pictures of the documentation from the real product: `python -m tests.support.pictures docs/img`.

The main job of the demonstration on nginx and Apache, then what an account has after a while: orders in several states,
sites of other CAs, alerts, users. With `--review FOLDER` also narrow, very wide, German and dark ones of every page.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, sync_playwright

from certwright.demo.story import Story
from certwright.demo.world import World
from tests.support import people
from tests.support.agent_by_hand import AgentByHand, binding, site, strangers_certificate
from tests.support.browser import HEIGHT, WIDE, launch, screen
from tests.support.live_gateway import PASSWORD
from tests.support.mailed_proof import with_csr
from tests.support.people import Person

SETTLE_MS = 900


@dataclass(frozen=True)
class Shown:
    """One picture: its file's name, who looks, and where."""

    name: str
    who: Person | None
    path: str
    heading: str


def tell(world: World) -> tuple[Person, dict[str, Any], dict[str, Any]]:
    """Fills the account; the customer, an installed order and one that waits."""
    story = Story(world, print)
    story.prepare()
    installed = story.single_name_on_nginx()
    api = story.customer.api
    login = api.get("/me")["login"]
    nora = Person(world.url, api, login, "", str(api.get("/account")["order_number"]))
    waiting = with_csr(nora, ["shop.tulpen-winter.example"], method="cname_csr_hash")
    nora.steps.place_order("dv-wildcard", ["*.winter-gaerten.example"], "cname_csr_hash")
    ended = nora.steps.place_order("dv-single", ["alt.blumen-winter.example"], "http_csr_hash")
    api.post(f"/orders/{ended['order_id']}/cancel")
    story.several_names_on_apache()  # brings the deposit; from then on orders are paid from it at once
    look_around(api, world, installed["names"])
    api.post("/top-ups", {"amount": 100_000, "currency": "USD"})
    agent = AgentByHand(api, "web-2", web_servers=("apache",))
    agent.report(
        site("mail.blumen-winter.example", binding("mail.blumen-winter.example", 443, strangers_certificate(
            "mail.blumen-winter.example", days=12, organization="Blumen Winter GmbH"))),
        site("intern.blumen-winter.example", binding("intern.blumen-winter.example", 8443, strangers_certificate(
            "intern.blumen-winter.example", days=75, issuer=None))),
        site("lager.blumen-winter.example"),
    )  # fmt: skip
    agent.claim()
    api.post("/acme/credentials", {"name": "web servers", "product": "dv-single", "term_years": 2})
    for user, rights in (("otto.kramer", ["view"]), ("ines.wolf", ["view", "create_order"])):
        api.post("/users", {"login": user, "email": f"{user}@blumen-winter.example", "password": PASSWORD,
            "permissions": rights})  # fmt: skip
    return nora, installed, waiting


def look_around(api: Any, world: World, names: list[str]) -> None:
    """Scans what the demonstration serves, and checks one endpoint of it."""
    ports = sorted(world.tls_ports.values())
    scan = api.post("/scans", {"names": names, "ports": [*ports, 443]})
    check = api.post("/checks", {"fqdn": names[0], "port": world.tls_ports["nginx"], "depth": "advanced"})
    for path in (f"/scans/{scan['scan_id']}", f"/checks/{check['check_id']}"):
        while api.get(path)["state"] not in {"finished", "failed", "stopped"}:
            time.sleep(0.2)


def operator_of(world: World) -> Person:
    """Whoever runs the product."""
    token = (world.folder / "data" / "first-run-link").read_text().partition("#token=")[2].split()[0]
    return people.claim(world.url, token)


def shots(world: World) -> list[Shown]:
    """The main pages."""
    nora, installed, waiting = tell(world)
    root = operator_of(world)
    unpaid = next(one for one in nora.api.get("/orders")["items"] if one["status"] == "awaiting_payment")
    return [
        Shown("sign-in", None, "/sign-in", "Sign in"),
        Shown("sign-up", None, "/sign-up", "Signup"),
        Shown("orders", nora, "/orders", "Orders"),
        Shown("order", nora, f"/orders/{waiting['order_id']}", "Order"),
        Shown("installed", nora, f"/orders/{installed['order_id']}", "Order"),
        Shown("buy", nora, "/buy", "Create new order"),
        Shown("payment", nora, f"/orders/{unpaid['order_id']}/payment", "Secure Payment Page"),
        Shown("sites", nora, "/sites", "Sites"),
        Shown("certificates", nora, "/certificates", "Certificates"),
        Shown("forecast", nora, "/forecast", "Forecast"),
        Shown("replacements", nora, "/replacements", "Mass replacement"),
        Shown("servers", nora, "/servers", "Manage agents and servers"),
        Shown("discovery", nora, "/discovery", "SSL Certificate Discovery"),
        Shown("tools", nora, "/tools", "SSL Tools"),
        Shown("deposit", nora, "/deposit", "EPKI Manager"),
        Shown("alerts", nora, "/alerts", "Alerts"),
        Shown("users", nora, "/users", "Users"),
        Shown("acme", nora, "/acme", "ACME clients"),
        Shown("audit", nora, "/audit", "Audit log"),
        Shown("profile", nora, "/profile", "Profile"),
        Shown("company", nora, "/company", "Company"),
        Shown("health", root, "/health", "System health"),
        Shown("vouchers", root, "/vouchers", "Vouchers"),
    ]


def take(
    browser: Browser, url: str, shown: Shown, folder: Path, *, scheme: str, width: int = WIDE, language: str = "en-GB",
    whole: bool = False, suffix: str = "",
) -> None:  # fmt: skip
    """One picture in a file."""
    cookies = shown.who.cookies if shown.who else None
    with screen(browser, url, cookies=cookies, language=language) as opened:
        page = opened.page
        page.set_viewport_size({"width": width, "height": HEIGHT.get(width, 900)})
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
        opened.open(shown.path)
        page.locator("h1").first.wait_for()
        if shown.name == "buy":
            page.locator("main select:has(option[value=dv-multi])").select_option("dv-multi")
        page.wait_for_timeout(SETTLE_MS)
        page.screenshot(path=folder / f"{shown.name}-{suffix or scheme}.png", full_page=whole)


def main() -> None:
    """The pictures of the documentation, and those for looking through all pages."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="where the light and dark ones go, 1280 wide")
    parser.add_argument("--review", type=Path, help="where narrow, wide and German ones go")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as place, sync_playwright() as playwright:
        Path(place).chmod(0o755)
        browser = launch(playwright)
        with World(Path(place), "embedded") as world:
            for shown in shots(world):
                for scheme in ("light", "dark"):
                    take(browser, world.url, shown, chosen.folder, scheme=scheme)
                if chosen.review:
                    review = {"whole": True, "folder": chosen.review}
                    take(browser, world.url, shown, scheme="light", width=375, suffix="375", **review)
                    take(browser, world.url, shown, scheme="dark", width=375, suffix="375-dark", **review)
                    take(browser, world.url, shown, scheme="light", width=1920, suffix="1920", **review)
                    take(browser, world.url, shown, scheme="dark", language="de-DE", suffix="de", **review)
        browser.close()


if __name__ == "__main__":
    main()
