# SPDX-License-Identifier: Apache-2.0
"""nginx's language: odd but legal configurations are read as nginx reads them, and edits touch nothing else."""

from pathlib import Path

import pytest
from certwright_agent.errors import Refused
from certwright_agent.files import Roots
from certwright_agent.webservers.nginx import Nginx
from certwright_agent.webservers.nginx_syntax import SyntaxProblem, parse, quoted
from certwright_agent.webservers.site import Material
from hypothesis import given
from hypothesis import strategies as st

ODD = r"""
# a comment { with braces } and "quotes
user www-data; # another }
http {
    log_format main '$remote_addr "{not a block}" $request';
    map $http_host $name { default ""; "~^(?<x>.+)\.example\.com$" $x; }
    server { listen 80; server_name "a b;c" x\ y; root "/srv/my \"web\""; }
    server {
        listen       [::1]:8080 ;# glued comment
        server_name  one.example.com *.two.example.com ~^www\d+\.example\.com$;
        set $path /var/${name}/x;
        rewrite ^/(.{2})$ /$1 last;
        location ~ \.php$ { return 200 'curly } brace'; }
        content_by_lua_block { local t = { a = "}" } -- a } comment
          ngx.say('}') }
        if ($host = 'x') { return 301 https://$host$request_uri; }
    }
}
"""


def names(directives):
    return [directive.name for directive in directives]


def test_odd_configurations_are_read_as_nginx_reads_them():
    user, http = parse(ODD.replace(r"^/(.{2})$", '"^/(.{2})$"'))
    assert (user.args, names(http.block)) == (["www-data"], ["log_format", "map", "server", "server"])
    first, second = [directive for directive in http.block if directive.name == "server"]
    assert first.block[1].args == ["a b;c", "x\\ y"]
    assert first.block[2].args == ['/srv/my "web"']
    assert names(second.block) == ["listen", "server_name", "set", "rewrite", "location", "content_by_lua_block", "if"]
    assert second.block[2].args == ["$path", "/var/${name}/x"]
    assert ODD.replace(r"^/(.{2})$", '"^/(.{2})$"')[second.start :].startswith("server {")


@pytest.mark.parametrize("text", ["http {", "}", "server { listen 80 }", 'root "x;', ";", "a { b_by_lua_block { ' } }"])
def test_what_is_no_configuration_is_refused(text):
    with pytest.raises(SyntaxProblem):
        parse(text)


@given(st.text(alphabet=st.characters(min_codepoint=32, max_codepoint=126, exclude_characters="$")))
def test_a_quoted_argument_reads_back_as_it_was(value):
    (directive,) = parse(f"root {quoted(value)};")
    assert directive.args == [value]


@given(st.text(max_size=300))
def test_no_text_breaks_the_parser(text):
    try:
        directives = parse(text)
    except SyntaxProblem:
        return
    assert all(0 <= directive.start < directive.end <= len(text) for directive in directives)


def server(folder, **files):
    for name, content in files.items():
        path = folder / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return Nginx(
        binary="/nonexistent/nginx", main=folder / "nginx.conf", prefix=folder, roots=Roots([folder]), tls_port=8443
    )


def write(folder, name, content):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)


def test_sites_come_from_includes_with_their_roots_and_inherited_certificate(tmp_path):
    nginx = server(tmp_path)
    write(tmp_path, "nginx.conf", "http { ssl_certificate /c.pem; root html; include sites/*; }")
    write(tmp_path, "sites/a", "server { listen 443 ssl; server_name A.example.com; }\n")
    write(tmp_path, "sites/b", "server { include snippets/b; location / { root /srv/b; } }\n")
    write(tmp_path, "sites/.hidden", "server { listen 81; }\n")
    write(tmp_path, "snippets/b", "listen 127.0.0.1:8080; server_name b.example.com www.b.example.com;\n")
    a, b = nginx.sites()
    assert (a.name, a.document_root) == ("a.example.com", str(tmp_path / "html"))
    assert a.blocks[0].certificate_file == "/c.pem"
    assert [str(listener) for listener in a.listeners] == ["*:443"]
    assert (b.names, b.document_root) == (["b.example.com", "www.b.example.com"], "/srv/b")
    assert not b.listeners[0].tls


def test_blocks_with_one_name_are_one_site_and_a_socket_speaks_tls_for_all(tmp_path):
    nginx = server(tmp_path)
    write(
        tmp_path,
        "nginx.conf",
        "http { server { server_name a.test; } server { listen 443; server_name a.test; }"
        " server { listen 443 ssl default_server; server_name _; } server { listen unix:/x; listen 444 quic; } }",
    )
    a, default, local = nginx.sites()
    assert [(listener.port, listener.tls) for listener in a.listeners] == [(80, False), (443, True)]
    assert default.name == "_ *:443"
    assert local.listeners == []


def test_a_renewal_edits_two_arguments_and_no_other_byte(tmp_path):
    nginx = server(tmp_path)
    text = 'http { server { listen 443 ssl; server_name a.test;\n\tssl_certificate  "/old x.pem"; # keep\n'
    text += " ssl_certificate_key /old.key;\n}}"
    write(tmp_path, "nginx.conf", text)
    (site,) = nginx.sites()
    plan = nginx.plan(site, Material(Path("/state/live/a")))
    (change,) = plan.changes
    expected = text.replace('"/old x.pem"', "/state/live/a/fullchain.pem").replace(
        "/old.key", "/state/live/a/privkey.pem"
    )
    assert change.new.decode() == expected


@pytest.mark.parametrize(
    ("block", "reason"),
    [
        (
            "listen 443 ssl; ssl_certificate /a; ssl_certificate_key /b; ssl_certificate /c; ssl_certificate_key /d;",
            "2",
        ),
        ("listen 80; } server { listen 8443; server_name other.test;", "already speaks plain HTTP"),
        ("listen unix:/x;", "no TCP port"),
    ],
)
def test_what_is_not_certain_is_refused(tmp_path, block, reason):
    nginx = server(tmp_path)
    write(tmp_path, "nginx.conf", "http { server { server_name a.test; " + block + " } }")
    site = nginx.sites()[0]
    with pytest.raises(Refused, match=reason):
        nginx.plan(site, Material(Path("/state/live/a")))


def test_a_snippet_shared_by_two_sites_is_not_changed(tmp_path):
    nginx = server(tmp_path)
    write(
        tmp_path,
        "nginx.conf",
        "http { server { listen 443 ssl; server_name a.test; include tls; }"
        " server { listen 443 ssl; server_name b.test; include tls; } }",
    )
    write(tmp_path, "tls", "ssl_certificate /a; ssl_certificate_key /b;")
    with pytest.raises(Refused, match="included 2 times"):
        nginx.plan(nginx.sites()[0], Material(Path("/state/live/a")))


def test_the_candidate_holds_the_change_and_names_the_other_files(tmp_path):
    from certwright_agent.webservers.nginx_tree import Tree

    nginx = server(tmp_path)
    write(tmp_path, "nginx.conf", "events {}\nhttp { include sites/*; }\n")
    write(tmp_path, "sites/a", "server { listen 80; server_name a.test; }\n")
    write(tmp_path, "sites/b", "server { listen 80; server_name b.test; }\n")
    plan = nginx.plan(nginx.sites()[0], Material(Path("/state/live/a")))
    candidate = Tree(tmp_path / "nginx.conf").render_candidate(plan.changes).decode()
    assert "listen *:8443 ssl;" in candidate
    assert f"include {tmp_path}/sites/b;" in candidate
    assert "sites/*" not in candidate
