# SPDX-License-Identifier: Apache-2.0
"""OCSP answers and CRLs that OpenSSL made, over HTTP; staples of a real server; CAA from a name server; bad servers."""

import base64
import datetime as dt
import json
import os
import subprocess
import sys

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7
from cryptography.x509.oid import ExtendedKeyUsageOID

from shared.checker.crl import read_crl
from shared.checker.ct_logs import load_logs
from shared.checker.evidence import Lists
from shared.checker.judge import judge
from shared.checker.ocsp_answer import MAX_BYTES, question, read_answer
from shared.checker.others import Others, open_others
from shared.egress.addresses import AddressPolicy
from shared.egress.guard import Egress
from shared.egress.resolver import DNSResolver
from shared.egress.settings import EgressSettings
from shared.probe.surveying.surveyor import survey
from tests.support.canned_http import CannedHTTP, answer, trickle
from tests.support.dns import ProgrammableDNS
from tests.support.key_files import KeyFiles
from tests.support.openssl_ca import Answers, OpenSSLCA
from tests.support.s_server import s_server
from tests.support.stamped import TestLog, log_list
from tests.unit.checker.conftest import lists_at, responder_at, sound

NAME = "www.shop.example.org"
LOOPBACK = EgressSettings(allow_networks=["127.0.0.0/8"]).allow_networks


@pytest.fixture(scope="module")
def web():
    with Answers() as running:
        yield running


@pytest.fixture(scope="module")
def ca(web, tmp_path_factory):
    made = OpenSSLCA(tmp_path_factory.mktemp("ca"), web.url)
    made.leaves = {name: made.issue(name, state=state) for name, state in (("good", "V"), ("bad", "R"), ("new", ""))}
    web.routes["/ocsp"] = made.answer
    web.routes["/ca.crl"] = lambda _: made.revocation_list()
    return made


@pytest.fixture(scope="module")
def names():
    with ProgrammableDNS() as running:
        yield running


@pytest.fixture(scope="module")
def others(names):
    resolver = DNSResolver([names.nameserver], timeout_s=2)
    return Others(Egress(resolver, AddressPolicy(LOOPBACK)), resolver, ports=None, ocsp_s=5, crl_s=5)


@pytest.mark.parametrize(("which", "ocsp", "crl"), [("good", "good", "good"), ("bad", "revoked", "revoked"),
                                                    ("new", "unknown", "good")])  # fmt: skip
def test_the_ca_is_asked_and_says_what_stands_in_its_book(ca, others, which, ocsp, crl):
    said = others.ask(ca.leaves[which], ca.root, "127.0.0.1", ca.now)
    assert (said.ocsp.status, said.crl.status) == (ocsp, crl)
    assert said.caa.reason == "addresses have no CAA records"
    if which == "bad":
        assert said.ocsp.cause == said.crl.cause == "key compromise"
        assert said.ocsp.revoked_at == said.crl.revoked_at == ca.now - dt.timedelta(hours=1)


@pytest.mark.parametrize("form", ["der", "pkcs7", "pem"])
def test_an_issuer_that_the_server_does_not_send_is_fetched(ca, web, others, form):
    pack = {
        "der": lambda _: ca.root.public_bytes(Encoding.DER),
        "pkcs7": lambda _: pkcs7.serialize_certificates([ca.leaves["good"], ca.root], Encoding.DER),
        "pem": lambda _: ca.root.public_bytes(Encoding.PEM),
    }
    web.routes["/issuer"] = pack[form]
    named = [responder_at(f"{web.url}/ocsp", f"{web.url}/issuer")]
    leaf = ca.issue("alone", extensions=named)
    verdict = judge(sound(leaf), at=ca.now, others=others)
    assert {row.code: row.value for row in verdict.rows}["ocsp"] == "good"
    assert "chain_incomplete" in {one.code for one in verdict.findings}
    for junk in (b"", b"junk", ca.leaves["bad"].public_bytes(Encoding.DER)):
        web.routes["/issuer"] = lambda _, junk=junk: junk
        assert "not at hand" in others.ask(leaf, None, "127.0.0.1", ca.now).ocsp.reason


