# SPDX-License-Identifier: Apache-2.0
"""The guarded way out on real sockets: rebinding, TLS, time and size (quality bar S1 to S3)."""

import ssl
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from itertools import count

import dns.resolver as dns_resolver
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from shared.egress.addresses import AddressPolicy
from shared.egress.guard import Egress, EgressError
from shared.egress.resolver import DNSResolver
from tests.support.canned_http import CannedHTTP, answer, trickle
from tests.support.dns import ProgrammableDNS

NAME = "www.shop-demo.com"
LOOPBACK = AddressPolicy([ip_network("127.0.0.0/8")])


@pytest.fixture(scope="module")
def dns():
    with ProgrammableDNS() as server:
        server.set(NAME, "A", ["127.0.0.1"])
        yield server


def egress(dns, policy=LOOPBACK):
    return Egress(DNSResolver([dns.nameserver], timeout_s=2), policy)


def refusal(way, url, **limits):
    with pytest.raises(EgressError) as refused:
        way.fetch(url, **limits)
    return refused.value


def test_a_host_without_a_resolver_knows_no_names(monkeypatch):
    usual = dns_resolver.Resolver

    def lost(*, configure=True):
        if configure:
            raise dns_resolver.NoResolverConfiguration
        return usual(configure=False)

    monkeypatch.setattr(dns_resolver, "Resolver", lost)
    assert DNSResolver().ask(NAME, "A").status == "servfail"


def test_a_page_is_fetched_with_its_evidence(dns):
    with CannedHTTP(answer(b"hello", headers=["X-Word: there"])) as web:
        response = egress(dns).fetch(f"http://{NAME}:{web.port}/a?b=c", ports=None)
    assert (response.status, response.body, response.complete) == (200, b"hello", True)
    assert (response.address, response.header("x-word"), response.location) == ("127.0.0.1", "there", "")
    assert [each.question for each in response.answers] == [f"{NAME}. A", f"{NAME}. AAAA"]


def test_a_name_that_changes_its_answer_reaches_nobody_else(dns):
    """First an allowed address, then 127.0.0.1 with a listener: a thousand tries in eight threads, no hit."""
    turns = count()
    dns.set("rebind.shop-demo.com", "A", lambda: ["127.0.0.2"] if next(turns) % 2 == 0 else ["127.0.0.1"])
    way = egress(dns, AddressPolicy([ip_network("127.0.0.2/32")]))
    with CannedHTTP(answer(b"secret")) as inner:

        def attempt(_):
            error = refusal(way, f"http://rebind.shop-demo.com:{inner.port}/", ports=None, timeout_s=2)
            return error.reason

        with ThreadPoolExecutor(8) as pool:
            reasons = set(pool.map(attempt, range(1000)))
        assert inner.hits == 0
    assert reasons <= {"address_refused", "connect_refused"}
    assert "address_refused" in reasons


def test_both_families_are_asked_and_one_bad_answer_spoils_all(dns):
    dns.set("two.shop-demo.com", "A", ["127.0.0.1"])
    dns.set("two.shop-demo.com", "AAAA", ["::1"])
    with CannedHTTP(answer(b"x")) as web:
        assert refusal(egress(dns), f"http://two.shop-demo.com:{web.port}/", ports=None).reason == "address_refused"
        assert web.hits == 0


def test_an_alias_to_an_inner_address_is_refused(dns):
    dns.set("alias.shop-demo.com", "A", ["127.0.0.1"])
    with CannedHTTP(answer(b"x")) as web:
        error = refusal(egress(dns, AddressPolicy()), f"http://alias.shop-demo.com:{web.port}/", ports=None)
        assert (error.reason, web.hits) == ("address_refused", 0)
        assert error.evidence["address"] == "127.0.0.1"


@pytest.mark.parametrize("chunk", [b"a", b"a" * 100])
def test_a_peer_that_trickles_gains_no_time(dns, chunk):
    with CannedHTTP(trickle(chunk, every_s=0.05, times=200)) as web:
        assert refusal(egress(dns), f"http://{NAME}:{web.port}/", ports=None, timeout_s=0.4).reason == "timeout"


def test_a_peer_that_trickles_its_headers_gains_no_time(dns):
    def headers(connection):
        connection.sendall(b"HTTP/1.1 200 OK\r\n")
        trickle(b"X-Y: z\r\n", every_s=0.05, times=200)(connection)

    with CannedHTTP(headers) as web:
        assert refusal(egress(dns), f"http://{NAME}:{web.port}/", ports=None, timeout_s=0.4).reason in {
            "timeout",
            "protocol",
        }


def test_no_more_is_read_than_allowed(dns):
    with CannedHTTP(answer(b"x" * 5_000_000)) as web:
        response = egress(dns).fetch(f"http://{NAME}:{web.port}/", ports=None, max_bytes=1000)
    assert (len(response.body), response.complete) == (1000, False)


def test_less_than_promised_is_no_answer(dns):
    with CannedHTTP(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello") as web:
        assert refusal(egress(dns), f"http://{NAME}:{web.port}/", ports=None).reason == "protocol"


def test_a_closed_port_says_so(dns):
    with CannedHTTP() as web:
        port = web.port
    assert refusal(egress(dns), f"http://{NAME}:{port}/", ports=None).reason == "connect_refused"


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    key = ec.generate_private_key(ec.SECP256R1())
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([]))
        .issuer_name(x509.Name([]))
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=True)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    folder = tmp_path_factory.mktemp("tls")
    pem = made.public_bytes(Encoding.PEM)
    (folder / "cert.pem").write_bytes(pem)
    (folder / "key.pem").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    seen = []
    context.sni_callback = lambda _socket, name, _context: seen.append(name)
    return context, pem.decode(), seen


def test_tls_keeps_the_name_and_verifies_by_default(dns, served):
    context, pem, seen = served
    with CannedHTTP(answer(b"hello"), tls=context) as web:
        way, url = egress(dns), f"https://{NAME}:{web.port}/"
        assert refusal(way, url, ports=None).reason == "tls"
        trusting = ssl.create_default_context(cadata=pem)
        assert way.fetch(url, ports=None, tls=trusting).body == b"hello"
        assert seen[-1] == NAME
        dns.set("other.shop-demo.com", "A", ["127.0.0.1"])
        wrong = refusal(way, f"https://other.shop-demo.com:{web.port}/", ports=None, tls=trusting)
        assert wrong.reason == "tls"


def test_no_tls_on_the_other_side_says_so(dns):
    with CannedHTTP(answer(b"hello")) as web:
        url = f"https://{NAME}:{web.port}/"
        assert refusal(egress(dns), url, ports=None, timeout_s=1).reason in {"tls", "timeout", "protocol"}


def test_a_plain_connection_goes_through_the_same_checks(dns):
    with CannedHTTP(answer(b"hello")) as web:
        connection, resolved, address = egress(dns).connect(NAME, web.port)
        connection.close()
        assert (resolved.addresses, address) == (("127.0.0.1",), "127.0.0.1")
        with pytest.raises(EgressError):
            egress(dns, AddressPolicy()).connect(NAME, web.port)
        with pytest.raises(EgressError):
            egress(dns).connect(NAME, web.port, ports=(80, 443))
