# SPDX-License-Identifier: Apache-2.0
"""What the console is told before anybody is signed in, and which links an operator may set."""

import pytest
from pydantic import ValidationError
from werkzeug.test import Client

from gateway.app import Gateway
from gateway.settings import GatewaySettings
from tests.support.fake_rpc import FakeRpc

LINKS = ("support_url", "help_url", "scan_url")


def test_anybody_is_told_and_no_service_is_asked(client, rpc):
    answer = client.get("/api/v1/console")
    assert answer.status_code == 200
    assert answer.json.pop("version")
    assert {name: value for name, value in answer.json.items() if name != "version"} == {
        "brand": "Certwright",
        "ca_brand": "Certwright CA",
        "support_url": "",
        "support_email": "",
        "support_phone": "",
        "help_url": "/docs",
        "scan_url": "",
        "scan_label": "HackerGuardian – PCI Scan",
    }
    assert rpc.calls == []


def test_what_the_operator_set_is_said():
    own = GatewaySettings(_env_file=None, brand="Acme TLS", support_url="mailto:help@example.com")
    answer = Client(Gateway(FakeRpc(), own)).get("/api/v1/console").json
    assert (answer["brand"], answer["support_url"]) == ("Acme TLS", "mailto:help@example.com")


@pytest.mark.parametrize("name", LINKS)
@pytest.mark.parametrize("url", ["", "/", "/docs", "http://a.example", "https://a.example/x?y", "mailto:a@example.com"])
def test_a_link_may_lead_to_a_page_a_mailbox_or_a_path(name, url):
    assert getattr(GatewaySettings(_env_file=None, **{name: url}), name) == url


@pytest.mark.parametrize("name", LINKS)
@pytest.mark.parametrize(
    "url",
    ["javascript:alert(1)", "//evil.example", "/\\evil.example", "docs", "https://", "/a b", "x https://a.example"],
)
def test_no_other_link_starts(name, url):
    with pytest.raises(ValidationError, match=name):
        GatewaySettings(_env_file=None, **{name: url})
