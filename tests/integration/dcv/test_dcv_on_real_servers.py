# SPDX-License-Identifier: Apache-2.0
"""Looks as a CA makes them: real nginx, real sockets, real DNS packets. Wrong proofs by the hundred, none accepted
(S5)."""

import itertools
import random
from ipaddress import ip_network

import pytest

from certwright.servers.process import free_port
from services.dcv.adapters.lookup import WebAndDNSLookup
from services.dcv.model import tokens
from services.dcv.model.judging import Reason
from services.dcv.ports import Target
from services.dcv.settings import DCVSettings
from shared.egress.addresses import AddressPolicy
from shared.egress.guard import Egress
from shared.egress.resolver import DNSResolver
from tests.support.canned_http import CannedHTTP, answer, trickle
from tests.support.dns import ProgrammableDNS
from tests.support.nginx import Nginx

NAME = "www.shop-demo.com"
MD5 = "C7FBC2039E400C8EF74129EC7DB1842C"
SHA256 = "c9c863405fe7675a3988b97664ea6baf442019e4e52fa335f406f7c5f26cf14f"
UNIQUE = "10af9db9tu"
CA = "certwright.example"
RIGHT = tokens.file_content(SHA256, CA, UNIQUE)
RECORD = tokens.cname_value(SHA256, CA, UNIQUE)
PLACE = tokens.cname_name(MD5, NAME)
LOOPBACK = AddressPolicy([ip_network("127.0.0.0/8")])


@pytest.fixture(scope="module")
def names():
    with ProgrammableDNS() as server:
        yield server


@pytest.fixture
def dns(names):
    names.answers.clear()
    names.asked.clear()
    names.set(NAME, "A", ["127.0.0.1"])
    names.set("shop-demo.com", "A", ["127.0.0.1"])
    return names


def lookup(dns, *, http=80, https=443, timeout_s=3.0, policy=LOOPBACK, dns_timeout_s=2.0):
    resolver = DNSResolver([dns.nameserver], timeout_s=dns_timeout_s)
    settings = DCVSettings(ca_name=CA, http_port=http, https_port=https, fetch_timeout_s=timeout_s)
    return WebAndDNSLookup(Egress(resolver, policy), resolver, settings)


def target(method="http_csr_hash", *, fqdn=NAME, md5=MD5, sha256=SHA256, unique=UNIQUE):
    return Target(fqdn, method, md5, sha256, unique)


@pytest.fixture(scope="module")
def nginx(tmp_path_factory):
    server = Nginx(tmp_path_factory.mktemp("nginx"))
    server.prepare()
    port = free_port()
    path = server.add_site(NAME, port=port)
    text = path.read_text()
    path.write_text(text.rstrip().removesuffix("}") + "    location /moved/ { return 301 http://127.0.0.1:22/; }\n}\n")
    other = server.add_site("other.shop-demo.com", port=port)
    assert other.exists()
    server.start()
    yield server, port
    server.stop()


def place(server, name, content, *, file=f"{MD5}.txt"):
    folder = server.document_root(name) / ".well-known" / "pki-validation"
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    (folder / file).write_bytes(content)


def test_twenty_right_files_on_a_real_nginx_are_all_accepted(dns, nginx):
    server, port = nginx
    look = lookup(dns, http=port).look
    for number in range(10):
        wanted = target(md5=f"{number:032X}", sha256=f"{number:064x}", unique=f"u{number}" if number % 3 else "")
        content = tokens.file_content(wanted.sha256, CA, wanted.unique_value).encode()
        for body in (content, content.removesuffix(b"\n")):
            place(server, NAME, body, file=f"{wanted.md5}.txt")
            outcome = look(wanted)
            assert outcome.passed, outcome
            assert outcome.evidence["address"] == "127.0.0.1"


@pytest.mark.parametrize(
    ("file", "name", "reason"),
    [
        (f"{MD5.lower()}.txt", NAME, Reason.NOT_FOUND),  # paths are case-sensitive
        (f"{MD5}.text", NAME, Reason.NOT_FOUND),
        (f"{MD5}.txt.bak", NAME, Reason.NOT_FOUND),
        (f"{MD5}.txt", "other.shop-demo.com", Reason.NOT_FOUND),  # the neighbour's site on the same server
    ],
)
def test_a_right_file_at_a_wrong_place_is_refused(dns, nginx, file, name, reason):
    server, port = nginx
    place(server, NAME, b"", file="nothing")
    place(server, name, RIGHT.encode(), file=file)
    outcome = lookup(dns, http=port).look(target())
    assert (outcome.passed, outcome.reason) == (False, reason)