def test_who_may_sign_openssl_s_answers(ca):
    leaf = ca.leaves["good"]
    asked = question(leaf, ca.root)
    ca.issue("delegate", names=(), extensions=[], purpose=ExtendedKeyUsageOID.OCSP_SIGNING)
    ca.issue("server", names=(), extensions=[])
    assert read_answer(ca.answer(asked, "delegate"), leaf, ca.root, ca.now).status == "good"
    assert read_answer(ca.answer(asked, "delegate", "-resp_key_id"), leaf, ca.root, ca.now).status == "good"
    unseen = read_answer(ca.answer(asked, "delegate", "-resp_no_certs"), leaf, ca.root, ca.now)
    assert "does not show" in unseen.reason
    assert "may not sign" in read_answer(ca.answer(asked, "server"), leaf, ca.root, ca.now).reason
    tomorrow = ca.now + dt.timedelta(days=2)
    assert "ended on" in read_answer(ca.answer(asked), leaf, ca.root, tomorrow).reason
    assert "ended on" in read_crl(ca.revocation_list(), leaf, ca.root, tomorrow).reason


def endless(connection):
    connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    for _ in range(64):
        connection.sendall(bytes(8192))


def location(url):
    return answer(b"", status="302 Found", headers=[f"Location: {url}"])


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (answer(b"garbage"), "cannot be read"),
        (answer(b""), "cannot be read"),
        (answer(b"", status="503 Busy"), "status 503"),
        (location("http://127.0.0.1/"), "status 302"),
        (endless, f"more than {MAX_BYTES} bytes"),
        (trickle(b"0", every_s=0.05, times=40), "did not answer in"),
        (b"SSH-2.0-x\r\n", "did not speak HTTP"),
    ],
    ids=["garbage", "nothing", "busy", "elsewhere", "endless", "slow", "not-http"],
)
def test_a_bad_responder_ends_with_a_reason(ca, names, reply, reason):
    resolver = DNSResolver([names.nameserver], timeout_s=2)
    hasty = Others(Egress(resolver, AddressPolicy(LOOPBACK)), resolver, ports=None, ocsp_s=0.5, crl_s=0.5)
    with CannedHTTP(reply) as bad:
        url = f"http://127.0.0.1:{bad.port}/"
        leaf = ca.issue("hostile", state="", extensions=[responder_at(url), lists_at(url)])
        said = hasty.ask(leaf, ca.root, "127.0.0.1", ca.now)
    assert (said.ocsp.status, said.crl.status) == ("", "")
    assert reason in said.ocsp.reason
    # So many bytes may be a list; these are none.
    assert (reason if "more than" not in reason else "cannot be read") in said.crl.reason


def test_a_certificate_cannot_make_the_server_dial_inside(ca, web):
    guarded = open_others(EgressSettings())
    for url in ("http://127.0.0.1/ocsp", "http://[::1]/ocsp", "http://169.254.169.254/", "ftp://ca.example.org/"):
        leaf = ca.issue("inward", state="", extensions=[responder_at(url), lists_at(url)])
        said = guarded.ask(leaf, ca.root, "127.0.0.1", ca.now)
        assert not said.ocsp.checked
        assert "not dialled" in said.ocsp.reason or "Only http and https" in said.ocsp.reason
        assert not said.crl.checked
    leaf = ca.issue("port", state="", extensions=[responder_at("http://ca.example.org:8080/ocsp")])
    assert "Port 8080 is not allowed" in guarded.ask(leaf, ca.root, "127.0.0.1", ca.now).ocsp.reason


def test_caa_is_asked_of_the_dns(ca, names, others):
    names.set("shop.example.org", "CAA", [(0, "issue", "letsencrypt.org"), (0, "issuewild", ";")])
    names.set("broken.example.net", "CAA", "servfail")
    said = others.ask(ca.leaves["good"], ca.root, NAME, ca.now).caa
    assert (said.at, [str(one) for one in said.records]) == (
        "shop.example.org",
        ['0 issue "letsencrypt.org"', '0 issuewild ";"'],
    )
    wild = ca.issue("wild", state="", names=("*.shop.example.org",), extensions=[])
    found = others.ask(wild, ca.root, NAME, ca.now).caa
    assert (found.name, found.wildcard, found.restricting[0].tag) == ("shop.example.org", True, "issuewild")
    failed = others.ask(ca.leaves["good"], ca.root, "a.broken.example.net", ca.now).caa
    assert failed.reason == "the name servers fail at broken.example.net"


