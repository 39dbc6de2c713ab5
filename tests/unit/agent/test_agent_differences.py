# SPDX-License-Identifier: Apache-2.0
"""Diffs as `patch` reads them, and the lines of a configuration that are not shown in them."""

import json

import pytest
from certwright_agent.concealment import HIDDEN, hidden_lines, may_be_secret
from certwright_agent.differences import unified
from hypothesis import given
from hypothesis import strategies as st

from tests.support.patches import applied, patched

CONTENTS = st.lists(
    st.sampled_from([b"a\n", b"b\n", b"\n", b"c\r\n", b"--- d\n", b"+e\n", b"\x0b\x85\xff\n", b"\xc3\xbc\n", b"@@\n"]),
    max_size=30,
).map(b"".join)
ENDS = st.sampled_from([b"", b"end", b"\r"])


@given(CONTENTS, ENDS, CONTENTS, ENDS)
def test_the_new_bytes_follow_from_the_old_ones_and_the_diff(old, old_end, new, new_end):
    old, new = old + old_end, new + new_end
    difference = unified("/etc/x", old, new)
    assert difference.hidden == 0
    told = {"diff": difference.text, "encoding": difference.encoding}
    assert (applied(old, difference.text.encode(difference.encoding)) if difference.text else old) == new
    assert json.loads(json.dumps(told)) == told


def test_patch_itself_takes_it():
    old = b"".join(b"line %d\n" % number for number in range(40)) + b"no end"
    new = old.replace(b"line 3\n", b"").replace(b"line 20\n", b"line 20\nmore\n").replace(b"no end", b"an end")
    difference = unified("/etc/x", old, new)
    assert (difference.added, difference.removed) == (2, 2)
    assert difference.text.count("@@ -") == 3
    assert patched(old, {"diff": difference.text, "encoding": difference.encoding}) == new


def test_a_long_file_with_one_change_is_quick():
    old = b"".join(b"line %d\n" % (number % 50) for number in range(60_000))
    new = old[:300_000] + b"new\n" + old[300_000:]
    assert unified("/etc/x", old, new).added >= 1


SECRETS = [
    '    AuthLDAPBindPassword "hunter2"',
    "    set $db_pass hunter2;",
    "    proxy_set_header Authorization $upstream;",
    "    RequestHeader set X-API-Key abc",
    "    proxy_pass http://user:hunter2@10.0.0.1/;",
    "    set $x 0f8fad5bd9cb469fa16570867728950e;",
    "    SetEnv KEY eW91IGZvdW5kIG1lIHdlbGwgZG9uZQ1234==",
    "    map x-key dGhlIGtleSBp-cyB1bmRlciB_0aGUgbWF0;",
    "-----BEGIN RSA PRIVATE KEY-----",
    '    ssl_certificate_key "data:-----BEGIN";',
    "    ssl_certificate_key engine:pkcs11:pin-value=passw;",
    "# " + "x" * 2001,
]
HARMLESS = [
    "    ssl_certificate /opt/certwright-agent/state/live/secret.example.com-1a2b3c4d/fullchain.pem;",
    "    SSLCertificateKeyFile '/srv/token vault/0f8fad5bd9cb469fa16570867728950e.key'",
    "    proxy_pass http://backend;",
    "    fastcgi_pass unix:/run/php/php8.2-fpm.sock;",
    "    ProxyPassReverse / http://127.0.0.1:8080/",
    "    server_tokens off;",
    "ServerTokens Prod",
    "    # ---------------- TLS ----------------",
    '    add_header Strict-Transport-Security "max-age=63072000; includeSubDomains" always;',
    "    client_body_temp_path /tmp/certwright-agent-a1b2c3d4/run/client_body;",
    "    root /srv/www/a_rather_long_folder_name_of_a_site_2;",
    "    listen [2001:db8::1]:443 ssl http2;",
]


@pytest.mark.parametrize("line", SECRETS)
def test_what_may_be_a_secret_is_hidden(line):
    assert may_be_secret(line)
    old = f"server {{\n{line}\n    listen 80;\n}}\n".encode()
    difference = unified("/etc/x", old, old.replace(b"listen 80", b"listen 81"))
    assert difference.hidden == 1
    assert line.strip() not in difference.text
    assert HIDDEN in difference.text


@pytest.mark.parametrize("line", HARMLESS)
def test_what_is_none_is_shown(line):
    assert not may_be_secret(line)


def test_a_secret_that_goes_over_lines_is_hidden_to_its_end():
    text = [
        "proxy_set_header X-Token\n", '  "hunter2"\n', "  ;\n", "listen 80;\n",
        "SetEnv SECRET \\\n", "  hunter2\n", "Listen 80\n", "# my password is none\n", "root /srv;\n",
    ]  # fmt: skip
    assert hidden_lines(text) == [True, True, True, False, True, True, False, True, False]


def test_a_changed_line_is_hidden_too_and_still_counted():
    difference = unified("/etc/x", b"a\n", b"a\nSetEnv PASSWORD hunter2\n")
    assert (difference.added, difference.hidden) == (1, 1)
    assert "hunter2" not in difference.text
    assert f"+{HIDDEN}\n" in difference.text
