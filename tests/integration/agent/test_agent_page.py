# SPDX-License-Identifier: Apache-2.0
"""The agent's page on loopback, as the shipped file serves it: what it shows and does, and whom it does not answer."""

import html
import json
import re
import socket
import time

import pytest
from certwright_agent.enrolment import Credential, code_hash

from tests.support import agent_gateway
from tests.support.agent_page import AgentPage

ELSEWHERE = "http://certwright.example"


@pytest.fixture
def gateway():
    with agent_gateway.running() as made:
        yield made


@pytest.fixture
def page(tmp_path, gateway):
    made = AgentPage(tmp_path, gateway.url)
    yield made
    made.stop()


def enrolled(page):
    (page.home / "state").mkdir(mode=0o700, exist_ok=True)
    Credential(page.home / "state").keep("T" * 40)


def until(page, words):
    """The page, once it holds the words."""
    deadline = time.monotonic() + 30
    while words not in (seen := page.get()[2]):
        assert time.monotonic() < deadline, seen
        time.sleep(0.05)
    return seen


def test_it_is_this_host_only_and_closed_to_everything_else(page):
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.2", page.port), timeout=5)
    status, headers, content = page.get()
    assert status == 200
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert (headers["Cache-Control"], headers["X-Content-Type-Options"]) == ("no-store", "nosniff")
    assert "Set-Cookie" not in headers
    assert "Python" not in headers["Server"]
    assert not re.search(r"<script|https?://(?!127\.0\.0\.1)|\son\w+=", content)
    assert page.get(host=f"localhost:{page.port}")[0] == 200
    assert page.raw(f"HEAD /{page.token}/ HTTP/1.0", f"Host: 127.0.0.1:{page.port}")[2] == ""


def test_another_host_another_path_and_no_token_see_nothing(page):
    for host in ("certwright.example", f"certwright.example:{page.port}", "127.0.0.1", "", f"127.0.0.1:{page.port}.x"):
        status, _, content = page.get(host=host or " ")
        assert (status, "Certwright agent" in content) == (403, False), host
    assert page.raw(f"GET /{page.token}/ HTTP/1.0")[0] == 403
    twice = (f"Host: 127.0.0.1:{page.port}", f"Host: 127.0.0.1:{page.port}")
    assert page.raw(f"GET /{page.token}/ HTTP/1.0", *twice)[0] == 403
    token = page.token
    for path in (
        "/", "//", f"/{token}", f"/{token}//", f"/{token}/x", f"/{token}/../", f"/{token[:-1]}/", f"/{token}a/",
        f"/{token.swapcase()}/", f"/./{token}/", f"/%2e/{token}/", f"/{token}/%2e%2e/etc/passwd",
        f"/{token}/../../../etc/passwd", f"/x?{token}/", f"http://127.0.0.1:{page.port}/{token}/", "/\xff\xfe/", "*",
        f"/{token}/do/enroll", f"/{token}/style.css/", "/" + "a" * 60_000 + "/",
    ):  # fmt: skip
        status, _, content = page.get(path)
        assert (status in (400, 404, 414), "Certwright" in content) == (True, False), path
        assert page.token not in content
    assert page.raw(f"GET /{token}/?a=b HTTP/1.0", f"Host: 127.0.0.1:{page.port}")[0] == 200