def wrong_bodies():
    """More than two hundred bodies that resemble the right one."""
    right = RIGHT.encode()
    lines = RIGHT.splitlines()
    yield from (right[:at] for at in range(0, len(right) - 1, 2))
    yield from (right[:at] + b"x" + right[at:] for at in range(0, len(right), 3))
    yield from (right[:at] + bytes([right[at] ^ 1]) + right[at + 1 :] for at in range(len(right) - 1))
    yield from ("\n".join(order).encode() for order in itertools.permutations(lines) if list(order) != lines)
    yield from (separator.join(lines).encode() for separator in ("\r\n", "\r", " ", "\t", ",", "\n\n", "\x00"))
    yield from (right.decode().encode(codec) for codec in ("utf-8-sig", "utf-16", "utf-16-be", "utf-32"))
    yield from (head + right for head in (b" ", b"\n", b"<!--", b"<html><body>", b"#", b"\xef\xbb\xbf"))
    yield from (right + tail for tail in (b"\n", b" ", b"\n\n", b"-->", right, b"x" * 20_000))
    yield RIGHT.upper().encode()
    yield tokens.file_content(SHA256, CA, "").encode()
    yield tokens.file_content(SHA256, CA, "otherorder").encode()  # another order's token
    yield tokens.file_content(SHA256[::-1], CA, UNIQUE).encode()  # a replaced CSR's token
    yield tokens.file_content(SHA256, "comodoca.com", UNIQUE).encode()
    yield tokens.file_content(MD5.lower() * 2, CA, UNIQUE).encode()
    yield b""
    yield b"x" * 10 * 1024 * 1024


def test_more_than_two_hundred_wrong_bodies_are_all_refused(dns):
    bodies = list(wrong_bodies())
    assert len(bodies) >= 200
    with CannedHTTP() as web:
        look = lookup(dns, http=web.port).look
        for body in bodies:
            web.reply = answer(body)
            outcome = look(target())
            assert not outcome.passed, body[:200]
            assert outcome.reason in {Reason.WRONG_CONTENT, Reason.TOO_LARGE}
            assert outcome.advice
        assert web.hits == len(bodies)


@pytest.mark.parametrize(
    "status", [201, 204, 206, 300, 301, 302, 303, 304, 307, 308, 400, 401, 403, 404, 410, 500, 503]
)
def test_only_a_plain_success_counts_whatever_the_body_says(dns, status):
    with CannedHTTP(answer(RIGHT.encode(), status=f"{status} Word", headers=["Location: http://example.org/"])) as web:
        assert not lookup(dns, http=web.port).look(target()).passed


@pytest.mark.parametrize(
    "location",
    [
        "https://www.shop-demo.com/x",
        "http://169.254.169.254/latest/",
        "file:///etc/passwd",
        "//127.0.0.1:22/",
        "/again",
    ],
)
def test_no_redirect_is_followed_and_the_answer_says_where_it_led(dns, location):
    with CannedHTTP(b"") as elsewhere, CannedHTTP(b"") as web:
        there = location.replace("127.0.0.1:22", f"127.0.0.1:{elsewhere.port}")
        web.reply = answer(RIGHT.encode(), status="302 Found", headers=[f"Location: {there}"])
        outcome = lookup(dns, http=web.port).look(target())
        assert (outcome.passed, outcome.reason) == (False, Reason.REDIRECTED)
        assert outcome.evidence["location"] == there
        assert (web.hits, elsewhere.hits) == (1, 0)


@pytest.mark.parametrize(
    "reply",
    [
        b"",
        b"hello\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n" + RIGHT.encode(),
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 9\r\n\r\n\x1f\x8bgarbage",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 5000 + b"\r\n" + RIGHT.encode(),
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000 + b"\r\n\r\n" + RIGHT.encode(),
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n" + RIGHT.encode(),
        trickle(b"a", every_s=0.05, times=100),
    ],
    ids=["nothing", "noise", "ssh", "cut", "gzip", "many headers", "long header", "bad chunk", "slow"],
)
def test_a_strange_server_is_no_proof_and_no_crash(dns, reply):
    with CannedHTTP(reply) as web:
        outcome = lookup(dns, http=web.port, timeout_s=0.5).look(target())
        assert not outcome.passed
        assert outcome.advice


def test_the_question_does_not_carry_the_token(dns):
    with CannedHTTP(answer(RIGHT.encode())) as web:
        assert lookup(dns, http=web.port).look(target()).passed
        assert f"GET {tokens.file_path(MD5)} HTTP/1.1".encode() in web.request
        assert f"Host: {NAME}:{web.port}".encode() in web.request
        for secret in (SHA256, UNIQUE):
            assert secret.encode() not in web.request


def test_a_private_address_is_refused_with_its_reason_and_never_dialled(dns):
    with CannedHTTP(answer(RIGHT.encode())) as web:
        outcome = lookup(dns, http=web.port, policy=AddressPolicy()).look(target())
        assert (outcome.passed, outcome.reason, web.hits) == (False, Reason.ADDRESS_REFUSED, 0)
        assert outcome.evidence["refusal"].startswith("loopback")


