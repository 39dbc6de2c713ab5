# SPDX-License-Identifier: Apache-2.0
"""Tomcat's server.xml: read exactly or refused; and which of its certificate files can be replaced, with the reason."""

import re
import subprocess
from contextlib import suppress
from pathlib import Path

import pytest
from certwright_agent.errors import Refused
from certwright_agent.files import Roots
from certwright_agent.webservers import tomcat_keystore, tomcat_xml
from certwright_agent.webservers.tomcat import Tomcat
from certwright_agent.webservers.tomcat_manager import Manager
from certwright_agent.webservers.tomcat_material import named
from hypothesis import example, given
from hypothesis import strategies as st

from tests.support.small_ca import SmallCA

BASE, HOME = Path("/srv/base"), Path("/srv/home")
GOOD = """<?xml version="1.0" encoding="UTF-8"?>
<!-- <Connector port="9"/> -->
<Server port="8005"><Service name="a">
  <Connector port="8080" protocol="HTTP/1.1"/>
  <Connector port="8009" protocol="AJP/1.3"/>
  <Connector port="-1" SSLEnabled="true"/>
  <Connector port="8443" address="::1" SSLEnabled="true" defaultSSLHostConfigName="B.test">
    <SSLHostConfig hostName="b.test"><Certificate certificateFile="conf/b.pem"
       certificateKeyFile="${catalina.base}/b.key" type="RSA"/></SSLHostConfig>
    <SSLHostConfig certificateKeystoreFile="${catalina.home}/x.p12"/>
  </Connector>
  <Connector port="${https.port}" SSLEnabled="TRUE" keystoreFile="k" keystorePass="p" keyAlias="z"/>
  <Engine name="e" defaultHost="b.test"><Host name="B.test" appBase="apps"><Alias> www.b.test </Alias></Host>
    <Host name="c.test"><Context path="" docBase="/srv/c"/></Host></Engine>
</Service></Server>
"""


def read(content):
    content = content.encode() if isinstance(content, str) else content
    return tomcat_xml.read(content, "server.xml", base=BASE, home=HOME)


def test_connectors_hosts_and_files():
    plain, tls, old = read(GOOD)
    assert (plain.port, plain.tls, plain.tls_hosts) == (8080, False, ())
    assert (tls.port, tls.address, tls.tls, tls.default_host) == (8443, "::1", True, "b.test")
    assert [host.name for host in tls.tls_hosts] == ["b.test", "_default_"]
    assert tls.tls_hosts[0].certificates[0]["certificateKeyFile"] == "/srv/base/b.key"
    assert tls.tls_hosts[1].certificates == ({"certificateKeystoreFile": "/srv/home/x.p12"},)
    assert old.port == 0
    assert old.tls_hosts[0].certificates == (
        {"certificateKeystoreFile": "k", "certificateKeystorePassword": "p", "certificateKeyAlias": "z"},
    )
    assert [host.names for host in tls.virtual_hosts] == [("b.test", "www.b.test"), ("c.test",)]
    assert [host.root for host in tls.virtual_hosts] == ["/srv/base/apps/ROOT", "/srv/c"]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "not well-formed"),
        ("<Server>", "not well-formed"),
        ("<Other/>", "not Tomcat's"),
        ('<!DOCTYPE s [<!ENTITY x SYSTEM "/etc/passwd">]><Server>&x;</Server>', "document type"),
        ('<!DOCTYPE s [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><Server>&b;</Server>', "document type"),
        ('<!DOCTYPE s SYSTEM "http://example.test/x"><Server/>', "document type"),
        ('<?xml version="1.0" encoding="nonsense"?><Server/>', "cannot be read|not well-formed"),
        ("<a>" * 100_000, "nested too deeply"),
        (b"\xff\xfe<\x00", "not well-formed"),
        ("<Server>" + " " * 3_000_000 + "</Server>", "too large"),
    ],
)
def test_what_is_not_server_xml_is_refused(content, reason):
    with pytest.raises(Refused, match=reason):
        read(content)


@given(st.binary() | st.text().map(str.encode))
def test_any_bytes_are_read_or_refused(content):
    with suppress(Refused):
        read(content)


PIECES = [
    "<Certificate/>",
    "</Service>",
    "<!--",
    "-->",
    "&lt;",
    "&x;",
    "<![CDATA[",
    "\0",
    '"',
    "port",
    "8443",
    "é",
    "${x}",
]


@given(st.integers(0, len(GOOD)), st.integers(0, 80), st.sampled_from(PIECES) | st.text(max_size=5))
@example(GOOD.index("8443"), 4, "9" * 5000)
def test_a_damaged_one_is_read_exactly_or_refused(at, length, piece):
    content = (GOOD[:at] + piece + GOOD[at + length :]).encode("utf-8", "surrogatepass")
    try:
        connectors = read(content)
    except Refused:
        return
    for connector in connectors:
        assert content[connector.start :].startswith(b"<Connector")
        for host in connector.tls_hosts:
            assert content[host.start :].startswith((b"<SSLHostConfig", b"<Connector"))


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pair")
    fullchain, key, _ = SmallCA().key_pair(folder, ["www.example.test"])
    return fullchain, key


def host_with(**attributes):
    return tomcat_xml.TLSHost("h", 0, 0, (attributes,))


def keystore(path, pair, *options, password="changeit"):
    fullchain, key = pair
    subprocess.run(
        [
            *("openssl", "pkcs12", "-export", "-inkey", key, "-in", fullchain),
            *("-passout", f"pass:{password}", "-out", path, *options),
        ],
        check=True,
    )


