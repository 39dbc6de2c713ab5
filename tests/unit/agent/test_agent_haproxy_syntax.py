# SPDX-License-Identifier: Apache-2.0
"""HAProxy's configuration: what is read is exact, what is not understood is refused, and nothing else ever happens."""

from contextlib import suppress
from pathlib import Path

import pytest
from certwright_agent.errors import Refused
from certwright_agent.webservers import haproxy_tree
from certwright_agent.webservers.haproxy_syntax import parse
from hypothesis import example, given
from hypothesis import strategies as st

FILE = Path("/etc/haproxy/haproxy.cfg")
PIECES = st.sampled_from(
    [
        *(
            "bind",
            "frontend",
            "listen",
            "global",
            "crt-base",
            "/x",
            " ",
            "\t",
            "\n",
            "\r\n",
            "*:443",
            ":80",
            "[::]:443",
        ),
        *("ssl", "crt", "a.pem", "crt-list", "alpn", "h2", "v6only", "unix@/x", "ipv6@:::1", "#", '"', "'", "\\", "\0"),
        *("$X", "${X}", "1.2.3.4:5,6.7.8.9:10", ".if", "127.0.0.1:" + "9" * 5000, "/" + "n" * 400),
        "bind *:1 ssl crt /x",
    ]
)


def understand(text):
    return haproxy_tree.understand([(FILE, parse(text, str(FILE)))])


def binds(*lines, section="frontend web"):
    return understand("\n".join([section, *(f"  bind {line}" for line in lines)])).binds


@given(st.text(st.characters(max_codepoint=255)) | st.lists(PIECES).map(" ".join) | st.lists(PIECES).map("".join))
@example("frontend x\n bind *:1 ssl crt /" + "n" * 5000)
@example("a 'b\n")
@example("a \\")
def test_any_text_is_read_or_refused(text):
    with suppress(Refused):
        understand(text)


@given(st.lists(PIECES).map(" ".join))
def test_words_stand_where_they_say(text):
    try:
        lines = parse(text, "x")
    except Refused:
        return
    last = 0
    for word in (word for line in lines for word in line.words):
        assert last <= word.start < word.end <= len(text)
        last = word.end
        if not set(text[word.start : word.end]) & set("\"'\\"):
            assert text[word.start : word.end] == word.text


def test_quotes_escapes_and_comments():
    (line,) = parse("""one "two three" 'fo#ur $X' fi\\ ve # six\n""", "x")
    assert [word.text for word in line.words] == ["one", "two three", "fo#ur $X", "fi\\ ve"]
    assert [word.certain for word in line.words] == [True, True, True, False]


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("*:443", [("*", 443)]),
        (":443", [("*", 443)]),
        ("0.0.0.0:443", [("*", 443)]),
        ("10.0.0.1:443,10.0.0.2:8443", [("10.0.0.1", 443), ("10.0.0.2", 8443)]),
        (":::443", [("::", 443)]),
        ("[::1]:443", [("::1", 443)]),
        ("ipv6@:443", [("::", 443)]),
        ("ipv4@1.2.3.4:443", [("1.2.3.4", 443)]),
        ("/run/x.sock", []),
        ("unix@/run/x.sock", []),
        ("abns@x", []),
        ("quic4@:443", []),
    ],
)
def test_addresses(address, expected):
    (bind,) = binds(address)
    assert [(listener.address, listener.port) for listener in bind.listeners] == expected


@pytest.mark.parametrize(
    "line",
    [
        *("", "*", "*:1-9", "*:0", "*:65536", "name.test:443", "what@x:1", "*:443 ssl crt", "*:443 ssl surprise"),
        *('"$A:443"', "*:443 ssl crt relative.pem", "*:443 ssl crt-list relative", "*:443 ssl crt @store/x"),
        *("\\*:443", "*:443 ssl crt-list /no"),
    ],
)
def test_what_is_not_understood_is_refused(line):
    with pytest.raises(Refused, match=r"line 2|/no"):
        binds(line)


def test_binds_of_other_sections_are_none_of_ours():
    assert binds("whatever this $X is", section="peers here") == []


def test_folders_lists_and_bases(tmp_path):
    folder = tmp_path / "certs"
    folder.mkdir()
    for name in ("b.pem", "a.pem", ".hidden", "a.pem.ocsp", "a.pem.key"):
        (folder / name).touch()
    listed = tmp_path / "list"
    listed.write_text(
        f"# comment\n\na.pem [alpn h2 ssl-min-ver TLSv1.2] A.test *.b.test !c.test\nb.pem d.test\n{folder}\n"
    )
    tree = understand(
        f"global\n  master-worker\n  crt-base {folder}\n"
        f"listen x\n  bind *:1 ssl crt {folder}\n  bind *:2 ssl crt-list {listed} accept-proxy\n"
        "  bind *:3 crt ignored.pem\n"
    )
    assert tree.master_worker
    first, second, third = tree.binds
    assert [use.path.name for use in first.uses] == ["a.pem", "b.pem"]
    assert [(use.path.name, use.filters, bool(use.cause)) for use in second.uses] == [
        ("a.pem", ("a.test", "*.b.test"), False),
        ("b.pem", ("d.test",), False),
        ("certs", (), True),
    ]
    assert "accept-proxy" in second.cause
    assert third.uses == ()


@given(st.text(st.characters(max_codepoint=255)))
def test_any_crt_list_is_read_or_refused(tmp_path_factory, text):
    listed = tmp_path_factory.getbasetemp() / "crt-list"
    listed.write_bytes(text.encode("latin-1"))
    with suppress(Refused):
        binds(f"*:1 ssl crt-list {listed}")
