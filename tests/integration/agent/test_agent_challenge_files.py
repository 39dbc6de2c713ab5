# SPDX-License-Identifier: Apache-2.0
"""The file that another CA looks for, on a real nginx and a real Apache: seen where the site answers, or not there."""

import json
import re
import urllib.error
import urllib.request

import pytest
from certwright_agent.config import load

from tests.support import agent_driver

NAME = "www.example.test"
TOKEN = "LoqXcYV8q5ONbJQxbmR7SCTNo3tiAXDfowyjxAjEuX0"
CONTENT = f"{TOKEN}.9jg46WB3rR_AHD-EBXdN7cBkH1WOu0tA3M9fm21mqTI"
PATH = f".well-known/acme-challenge/{TOKEN}"


def place(bench, **changes):
    arguments = {"fqdn": NAME, "token": TOKEN, "content": CONTENT, **changes}
    return bench.work(agent_driver.job("place_acme_file", **arguments))


def remove(bench):
    return bench.work(agent_driver.job("remove_acme_file", fqdn=NAME, token=TOKEN))


def records(bench):
    return list((bench.home / "state" / "challenges").iterdir())


def served(bench):
    request = urllib.request.Request(f"http://127.0.0.1:{bench.port}/{PATH}", headers={"Host": NAME})
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.read().decode()
    except urllib.error.HTTPError as refused:
        return refused.code


def test_it_is_served_and_taken_away_with_its_folders(bench):
    bench.start()
    before, root = bench.files(), bench.server.document_root(NAME)
    placed = place(bench)
    assert placed.succeeded, placed.reason
    assert placed.result == {"path": str(root / PATH), "seen": f"127.0.0.1:{bench.port}"}
    assert [step["name"] for step in placed.steps] == ["write", "look"]
    assert served(bench) == CONTENT
    removed = remove(bench)
    assert (removed.succeeded, removed.result) == (True, {"path": str(root / PATH)})
    assert served(bench) == 404
    assert not (root / ".well-known").exists()
    assert records(bench) == []
    assert remove(bench).result == {"path": ""}  # once more, nothing to do
    assert bench.files() == before  # no configuration was touched


def test_files_of_others_stay(bench):
    bench.start()
    folder = bench.server.document_root(NAME) / ".well-known" / "acme-challenge"
    folder.mkdir(parents=True)
    (folder / "of-certbot").write_text("theirs")
    assert place(bench).succeeded
    assert remove(bench).succeeded
    assert [each.name for each in folder.iterdir()] == ["of-certbot"]


def test_what_the_site_does_not_answer_is_not_left_there(bench):
    """Such as a site that sends everything to a program behind it."""
    bench.start()
    text = bench.site.read_text()
    wall = {
        "nginx": "location / { return 502; }\n}",
        "apache": "<Location />\nRequire all denied\n</Location>\n</VirtualHost>",
    }[bench.kind]
    end = {"nginx": "}", "apache": "</VirtualHost>"}[bench.kind]
    bench.site.write_text(wall.join(text.rsplit(end, 1)))
    assert bench.worker().servers[0].reload().ok
    bench_says = place(bench)
    for _ in range(20):  # old workers may answer for a moment
        if not bench_says.succeeded:
            break
        remove(bench)
        bench_says = place(bench)
    assert (bench_says.succeeded, bench_says.code) == (False, "file_not_served")
    assert "does not answer with the file" in bench_says.reason
    assert not (bench.server.document_root(NAME) / ".well-known").exists()
    assert records(bench) == []


def test_a_link_below_the_web_root_is_not_followed(bench):
    bench.start()
    outside = bench.folder / "outside"
    outside.mkdir()
    known = bench.server.document_root(NAME) / ".well-known"
    known.symlink_to(outside)
    assert "is a link" in place(bench).reason
    known.unlink()
    known.mkdir()
    (known / "acme-challenge").symlink_to(outside)
    assert "is a link" in place(bench).reason
    (known / "acme-challenge").unlink()
    (known / "acme-challenge").mkdir()
    (known / "acme-challenge" / TOKEN).symlink_to(outside / "victim")
    assert "is no file" in place(bench).reason
    assert list(outside.iterdir()) == []


@pytest.mark.parametrize("point", ["challenge-recorded", "challenge-written"])
def test_an_agent_that_died_leaves_nothing_for_ever(bench, point):
    bench.start()
    job = agent_driver.job("place_acme_file", fqdn=NAME, token=TOKEN, content=CONTENT)
    assert agent_driver.run(bench.settings, job, crash_at=point) is None
    [record] = records(bench)
    bench.worker().recover()
    assert records(bench) == [record]  # its time is not over: the job comes again
    assert bench.worker().work(job, lambda step: None)[1].succeeded
    record.write_text(json.dumps(json.loads(record.read_text()) | {"until": 0}))
    bench.worker().recover()
    assert records(bench) == []
    assert served(bench) == 404


def test_what_cannot_be_taken_away_keeps_the_host_from_no_other_work(bench):
    bench.start()
    assert place(bench).succeeded
    [record] = records(bench)
    record.write_text(json.dumps(json.loads(record.read_text()) | {"until": 0}))
    path = bench.server.document_root(NAME) / PATH
    path.unlink()
    path.mkdir()  # unlink fails for root, too
    bench.worker().recover()
    assert records(bench) == [record]
    path.rmdir()
    bench.worker().recover()
    assert records(bench) == []


def test_another_name_and_other_content_are_refused(bench):
    bench.start()
    assert "no site with a web root serves other.test" in place(bench, fqdn="other.test").reason
    for changes in ({"token": "../../../etc/cron.d/x"}, {"content": "<?php"}, {"content": f"x{CONTENT}"}):
        assert not place(bench, **changes).succeeded
    assert not (bench.server.document_root(NAME) / ".well-known").exists()


def test_a_site_that_sends_plain_visitors_to_tls_is_looked_at_there(bench):
    bench.start(tls=True)
    text = bench.site.read_text()
    if bench.kind == "nginx":
        plain = f"server {{ listen 127.0.0.1:{bench.port}; server_name {NAME}; return 301 https://$host$request_uri; }}"
        text = text.replace(f"    listen 127.0.0.1:{bench.port};\n", "") + plain
    else:
        assert f"<VirtualHost 127.0.0.1:{bench.port}>" in text
        [modules] = re.findall(r"(\S+)/mod_ssl.so", bench.server.config.read_text())
        text = text.replace(
            f"<VirtualHost 127.0.0.1:{bench.port}>",
            f"LoadModule alias_module {modules}/mod_alias.so\n<VirtualHost 127.0.0.1:{bench.port}>\n"
            f"RedirectMatch 301 ^/(.*)$ https://{NAME}/$1",
            1,
        )
    bench.site.write_text(text)
    assert bench.worker().servers[0].reload().ok
    placed = place(bench)
    assert placed.succeeded, placed.reason
    assert load(bench.settings).state.joinpath("challenges").exists()
    assert remove(bench).succeeded