def files_of(folder, pair):
    (folder / "c.pem").write_bytes(pair[0].read_bytes())
    (folder / "k.pem").write_bytes(pair[1].read_bytes())
    return {"fullchain.pem": b"F", "cert.pem": b"C", "chain.pem": b"H", "privkey.pem": b"K"}


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({"certificateFile": "c.pem", "certificateKeyFile": "k.pem"}, {"c.pem": b"F", "k.pem": b"K"}),
        ({"certificateFile": "c.pem"}, {"c.pem": b"FK"}),
        ({"certificateFile": "c.pem", "certificateChainFile": "k.pem"}, {"c.pem": b"CK", "k.pem": b"H"}),
    ],
)
def test_each_pem_file_gets_what_it_is_for(tmp_path, pair, attributes, expected):
    staged = files_of(tmp_path, pair)
    found = named(host_with(**attributes), tmp_path, Roots([tmp_path]))
    assert found.reason == ""
    assert {each.path.name: each.content(staged) for each in found.placements} == expected


@pytest.mark.parametrize(
    ("attributes", "reason"),
    [
        ({}, "names no certificate file"),
        ({"certificateFile": "c.pem", "certificateKeyFile": "k.pem", "certificateKeyPassword": "x"}, "encrypted"),
        ({"certificateFile": "${x}/c.pem"}, "whose value only Tomcat knows"),
        ({"certificateFile": "missing.pem"}, "not a file"),
        ({"certificateFile": "/etc/hostname"}, "outside the folders"),
        ({"certificateFile": "c.pem", "certificateKeyFile": "k.pem", "certificateChainFile": "k.pem"}, "two purposes"),
        ({"certificateFile": "n" * 400}, "cannot be looked at"),
        ({"certificateKeystoreFile": "jks"}, "a JKS keystore.*keytool"),
        ({"certificateKeystoreFile": "c.pem"}, "cannot be opened"),
        ({"certificateKeystoreFile": "s.p12", "certificateKeystorePassword": "wrong"}, "cannot be opened"),
        ({"certificateKeystoreFile": "s.p12", "certificateKeyPassword": "other"}, "a password of its own"),
        ({"certificateKeystoreFile": "s.p12", "certificateKeystorePasswordFile": "none"}, "password file"),
        ({"certificateKeystoreFile": "trust.p12"}, "would be lost"),
    ],
)
def test_files_that_cannot_be_replaced_say_why(tmp_path, pair, attributes, reason):
    files_of(tmp_path, pair)
    (tmp_path / "jks").write_bytes(b"\xfe\xed\xfe\xed\0\0\0\2")
    keystore(tmp_path / "s.p12", pair)
    keystore(tmp_path / "trust.p12", pair, "-nokeys")
    found = named(host_with(**attributes), tmp_path, Roots([tmp_path]))
    assert re.search(reason, found.reason), found.reason
    assert not {"wrong", "changeit"} & set(found.reason.split())


def test_several_certificates_of_one_host_are_not_guessed(tmp_path):
    two = tomcat_xml.TLSHost("h", 0, 0, ({"certificateFile": "a"}, {"certificateFile": "b"}))
    assert "2 certificates" in named(two, tmp_path, Roots([tmp_path])).reason


@pytest.mark.parametrize("options", [[], ["-legacy"], ["-name", "ünïcode alias"]])
def test_keystores_of_old_and_new_javas_are_read(tmp_path, pair, options):
    path = tmp_path / "s.p12"
    keystore(path, pair, *options)
    held = tomcat_keystore.inspect(path, "changeit")
    assert held.leaf_pem.strip() in pair[0].read_text()


def test_the_password_never_stands_on_a_command_line(tmp_path, pair, monkeypatch):
    ran = []
    real = tomcat_keystore.run
    monkeypatch.setattr(tomcat_keystore, "run", lambda argv, **more: ran.append(argv) or real(argv, **more))
    password = "hunter2 -passout pass:x"
    staged = {"privkey.pem": pair[1].read_bytes(), "fullchain.pem": pair[0].read_bytes()}
    path = tmp_path / "s.p12"
    path.write_bytes(tomcat_keystore.write(staged, password, "a"))
    assert tomcat_keystore.inspect(path, password).alias == "a"
    assert ran
    assert "hunter2" not in str(ran)


def test_tls_hosts_that_share_a_file_are_one_site(tmp_path, pair):
    files_of(tmp_path, pair)
    pem = 'certificateFile="c.pem" certificateKeyFile="k.pem"'
    main = tmp_path / "server.xml"
    main.write_text(
        '<Server><Service><Connector port="1" SSLEnabled="true">'
        f'<SSLHostConfig hostName="a.test"><Certificate {pem}/></SSLHostConfig>'
        f'<SSLHostConfig hostName="*.b.test"><Certificate {pem}/></SSLHostConfig>'
        f"<SSLHostConfig><Certificate {pem}/></SSLHostConfig></Connector></Service></Server>"
    )
    manager = Manager("http://127.0.0.1:1/x", "", None)
    tomcat = Tomcat(main=main, base=tmp_path, home=tmp_path, manager=manager, roots=Roots([tmp_path]))
    (site,) = tomcat.sites()
    assert site.names == ["a.test", "*.b.test"]
    assert [listener.sni for listener in site.listeners] == ["a.test", "www.b.test", None]
    assert "manager_user" in site.reason
