# SPDX-License-Identifier: Apache-2.0
"""What needs no web server of the watch over sites: whose folders are whose, traps in files, lists without an end."""

import json
import os
import subprocess
from pathlib import Path

import pytest
from certwright_agent.certificates import first_in, first_in_file
from certwright_agent.key_files import open_mode, other_key
from certwright_agent.remote import answers
from certwright_agent.rivals import Rival, Traces, text_of, who
from certwright_agent.watching import MOST_WATCHED, Watch
from certwright_agent.webservers.site import Block, Listener, Site

from tests.support.small_ca import SmallCA

NAME = "www.example.test"


@pytest.mark.parametrize(
    ("path", "tool"),
    [
        (f"root/.acme.sh/{NAME}_ecc/fullchain.cer", "acme.sh"),
        (f"var/lib/caddy/certificates/acme-v02.api.letsencrypt.org-directory/{NAME}/{NAME}.crt", "caddy"),
        (f"srv/.lego/certificates/{NAME}.crt", "lego"),
        (f"var/lib/dehydrated/certs/{NAME}/fullchain.pem", "dehydrated"),
        (f"etc/letsencrypt/live/{NAME}/fullchain.pem", "certbot"),
        (f"etc/letsencrypt/archive/{NAME}/fullchain3.pem", "certbot"),
        ("home/auto/.certwright-agent/state/live/www/fullchain.pem", "certwright"),
        ("agent/state/live/other/fullchain.pem", "certwright"),
        (f"etc/nginx/live/{NAME}/fullchain.pem", "unknown"),
        ("etc/ssl/caddy.pem", "unknown"),
    ],
)
def test_a_tool_is_known_by_its_folders(tmp_path, path, tool):
    assert who(tmp_path / path, "f", "", tmp_path / "agent" / "state", Traces(tmp_path)).by == tool


def test_a_mark_in_the_configuration_and_a_copy_of_a_lineage_name_certbot(tmp_path):
    file = tmp_path / "site.pem"
    mark = "ssl_certificate /x; # managed by Certbot"
    assert who(file, "f", mark, tmp_path / "s", Traces(tmp_path)) == Rival("certbot")
    pem, _ = SmallCA().sign(SmallCA()._key.public_key(), [NAME])
    lineage = tmp_path / "etc" / "letsencrypt" / "live" / NAME
    lineage.mkdir(parents=True)
    (lineage / "cert.pem").write_text(pem)
    fingerprint = first_in(pem)[0].fingerprint
    assert who(file, fingerprint, "", tmp_path / "s", Traces(tmp_path)) == Rival("certbot", str(lineage / "cert.pem"))


def test_pipes_folders_and_endless_files_keep_nobody(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "endless").write_bytes(b"x" * 10_000_000)
    assert (text_of(tmp_path / "pipe"), text_of(tmp_path)) == ("", "")
    assert len(text_of(tmp_path / "endless")) == 64 * 1024
    for trap in ("pipe", "endless", "missing"):
        assert other_key(tmp_path / trap, tmp_path / trap) == ""
        assert first_in_file(tmp_path / trap) is None
    assert open_mode(tmp_path / "missing") == ""


def test_an_encrypted_key_is_not_called_another_one(tmp_path):
    fullchain, key, _ = SmallCA().key_pair(tmp_path, [NAME])
    assert other_key(fullchain, key) == ""
    sealed = tmp_path / "sealed.key"
    subprocess.run(
        ["openssl", "pkey", "-in", key, "-aes256", "-passout", "pass:x", "-out", sealed],
        check=True,
        capture_output=True,
    )
    assert other_key(fullchain, sealed) == ""
    other = tmp_path / "other"
    other.mkdir()
    assert len(other_key(fullchain, SmallCA().key_pair(other, [NAME])[1])) == 64


class Many:
    """A web server with more sites than anybody has."""

    kind, main = "nginx", Path("/nowhere/nginx.conf")

    @staticmethod
    def sites():
        listener = (Listener("127.0.0.1", 1, tls=True),)
        block = Block(Path("/nowhere/x"), 0, 0, (), listener, "", "/nowhere/c.pem", key_file="/nowhere/k.pem")
        return [Site("nginx", f"{number}.test", (block,)) for number in range(MOST_WATCHED + 500)]


def test_a_list_without_an_end_is_looked_at_up_to_a_bound(tmp_path):
    watch = Watch(tmp_path, traces=Traces(tmp_path))
    found = watch.look([(Many, Many.sites())])
    assert len(found) == MOST_WATCHED
    assert set(map(len, found.values())) == {0}
    assert not watch.changed()


def test_a_memory_that_is_damaged_is_learned_again(tmp_path):
    for damaged in ("{", "[]", '{"x": 1}'):
        (tmp_path / "watched.json").write_text(damaged)
        assert Watch(tmp_path, traces=Traces(tmp_path)).look([(Many, Many.sites()[:1])])
        assert isinstance(json.loads((tmp_path / "watched.json").read_text()), dict)


def test_what_a_server_says_is_amiss_passes_in_its_form_alone():
    said = {
        "web_server": "nginx", "name": NAME, "names": [NAME], "bindings": [], "document_root": "", "config_path": "",
        "writable": True,
        "findings": [
            {"kind": "replaced", "path": "/a\nb", "served": "yes", "more": "x"}, {"kind": ""}, "nonsense",
            *[{"kind": f"k{number}"} for number in range(50)],
        ],
    }  # fmt: skip
    [site] = answers.sites([said])
    assert len(site["findings"]) == 8
    assert site["findings"][0] == {
        "kind": "replaced", "since": "", "path": "/a b", "mode": "", "by": "", "evidence": "", "owner": "",
        "serial": "", "spki_sha256": "", "served": False,
    }  # fmt: skip
    assert answers.sites([{**said, "findings": "none"}])[0]["findings"] == []
    del said["findings"]
    assert answers.sites([said])[0]["findings"] == []  # a program of before
