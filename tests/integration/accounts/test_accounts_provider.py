# SPDX-License-Identifier: Apache-2.0
"""The running product and a provider on a port of its own: the whole way, and that nothing of it is in a log."""

from __future__ import annotations

import socket
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from tests.support import people
from tests.support.live_gateway import PASSWORD, live
from tests.support.openid_provider import SECRET, new_key, served, settings_for

TIMEOUT_S = 15


@pytest.fixture(scope="module")
def provider():
    with served("") as running:
        yield running


@pytest.fixture(scope="module")
def product(tmp_path_factory, provider):
    with live(tmp_path_factory.mktemp("openid"), settings_for(provider)) as running:
        provider.redirect_uri = f"{running.url}/sign-in/oidc/callback"
        yield running
        assert "Traceback" not in running.log, running.log[-4000:]


@pytest.fixture(autouse=True)
def honest(provider):
    yield
    provider.lies()


class Browser:
    """Cookies, and one step at a time. `seen` holds every address that it went to."""

    def __init__(self, product, cookies=()):
        self.url = product.url
        self.session = requests.Session()
        self.session.cookies.update({each["name"]: each["value"] for each in cookies})
        self.seen = []

    def go(self, target):
        """Where it is sent from there."""
        self.seen.append(target)
        answer = self.session.get(target, allow_redirects=False, timeout=TIMEOUT_S)
        assert answer.status_code in {302, 303}, answer.text
        found = answer.headers["Location"]
        return found if found.startswith("http") else self.url + found

    def through(self, start, subject="nora"):
        """The address at which it ends after the provider."""
        authorize = start if "/authorize?" in start else self.go(start)
        return self.go(self.go(f"{authorize}&as={subject}")).removeprefix(self.url)

    def whoami(self):
        return self.session.get(f"{self.url}/api/v1/me", timeout=TIMEOUT_S)


def connected(product, subject):
    """A customer whose identity is connected through the API and the provider."""
    nora = people.customer(product.url)
    browser = Browser(product, nora.cookies)
    begun = browser.session.post(
        f"{product.url}/api/v1/me/identities/begin", json={"current_password": PASSWORD}, timeout=TIMEOUT_S
    )
    assert browser.through(begun.json()["url"], subject) == "/console/profile?oidc=connected"
    return nora


def test_an_identity_is_connected_and_signs_in_and_no_secret_is_in_the_log(product, provider):
    nora = connected(product, "way")
    browser = Browser(product)
    assert browser.through(f"{product.url}/sign-in/oidc?next=/servers", "way") == "/console/servers"
    assert browser.whoami().json()["login"] == nora.login
    ways = requests.get(f"{product.url}/api/v1/sign-in-ways", timeout=TIMEOUT_S).json()
    assert ways["oidc_name"] == "Blumen ID"
    secrets = [SECRET, *(each.value for each in browser.session.cookies)]
    for address in browser.seen:
        query = parse_qs(urlsplit(address).query)
        secrets += [query[name][0] for name in ("state", "nonce", "code", "code_challenge") if name in query]
    assert len(secrets) >= 6
    databases = [path.read_bytes() for path in (product.folder / "data").rglob("*.sqlite3*")]
    for secret in secrets:
        assert secret not in product.log
        assert not any(secret.encode() in content for content in databases)
    kinds = [one["type"] for one in nora.again().api.get("/audit")["items"]]
    assert "accounts.OIDCIdentityLinked" in kinds


def test_a_stranger_ends_on_the_sign_in_page_without_a_session(product):
    browser = Browser(product)
    assert browser.through(f"{product.url}/sign-in/oidc", "stranger") == "/console/sign-in?oidc=unknown"
    assert browser.whoami().status_code == 401


def test_an_answer_is_good_once_and_in_its_own_browser(product):
    connected(product, "once")
    browser = Browser(product)
    back = browser.go(f"{browser.go(f'{product.url}/sign-in/oidc')}&as=once")
    assert Browser(product).go(back).endswith("/console/sign-in?oidc=stale")
    assert browser.go(back).endswith("/console/sign-in?oidc=stale")
    assert browser.through(f"{product.url}/sign-in/oidc", "once") == "/console/"
    assert browser.go(browser.seen[-1]).endswith("/console/sign-in?oidc=stale")


@pytest.mark.parametrize(
    ("lie", "word"),
    [
        ({"claims": {"nonce": "another"}}, "invalid"),
        ({"claims": {"aud": "another"}}, "invalid"),
        ({"key": new_key()}, "invalid"),
        ({"iss": "https://evil.test"}, "invalid"),
        ({"token": "x"}, "invalid"),
        ({"status": {"/token": 400}}, "refused"),
        ({"status": {"/token": 503}}, "unavailable"),
    ],
)
def test_a_lie_of_the_provider_ends_on_the_sign_in_page(product, provider, lie, word):
    provider.lies(**lie)
    browser = Browser(product)
    assert browser.through(f"{product.url}/sign-in/oidc", "liar") == f"/console/sign-in?oidc={word}"
    assert browser.whoami().status_code == 401


def test_a_new_key_of_the_provider_is_found(product, provider):
    connected(product, "rotated")
    provider.key = new_key("ES256", "k2")
    provider.published = [provider.key]
    assert Browser(product).through(f"{product.url}/sign-in/oidc", "rotated") == "/console/"


def test_a_provider_that_hangs_or_is_gone_ends_on_the_sign_in_page(tmp_path, provider):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        settings = {**settings_for(provider), "CERTWRIGHT_ACCOUNTS_OIDC_ISSUER": f"http://127.0.0.1:{port}"}
        with live(tmp_path, settings) as running:
            start = f"{running.url}/sign-in/oidc"
            assert Browser(running).go(start).endswith("/console/sign-in?oidc=unavailable")
            silent.close()
            assert Browser(running).go(start).endswith("/console/sign-in?oidc=unavailable")
            assert "Traceback" not in running.log


def test_a_provider_in_a_network_that_is_not_allowed_is_not_dialled(tmp_path, provider):
    before = len(provider.asked)
    port = urlsplit(provider.issuer).port
    settings = {
        **settings_for(provider),
        "CERTWRIGHT_ACCOUNTS_OIDC_ISSUER": f"https://127.0.0.1:{port}/realm",
        "CERTWRIGHT_EGRESS_ALLOW_NETWORKS": "[]",
    }
    with live(tmp_path, settings) as running:
        assert Browser(running).go(f"{running.url}/sign-in/oidc").endswith("/console/sign-in?oidc=unavailable")
    assert len(provider.asked) == before
    with (
        pytest.raises(RuntimeError, match="https://"),
        live(tmp_path, {**settings, "CERTWRIGHT_ACCOUNTS_OIDC_ISSUER": provider.issuer}),
    ):
        pass
