# SPDX-License-Identifier: Apache-2.0
"""No spelling of an inner address gets through (quality bar S1, S2)."""

import socket
from ipaddress import ip_network

import pytest

from shared.egress.addresses import AddressPolicy
from shared.egress.guard import Egress, EgressError
from shared.egress.resolver import Answer
from shared.egress.target import TargetRefusedError, read_url

PUBLIC = "93.184.215.14"


class Zone:
    """A resolver whose answers a test chooses; one list of answers per question, the last one stays."""

    def __init__(self, **answers):
        self.answers = answers
        self.asked = []

    def ask(self, name, kind):
        self.asked.append((name, kind))
        found = self.answers.get(kind)
        if not found:
            return Answer(f"{name}. {kind}", "nxdomain")
        records = found.pop(0) if len(found) > 1 else found[0]
        return Answer(f"{name}. {kind}", "ok" if records else "nodata", tuple(records), "192.0.2.53")


class DialledError(Exception):
    """Somebody was about to open a connection."""


def egress(zone=None, allowed=()):
    def dial(address, port, timeout):
        raise DialledError(address, port)

    return Egress(zone or Zone(A=[["127.0.0.1"]]), AddressPolicy([ip_network(each) for each in allowed]), dial=dial)


SPELLINGS = [
    "127.0.0.1", "127.0.0.2", "127.255.255.254", "127.1", "127.0.1", "0", "0.0.0.0", "2130706433", "0x7f000001",
    "0x7f.0.0.1", "0x7f.1", "0177.0.0.1", "017700000001", "127.0.0.01", "127.0.0.1.", "127.000.000.001",
    "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "169.254.169.254", "100.64.0.1", "192.0.0.8",
    "192.0.2.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.250", "240.0.0.1",
    "255.255.255.255", "192.88.99.1",
    "[::1]", "[::]", "[0:0:0:0:0:0:0:1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::127.0.0.1]",
    "[64:ff9b::127.0.0.1]", "[64:ff9b::7f00:1]", "[64:ff9b::a00:1]", "[64:ff9b:1::1]", "[2002:7f00:1::]",
    "[2002:a9fe:a9fe::1]", "[2001:0:7f00:1::1]", "[2001:0:102:304:0:0:80ff:fffe]", "[fe80::1]", "[fe80::1%25eth0]",
    "[fc00::1]", "[fd12:3456::1]", "[fec0::1]", "[ff02::1]", "[2001:db8::1]", "[3fff::1]", "[5f00::1]", "[100::1]",
    "[4000::1]", "[::ffff:0:127.0.0.1]",
    "localhost", "localhost.", "LOCALHOST", "inner.example.com", "inner.example.com.", "127.0.0.1.nip.example",
    "user@127.0.0.1", "user:secret@inner.example.com", "example.com%00.inner.example.com", "inner%2eexample.com",
    "127。0。0。1", "①②⑦.0.0.1", "inner.example.com:22", "127.0.0.1:25", "[::1]:443", "example.com\\@127.0.0.1",
    "example.com#@127.0.0.1/", "-oProxyCommand=x", "a b", "..", "",
]  # fmt: skip


def test_there_are_more_than_sixty_spellings():
    assert len(set(SPELLINGS)) > 60


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_no_spelling_of_an_inner_address_is_dialled(scheme, spelling):
    with pytest.raises(EgressError):
        egress().fetch(f"{scheme}://{spelling}/.well-known/pki-validation/x.txt")


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "ftp://example.com/", "gopher://example.com/", "//example.com/", "x"]
)
def test_other_schemes_are_refused(url):
    with pytest.raises(EgressError) as refused:
        egress(Zone(A=[[PUBLIC]])).fetch(url)
    assert refused.value.reason == "scheme"


@pytest.mark.parametrize(
    "answers",
    [
        {"A": [["127.0.0.1"]]},
        {"A": [[PUBLIC, "10.0.0.1"]]},
        {"A": [[PUBLIC]], "AAAA": [["::1"]]},
        {"AAAA": [["64:ff9b::7f00:1"]]},
        {"AAAA": [["2002:7f00:1::"]]},
        {"A": [["not an address"]]},
    ],
)
def test_one_bad_answer_spoils_all(answers):
    with pytest.raises(EgressError) as refused:
        egress(Zone(**answers)).fetch("http://example.com/")
    assert refused.value.reason == "address_refused"
    assert refused.value.evidence["dns"][0]["question"] == "example.com. A"


def test_a_public_address_is_dialled_with_the_very_address_that_was_checked():
    zone = Zone(A=[[PUBLIC], ["127.0.0.1"]])
    with pytest.raises(DialledError) as dialled:
        egress(zone).fetch("http://example.com/")
    assert dialled.value.args == (PUBLIC, 80)
    assert zone.asked == [("example.com", "A"), ("example.com", "AAAA")]


def test_a_public_nat64_address_is_dialled():
    with pytest.raises(DialledError):
        egress(Zone(AAAA=[["64:ff9b::5db8:d70e"]])).fetch("https://example.com/")


def test_an_operator_may_allow_a_private_network_and_no_more():
    with pytest.raises(DialledError):
        egress(allowed=["127.0.0.0/8"]).fetch("http://localhost/")
    with pytest.raises(DialledError):
        egress(Zone(AAAA=[["::ffff:127.0.0.1"]]), allowed=["127.0.0.0/8"]).fetch("http://localhost/")
    with pytest.raises(EgressError):
        egress(Zone(A=[["10.0.0.1"]]), allowed=["127.0.0.0/8"]).fetch("http://localhost/")
    with pytest.raises(EgressError):
        egress(Zone(A=[["255.255.255.255"]]), allowed=["0.0.0.0/0"]).fetch("http://localhost/")


@pytest.mark.parametrize("port", [0, 22, 25, 8080, 65536])
def test_only_web_ports_are_dialled(port):
    with pytest.raises(EgressError):
        egress(Zone(A=[[PUBLIC]])).fetch(f"http://example.com:{port}/")


def test_a_rebinding_name_gains_nothing():
    for _ in range(200):
        with pytest.raises(DialledError) as dialled:
            egress(Zone(A=[[PUBLIC], ["127.0.0.1"]])).fetch("http://example.com/")
        assert dialled.value.args[0] == PUBLIC


def test_every_address_is_tried_within_one_time_limit_and_then_the_reason_is_said():
    tried = []

    def dial(address, port, timeout):
        tried.append(address)
        raise ConnectionRefusedError if address == PUBLIC else socket.timeout

    way = Egress(Zone(A=[[PUBLIC, "1.1.1.1"]]), AddressPolicy(), dial=dial)
    with pytest.raises(EgressError) as refused:
        way.fetch("http://example.com/")
    assert tried == [PUBLIC, "1.1.1.1"]
    assert refused.value.reason == "connect_timeout"


@pytest.mark.parametrize(("status", "reason"), [("servfail", "dns_servfail"), ("timeout", "dns_timeout")])
def test_a_failing_resolver_is_told_from_a_missing_name(status, reason):
    class Failing:
        def ask(self, name, kind):
            return Answer(f"{name}. {kind}", status)

    with pytest.raises(EgressError) as refused:
        Egress(Failing(), AddressPolicy()).fetch("http://example.com/")
    assert refused.value.reason == reason


def test_a_url_has_one_canonical_form():
    assert read_url("HTTP://Example.COM./a?b=c#d").url == "http://example.com/a?b=c"
    assert read_url("https://[2606:4700::1111]:443").url == "https://[2606:4700::1111]/"
    with pytest.raises(TargetRefusedError):
        read_url("http://example.com/" + "a" * 3000)
