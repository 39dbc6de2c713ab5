# SPDX-License-Identifier: Apache-2.0
"""Looks for the answers of ACME clients on real sockets: redirects as far as they may go, and real DNS packets."""

from dataclasses import replace
from ipaddress import ip_network

import pytest

from services.dcv.adapters.lookup import WebAndDNSLookup
from services.dcv.model import acme
from services.dcv.model.judging import Reason
from services.dcv.ports import Target
from services.dcv.settings import DCVSettings
from shared.egress.addresses import AddressPolicy
from shared.egress.guard import Egress
from shared.egress.resolver import DNSResolver
from tests.support.canned_http import CannedHTTP, answer
from tests.support.dns import ProgrammableDNS

NAME, TOKEN, THUMB = "www.shop-demo.com", "a-token", "a-thumbprint"
RIGHT = acme.key_authorization(TOKEN, THUMB).encode()
LOOPBACK = AddressPolicy([ip_network("127.0.0.0/8")])


@pytest.fixture(scope="module")
def names():
    with ProgrammableDNS() as server:
        server.set(NAME, "A", ["127.0.0.1"])
        yield server


def look(names, method, *, http=80, https=443, policy=LOOPBACK, fqdn=NAME):
    resolver = DNSResolver([names.nameserver], timeout_s=2.0)
    settings = DCVSettings(http_port=http, https_port=https, fetch_timeout_s=3.0)
    target = Target(fqdn, method, "", "", "", TOKEN, THUMB)
    return WebAndDNSLookup(Egress(resolver, policy), resolver, settings).look(target)


def moved(location):
    return answer(b"", status="302 Found", headers=[f"Location: {location}"])


def test_the_answer_is_found_where_it_has_to_be(names):
    with CannedHTTP(answer(RIGHT)) as server:
        outcome = look(names, "acme_http_01", http=server.port)
    assert outcome.passed
    assert outcome.evidence["url"] == f"http://{NAME}:{server.port}/.well-known/acme-challenge/{TOKEN}"
    assert outcome.evidence["address"] == "127.0.0.1"
    assert f"GET /.well-known/acme-challenge/{TOKEN} ".encode() in server.request


def test_a_redirect_to_the_ports_of_the_web_is_followed_and_to_others_not(names):
    with CannedHTTP(answer(RIGHT)) as second, CannedHTTP() as first:
        first.reply = moved(f"http://{NAME}:{second.port}/elsewhere")
        outcome = look(names, "acme_http_01", http=first.port, https=second.port)
        assert outcome.passed
        assert outcome.evidence["redirects"] == [f"http://{NAME}:{second.port}/elsewhere"]
        assert not look(names, "acme_http_01", http=first.port).passed
        assert second.hits == 1


@pytest.mark.parametrize("location", ["http://127.0.0.1:22/", "file:///etc/passwd", "gopher://x/", "//[::1]:1/", "\\x"])
def test_a_redirect_to_anything_else_proves_nothing(names, location):
    with CannedHTTP(moved(location)) as server:
        outcome = look(names, "acme_http_01", http=server.port)
    assert not outcome.passed
    assert outcome.reason
    assert server.hits == 1


def test_redirects_end_after_five(names):
    with CannedHTTP() as server:
        server.reply = moved(f"http://{NAME}:{server.port}/again")
        outcome = look(names, "acme_http_01", http=server.port)
        assert (outcome.passed, outcome.reason, server.hits) == (False, "file_redirected", 6)


def test_a_private_address_is_not_dialled(names):
    with CannedHTTP(answer(RIGHT)) as server:
        outcome = look(names, "acme_http_01", http=server.port, policy=AddressPolicy(()))
    assert (outcome.passed, outcome.reason, server.hits) == (False, "address_refused", 0)


def test_the_record_stands_at_the_very_name_and_a_wildcard_is_proved_at_its_base(names):
    value = acme.dns_value(TOKEN, THUMB)
    names.set("_acme-challenge.shop-demo.com", "TXT", ["another", value])
    assert look(names, "acme_dns_01", fqdn="*.shop-demo.com").passed
    outcome = look(names, "acme_dns_01")  # not at the parent of the name
    assert (outcome.passed, outcome.reason) == (False, "dns_no_record")
    names.set("_acme-challenge.shop-demo.com", "TXT", [value[:-1]])
    assert look(names, "acme_dns_01", fqdn="shop-demo.com").reason == "dns_wrong_target"
    names.set("_acme-challenge.shop-demo.com", "TXT", "servfail")
    assert look(names, "acme_dns_01", fqdn="shop-demo.com").reason == "dns_failed"


class SpoiltZone:
    """A validating resolver that found one kind of records, or all, signed wrongly."""

    def __init__(self, real, kinds):
        self._real = real
        self._kinds = kinds

    def ask(self, name, kind):
        found = self._real.ask(name, kind)
        return replace(found, dnssec="bogus") if kind in self._kinds else found


@pytest.mark.parametrize("method", ["acme_http_01", "acme_dns_01", "http_csr_hash"])
def test_what_is_signed_wrongly_proves_nothing(names, method):
    """Also where the other family of addresses is signed rightly, and the right answer is there."""
    names.set(f"_acme-challenge.{NAME}", "TXT", [acme.dns_value(TOKEN, THUMB)])
    resolver = SpoiltZone(DNSResolver([names.nameserver], timeout_s=2.0), {"AAAA", "TXT"})
    with CannedHTTP(answer(RIGHT)) as server:
        settings = DCVSettings(http_port=server.port, fetch_timeout_s=3.0)
        target = Target(NAME, method, "A" * 32, "b" * 64, "u", TOKEN, THUMB)
        outcome = WebAndDNSLookup(Egress(resolver, LOOPBACK), resolver, settings).look(target)
    assert (outcome.passed, outcome.reason) == (False, Reason.BOGUS)
