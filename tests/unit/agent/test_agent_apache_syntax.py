# SPDX-License-Identifier: Apache-2.0
"""Apache's language: odd but legal configurations are read as Apache reads them, and edits touch nothing else."""

from pathlib import Path

import pytest
from certwright_agent.errors import Refused
from certwright_agent.files import Roots
from certwright_agent.webservers.apache import Apache
from certwright_agent.webservers.apache_syntax import SyntaxProblem, parse, quoted
from certwright_agent.webservers.site import Material
from hypothesis import given
from hypothesis import strategies as st

LIVE = Material(Path("/state/live/a"))
TLS = "LoadModule ssl_module modules/mod_ssl.so\n"


def write(folder, name, content):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)


def apache(folder, main, **environment):
    write(folder, "apache.conf", main)
    return Apache(
        binary="/nonexistent/apache2",
        main=folder / "apache.conf",
        root=folder,
        roots=Roots([folder]),
        tls_port=8443,
        staging=folder,
        environment={"X": "", **environment},
    )


def test_continued_quoted_and_commented_lines_are_read_as_apache_reads_them():
    text = (
        "# <VirtualHost *:80> is a comment \\\n"
        'ServerName "a.test"\n'
        'LogFormat "%h \\"%r\\" # no comment" \\\n   common\n'
        "  <VirtualHost  *:80 \\\n [::1]:80>\n"
        "  DocumentRoot '/srv/my web'\n"
        "  </virtualhost>\n"
    )
    _, form, host = parse("#x\n" + text.replace("comment \\\n", "comment\n"))
    assert form.args == ['%h "%r" # no comment', "common"]
    assert host.args == ["*:80", "[::1]:80"]
    assert host.section[0].args == ["/srv/my web"]


@pytest.mark.parametrize("text", ["<VirtualHost *:80>", "</VirtualHost>", "<VirtualHost *:80\n", "<a>\n</b>\n"])
def test_what_is_no_configuration_is_refused(text):
    with pytest.raises(SyntaxProblem):
        parse(text)


@given(st.text(alphabet=st.characters(min_codepoint=32, max_codepoint=126), min_size=1))
def test_a_quoted_argument_reads_back_as_it_was(value):
    (directive,) = parse(f"DocumentRoot {quoted(value)}\n")
    assert directive.args == [value]


@given(st.text(max_size=300))
def test_no_text_breaks_the_parser(text):
    try:
        directives = parse(text)
    except SyntaxProblem:
        return
    assert all(0 <= directive.start < directive.end <= len(text) for directive in directives)


def test_conditions_variables_and_includes_are_evaluated_in_order(tmp_path):
    server = apache(
        tmp_path,
        "Define HTTPS_PORT 4443\nListen 8080\n"
        "<IfModule ssl_module>\nListen 1\n</IfModule>\n"
        + TLS
        + "<IfModule mod_ssl.c>\nListen ${HTTPS_PORT}\n</IfModule>\n"
        "<IfModule !mod_ssl.c>\nListen 2\n</IfModule>\n<IfDefine !NOT>\nIncludeOptional sites/*.conf\n</IfDefine>\n",
        BASE="/srv",
    )
    write(
        tmp_path,
        "sites/a.conf",
        "<VirtualHost *:8080>\nServerName https://A.test:443\nServerAlias www.a.test\n"
        "DocumentRoot ${BASE}/a\n</VirtualHost>\n"
        "<VirtualHost _default_:${HTTPS_PORT}>\nServerName a.test\nSSLEngine on\n"
        "SSLCertificateFile c.pem\n</VirtualHost>\n",
    )
    (site,) = server.sites()
    assert site.names == ["a.test", "www.a.test"]
    assert site.document_root == "/srv/a"
    assert [(str(listener), listener.tls) for listener in site.listeners] == [("*:8080", False), ("*:4443", True)]
    assert site.tls_blocks[0].certificate_file == str(tmp_path / "c.pem")


def test_a_renewal_replaces_the_files_and_drops_the_old_chain(tmp_path):
    host = (
        "<VirtualHost 127.0.0.1:443>\n  ServerName a.test\n  SSLEngine on # odd\n"
        '  SSLCertificateFile\t"/old x.pem"\n  SSLCertificateKeyFile /old.key\n  SSLCertificateChainFile /chain.pem\n'
        "</VirtualHost>\n"
    ).replace(" # odd", "")
    server = apache(tmp_path, TLS + "Listen 443\n" + host)
    (change,) = server.plan(server.sites()[0], LIVE).changes
    expected = (TLS + "Listen 443\n" + host).replace('"/old x.pem"', LIVE.fullchain).replace("/old.key", LIVE.key)
    assert change.new.decode() == expected.replace("  SSLCertificateChainFile /chain.pem\n", "")


def test_a_plain_site_gets_a_tls_twin_and_a_listen_only_when_nobody_listens(tmp_path):
    host = "<VirtualHost 127.0.0.1:80>\n    ServerName a.test\n    DocumentRoot /srv/a\n</VirtualHost>"
    server = apache(tmp_path, TLS + "Listen 127.0.0.1:80\n" + host)
    plan = server.plan(server.sites()[0], LIVE)
    added = plan.changes[0].new.decode().removeprefix(TLS + "Listen 127.0.0.1:80\n" + host)
    assert added == (
        "\nListen 127.0.0.1:8443 https\n<VirtualHost 127.0.0.1:8443>\n    ServerName a.test\n    DocumentRoot /srv/a\n"
        f"    SSLEngine on\n    SSLCertificateFile {LIVE.fullchain}\n    SSLCertificateKeyFile {LIVE.key}\n"
        "</VirtualHost>\n"
    )
    listening = apache(tmp_path, TLS + "Listen 8443\nListen 127.0.0.1:80\n" + host)
    assert b"Listen 127.0.0.1:8443" not in listening.plan(listening.sites()[0], LIVE).changes[0].new


def test_without_mod_ssl_the_site_is_refused(tmp_path):
    server = apache(tmp_path, "Listen 80\n<VirtualHost *:80>\nServerName a.test\n</VirtualHost>\n")
    with pytest.raises(Refused, match="a2enmod ssl"):
        server.plan(server.sites()[0], LIVE)