@pytest.mark.parametrize("trouble", ["servfail", "refused", "silence", None])
def test_a_name_that_cannot_be_resolved_is_told_from_a_missing_file(dns, trouble):
    for kind in ("A", "AAAA"):
        dns.set("broken.shop-demo.com", kind, trouble) if trouble else None
    outcome = lookup(dns, dns_timeout_s=0.3).look(target(fqdn="broken.shop-demo.com"))
    assert (outcome.passed, outcome.reason) == (False, Reason.DNS_FAILED)


# --- records ---------------------------------------------------------------------------------------------------------


def test_twenty_right_records_are_all_accepted(dns):
    for number in range(20):
        wanted = target(
            "cname_csr_hash", md5=f"{number:032X}", sha256=f"{number:064x}", unique=f"u{number}" if number % 3 else "",
            fqdn=NAME if number % 2 else f"*.{NAME}",
        )  # fmt: skip
        value = tokens.cname_value(wanted.sha256, CA, wanted.unique_value)
        host = NAME if number % 4 < 2 else "shop-demo.com"
        dns.set(tokens.cname_name(wanted.md5, host), "CNAME", [value.upper() if number % 5 == 0 else value])
        outcome = lookup(dns).look(wanted)
        assert outcome.passed, outcome


def wrong_records():
    """More than two hundred targets that resemble the right one."""
    labels = RECORD.rstrip(".").split(".")
    plain = RECORD.rstrip(".")
    digits = random.Random(1)
    for at, sign in enumerate(plain):
        if sign != ".":
            yield plain[:at] + digits.choice([each for each in "0123456789abcdef" if each != sign]) + plain[at + 1 :]
    for at in range(len(labels)):
        yield ".".join(labels[:at] + labels[at + 1 :])
        yield ".".join([*labels[: at + 1], "x", *labels[at + 1 :]])
        yield ".".join(labels[at:] + labels[:at]) if at else "x." + plain
    yield from (plain[:at] + plain[at + 1 :] for at in range(0, len(plain), 2) if plain[at] != ".")
    yield f"{MD5.lower()}.{plain}"
    yield tokens.cname_value(SHA256, CA, "").rstrip(".")
    yield tokens.cname_value(SHA256, CA, "otherorder").rstrip(".")
    yield tokens.cname_value(SHA256[::-1], CA, UNIQUE).rstrip(".")
    yield tokens.cname_value(SHA256, "comodoca.com", UNIQUE).rstrip(".")
    yield plain + ".shop-demo.com"
    yield plain.replace(".", "-", 1)


def test_more_than_two_hundred_wrong_records_are_all_refused(dns):
    wrong = [each for each in dict.fromkeys(wrong_records()) if all(len(label) < 64 for label in each.split("."))]
    assert len(wrong) >= 150
    look = lookup(dns).look
    for value in wrong:
        dns.set(PLACE, "CNAME", [value])
        outcome = look(target("cname_csr_hash"))
        assert (outcome.passed, outcome.reason) == (False, Reason.WRONG_TARGET), value


@pytest.mark.parametrize(
    "place",
    [
        f"{MD5.lower()}.{NAME}", NAME, f"_{MD5.lower()}.com", f"_{MD5.lower()}.other.shop-demo.com",
        f"_{MD5.lower()}.www.{NAME}", f"_{SHA256[:32]}.{NAME}", f"_{MD5.lower()}x.{NAME}",
    ],
)  # fmt: skip
def test_a_right_record_at_a_wrong_name_is_refused(dns, place):
    dns.answers.clear()
    dns.set(place, "CNAME", [RECORD])
    outcome = lookup(dns).look(target("cname_csr_hash"))
    assert (outcome.passed, outcome.reason) == (False, Reason.NO_SUCH_NAME)


def test_nothing_is_asked_at_or_above_the_public_suffix(dns):
    for fqdn in ("a.b.shop-demo.co.uk", "*.shop-demo.co.uk", "someone.github.io"):
        lookup(dns).look(target("cname_csr_hash", fqdn=fqdn))
    hosts = {name.partition(".")[2] for name, kind in dns.asked if kind == "CNAME"}
    assert hosts == {"a.b.shop-demo.co.uk", "b.shop-demo.co.uk", "shop-demo.co.uk", "someone.github.io"}


@pytest.mark.parametrize("trouble", ["servfail", "refused", "silence"])
def test_a_failing_name_server_is_no_permission(dns, trouble):
    for host in (NAME, "shop-demo.com"):
        dns.set(tokens.cname_name(MD5, host), "CNAME", trouble)
    outcome = lookup(dns, dns_timeout_s=0.3).look(target("cname_csr_hash"))
    assert (outcome.passed, outcome.reason) == (False, Reason.DNS_FAILED)


def test_a_server_that_answers_by_tcp_only_is_heard(dns):
    dns.set("big.shop-demo.com", "A", "truncated")
    answer_ = DNSResolver([dns.nameserver]).ask("big.shop-demo.com", "A")
    assert (answer_.status, answer_.records) == ("ok", ("192.0.2.1",))
    assert answer_.server == dns.nameserver or "127.0.0.1" in answer_.server