@pytest.mark.parametrize("versions", [["-tls1_2"], ["-tls1_3"]])
@pytest.mark.parametrize(("which", "status"), [("good", "good"), ("bad", "revoked")])
def test_what_a_server_staples_is_read_and_judged(ca, which, status, versions):
    leaf = ca.leaves[which]
    staple = ca.folder / f"{which}.staple"
    staple.write_bytes(ca.answer(question(leaf, ca.root)))
    files = KeyFiles(ca.folder / f"{which}.pem", ca.folder / f"{which}.key", b"")
    with s_server(files, "-status_file", str(staple), "-cert_chain", str(ca.folder / "ca.pem"), *versions) as port:
        seen = survey("127.0.0.1", port, server_name=NAME, depth="advanced", web=False)
    assert seen.features["stapling"].value is True
    assert seen.stapled_ocsp == staple.read_bytes()
    verdict = judge(seen, at=ca.now)
    assert next(row.value for row in verdict.rows if row.code == "stapled") == status
    assert ("revoked" in {one.code for one in verdict.findings}) is (status == "revoked")
    assert verdict.grade.letter == "T"
    assert (verdict.grade.rule == "revoked") is (status == "revoked")


def test_openssl_finds_the_stamps_that_we_find_valid(ca, tmp_path):
    log = TestLog("Elm")
    leaf = ca.issue("stamped", extensions=[], logs=[log])
    (tmp_path / "logs.cnf").write_text(
        f"enabled_logs = elm\n[elm]\ndescription = Elm\nkey = {base64.b64encode(log.der).decode()}\n"
    )
    (tmp_path / "logs.json").write_text(log_list(log))
    files = KeyFiles(ca.folder / "stamped.pem", ca.folder / "stamped.key", b"")
    with s_server(files, "-cert_chain", str(ca.folder / "ca.pem")) as port:
        argv = ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-ct", "-ctlogfile", tmp_path / "logs.cnf"]
        argv += ["-CAfile", ca.folder / "ca.pem", "-servername", NAME]
        said = subprocess.run(argv, input=b"", capture_output=True, timeout=30, check=False).stdout.decode()
        ours = check(f"{NAME}:{port}", "--ct-logs", tmp_path / "logs.json", "--no-others")
    assert "validation status: valid" in said
    assert [one["state"] for one in ours["verdict"]["stamps"]] == ["valid"]
    alone = judge(sound(leaf, ca.root), at=ca.now, lists=Lists(logs=load_logs(tmp_path / "logs.json")))
    assert [one.state for one in alone.stamps] == ["valid"]


def check(*arguments, **environment):
    argv = [sys.executable, "-m", "certwright", "check", *map(str, arguments)]
    argv += ["--address", "127.0.0.1", "--no-web", "--basic", "--json"]
    done = subprocess.run(
        argv, capture_output=True, text=True, timeout=60, check=False, env={**os.environ, **environment}
    )
    assert done.stdout, done.stderr
    return json.loads(done.stdout)


def test_the_command_asks_everybody_by_itself(ca, names):
    names.set("shop.example.org", "CAA", [(0, "issue", "letsencrypt.org")])
    files = KeyFiles(ca.folder / "bad.pem", ca.folder / "bad.key", b"")
    with s_server(files, "-cert_chain", str(ca.folder / "ca.pem")) as port:
        found = check(
            f"{NAME}:{port}",
            *("--trust-store", f"Test={ca.folder / 'ca.pem'}"),
            CERTWRIGHT_EGRESS_NAMESERVERS=json.dumps([names.nameserver]),
        )["verdict"]
    rows = {row["code"]: row["value"] for row in found["rows"]}
    assert (rows["ocsp"], rows["crl"], rows["caa"]) == (
        "revoked",
        "revoked",
        'at shop.example.org: 0 issue "letsencrypt.org"',
    )
    assert next(one["values"]["source"] for one in found["findings"] if one["code"] == "revoked") == "OCSP"
    assert found["caa"]["at"] == "shop.example.org"