def test_only_a_form_of_the_page_itself_is_acted_on(page, gateway):
    enrolled(page)
    for changed, expected in (
        ({"Origin": ELSEWHERE}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": None}, 403),
        ({"Origin": f"http://localhost:{page.port}"}, 403),  # not the one that the Host says
        ({"Origin": f"https://127.0.0.1:{page.port}"}, 403),
        ({"Host": "certwright.example", "Origin": ELSEWHERE}, 403),
        ({"Sec_Fetch_Site": "cross-site"}, 403),
        ({"Sec_Fetch_Site": "same-site"}, 403),
        ({"Content_Type": "text/plain"}, 415),
        ({"Content_Type": "multipart/form-data; boundary=x"}, 415),
        ({"Content_Type": None}, 415),
        ({"Content_Length": None}, 411),
        ({"Content_Length": "-1"}, 411),
        ({"Content_Length": "1e3"}, 411),
        ({"Content_Length": "٣"}, 411),
        ({"Transfer_Encoding": "chunked"}, 411),
        ({"Content_Length": str(10**9)}, 413),
        ({"Content_Length": "9" * 40}, 411),
        ({"Content_Length": str(64 * 1024 + 1)}, 413),
    ):
        status, _, _ = page.post(
            "make-keys", **{k: v and v.encode("utf-8").decode("latin-1") for k, v in changed.items()}
        )
        assert status == expected, changed
    for method in ("PUT", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PATCH"):
        answer = page.raw(f"{method} /{page.token}/do/make-keys HTTP/1.0", f"Host: 127.0.0.1:{page.port}")
        assert (answer[0], page.token in answer[2]) == (501, False)
    for body in ("a=%ff", "&".join(f"a{n}=1" for n in range(100)), "no form", "\xff"):
        assert page.post("make-keys", body)[0] == 400, body
    assert page.post("../do/make-keys")[0] == 404
    assert page.post("run")[0] == 404
    assert not (page.home / "state" / "ssh").exists()
    status, headers, _ = page.post("make-keys")
    assert (status, headers["Location"]) == (303, "../")
    assert (page.home / "state" / "ssh" / "id_agent").stat().st_mode & 0o777 == 0o600
    assert gateway.requests == []


def test_a_body_that_never_comes_ends_by_itself_and_blocks_nobody(page):
    with socket.create_connection(("127.0.0.1", page.port), timeout=30) as slow:
        slow.sendall(
            f"POST /{page.token}/do/enroll HTTP/1.0\r\nHost: 127.0.0.1:{page.port}\r\n"
            f"Origin: http://127.0.0.1:{page.port}\r\nContent-Length: 60000\r\n"
            "Content-Type: application/x-www-form-urlencoded\r\n\r\na=".encode()
        )
        assert page.get()[0] == 200
        assert slow.makefile("rb").read() == b""  # hung up on, after the time that silence may take


def test_the_agent_is_enrolled_from_the_page(page, gateway):
    first = page.get()[2]
    assert "Not enrolled" in first
    assert "First enrol the agent." in first
    page.post("enroll")
    page.post("enroll")  # pressed twice: one code
    code = re.search(r"code \(10 minutes\): ([0-9A-Z-]{23})", until(page, "One-time code"))[1]
    assert code.replace("-", "") not in json.dumps(gateway.requests).replace("-", "")
    gateway.verified.add(code_hash(code))
    until(page, "Finish verification")
    page.post("finish", "yes=yes")
    seen = until(page, "Enrolled, not running")
    assert code not in seen
    token = page.home / "state" / "token"
    assert (token.read_text(), token.stat().st_mode & 0o777) == ("T" * 40, 0o600)
    assert token.read_text() not in seen
    assert len({body["code_sha256"] for _, path, _, body in gateway.requests if path.endswith("/introduce")}) == 1


def test_a_verification_that_is_refused_enrols_nobody(page, gateway):
    page.post("enroll")
    code = re.search(r"code \(10 minutes\): ([0-9A-Z-]{23})", until(page, "One-time code"))[1]
    gateway.verified.add(code_hash(code))
    until(page, "Finish verification")
    page.post("finish", "yes=no")
    assert "verification was not finished" in until(page, "Show the code")
    assert not (page.home / "state" / "token").exists()


def test_keys_are_made_or_brought_and_never_shown(page, tmp_path):
    assert "First enrol the agent." in page.get()[2]
    page.post("make-keys")
    assert "not enrolled yet" in page.get()[2]
    enrolled(page)
    first = page.get()[2]
    assert re.search(r"disabled>Generate there", first)
    for path in (
        "",
        "id_rsa",
        "../agent.json",
        "/dev/zero",
        "/dev/stdin",
        str(page.home),
        "/etc/no-such",
        "/" + "a" * 5000,
    ):
        page.post("bring-keys", f"private={path}")
        seen = html.unescape(page.get()[2])
        assert "Not done" in seen, path
        assert "absolute path" in seen or "File name too long" in seen
    page.post("bring-keys", f"private={page.home / 'agent.json'}")
    assert "is not a private key" in page.get()[2]
    page.post("make-keys")
    seen = page.get()[2]
    assert "ssh-ed25519 " in seen
    assert "PRIVATE" not in seen
    page.post("make-keys")
    assert "there is a key pair already" in page.get()[2]


def test_hostile_words_stay_text_and_reach_no_command(page):
    enrolled(page)
    page.post("make-keys")
    for field, value in (
        ("address", "-oProxyCommand=touch /tmp/x"), ("address", "<img src=x onerror=1>"), ("user", "-l root"),
        ("user", "a;b"), ("port", "22;22"), ("port", "99999"), ("address", "a b"), ("user", ""), ("port", "\u0663"),
    ):  # fmt: skip
        form = {"address": "192.0.2.1", "user": "auto", "port": "22", field: value}
        body = "&".join(f"{name}={''.join(f'%{byte:02x}' for byte in text.encode())}" for name, text in form.items())
        for action in ("ask-add", "ask-copy", "add", "copy"):
            page.post(action, body)
            seen = page.get()[2]
            assert "Not done" in seen
            assert "<img" not in seen
            assert "own key?" not in seen


def test_sites_show_whether_they_may_be_written(bench, gateway):
    bench.start(tls=True)
    settings = json.loads(bench.settings.read_text())
    page = AgentPage(bench.home, gateway.url, web_servers=settings["web_servers"], roots=settings["roots"])
    seen = page.get()[2]
    assert "www.example.test" in seen
    assert "may be written" in seen
    assert f"127.0.0.1:{bench.tls_port} TLS" in seen or f"*:{bench.tls_port} TLS" in seen
    page.stop()
    page = AgentPage(bench.home, gateway.url, web_servers=settings["web_servers"], roots=[str(bench.home)])
    assert "may not be written" in page.get()[2]
    page.stop()


def test_it_ends_in_order_and_never_logs_its_token(tmp_path, gateway):
    page = AgentPage(tmp_path, gateway.url)
    page.get()
    page.get("/")
    said = page.stop()
    assert page.token not in said
    assert "Traceback" not in said
