# SPDX-License-Identifier: Apache-2.0
"""Sites after their installation, on a real nginx and a real Apache: who replaced what, and who can read the key."""

import shutil
import socket
import ssl
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from certwright_agent import report
from certwright_agent.certificates import first_in_file
from certwright_agent.loop import Agent
from certwright_agent.outcome import Steps
from certwright_agent.rivals import Traces
from certwright_agent.watching import Watch

from shared.probe.handshake import handshake
from tests.support.agent_gateway import AgentGateway
from tests.support.placed_bench import FilesBench

NAME = "www.example.test"


class Clock:
    def __init__(self):
        self.moment = datetime.now(UTC)

    def __call__(self):
        return self.moment

    def forward(self, **delta):
        self.moment += timedelta(**delta)


class Watched:
    """The bench's agent, looking; every look is that of a freshly started agent unless `again` is asked for."""

    def __init__(self, bench):
        self.bench, self.clock = bench, Clock()
        self.root = bench.folder / "host"
        (self.root / "etc").mkdir(parents=True)
        self.watch = None

    def look(self, *, again=False):
        worker = self.bench.worker()
        if self.watch is None or not again:
            self.watch = Watch(self.bench.home / "state", now=self.clock, traces=Traces(self.root))
        sites, problems = report.sites(worker.servers, self.watch)
        assert problems == []
        (site,) = [one for one in sites if NAME in one["names"]]
        return {one["kind"]: one for one in site["findings"]}

    def theirs(self, name=NAME):
        """A certificate of another tool's making: full chain and key, as text."""
        folder = Path(self.bench.folder) / f"theirs-{len(list(self.bench.folder.iterdir()))}"
        folder.mkdir()
        fullchain, key, serial = self.bench.ca.key_pair(folder, [name])
        return fullchain, key, serial

    def reload(self, serial):
        """Old workers may take one more connection: until they are gone."""
        old = self.workers()
        assert self.bench.worker().servers[0].reload().ok
        deadline = time.monotonic() + 30
        while old & self.workers():
            assert time.monotonic() < deadline
            time.sleep(0.02)
        assert self.bench.served_serial() == serial

    def workers(self):
        """The processes of the web server that take connections."""
        master = self.bench.server.pid_file.read_text().strip()
        return set(Path(f"/proc/{master}/task/{master}/children").read_text().split())

    def certbot(self):
        """Does what `certbot run --nginx` does: a lineage, links, its renewal configuration, and the site led there."""
        fullchain, key, serial = self.theirs()
        folder = self.root / "etc" / "letsencrypt"
        live, archive, renewal = (folder / name for name in ("live", "archive", "renewal"))
        for each in (live / NAME, archive / NAME, renewal):
            each.mkdir(parents=True, exist_ok=True)
        number = len(list(archive.glob(f"{NAME}/fullchain*"))) + 1
        for file, purpose in ((fullchain, "fullchain"), (key, "privkey")):
            kept = archive / NAME / f"{purpose}{number}.pem"
            shutil.copy(file, kept)
            kept.chmod(0o600)
            link = live / NAME / f"{purpose}.pem"
            link.unlink(missing_ok=True)
            link.symlink_to(f"../../archive/{NAME}/{kept.name}")
        (renewal / f"{NAME}.conf").write_text(f"version = 2.1.0\nfullchain = {live / NAME / 'fullchain.pem'}\n")
        text = self.bench.site.read_text()
        for ours in self.ours(text):
            text = text.replace(ours, str(live / NAME / Path(ours).name))
        self.bench.site.write_text(text)
        return serial

    def ours(self, text):
        """The paths that the site names for certificate and key."""
        words = text.replace(";", " ").replace('"', " ").split()
        return [word for word in words if word.endswith((".pem", ".key"))]


@pytest.fixture
def watched(bench):
    bench.start(tls=True)
    (bench.folder / "old.key").chmod(0o600)
    return Watched(bench)


def install(bench):
    job = bench.install_job()
    outcome = bench.work(job)
    assert outcome.succeeded, outcome.reason
    return job["arguments"]["serial"]


def test_what_is_as_it_was_installed_is_no_finding_and_a_renewal_is_none_either(watched):
    install(watched.bench)
    assert watched.look() == {}
    install(watched.bench)
    assert watched.look() == {}
    assert watched.look(again=True) == {}


def test_certbot_that_took_the_site_is_named_with_its_renewal_configuration(watched):
    serial = install(watched.bench)
    assert watched.look() == {}
    theirs = watched.certbot()
    assert watched.watch.changed()
    found = watched.look(again=True)["replaced"]
    lineage = watched.root / "etc" / "letsencrypt"
    assert (found["by"], found["evidence"]) == ("certbot", str(lineage / "renewal" / f"{NAME}.conf"))
    assert found["path"] == str(lineage / "live" / NAME / "fullchain.pem")
    assert (found["serial"], found["served"]) == (serial, True)  # until the server takes up its files
    watched.reload(theirs)
    assert watched.look()["replaced"] == {**found, "served": False}
    assert watched.look() == watched.look(again=True)
    install(watched.bench)
    assert watched.look() == {}


def test_two_tools_that_take_turns_are_a_tug_of_war_until_it_is_long_over(watched):
    for _ in range(2):
        install(watched.bench)
        assert "replaced" not in watched.look()
        watched.clock.forward(days=2)
        watched.reload(watched.certbot())
        found = watched.look()
    assert set(found) == {"replaced", "tug_of_war"}
    assert found["tug_of_war"]["by"] == "certbot"
    install(watched.bench)
    assert set(watched.look()) == {"tug_of_war"}
    watched.clock.forward(days=29)
    assert watched.look() == {}


def test_an_undone_installation_is_replaced_by_nobody(watched):
    install(watched.bench)
    assert watched.look() == {}
    assert watched.bench.worker().installer.roll_back(watched.bench.kind, NAME, Steps()).succeeded
    assert watched.look() == {}


def test_a_key_that_others_can_read_is_found_and_its_cure_ends_it(watched):
    _, key = watched.ours(watched.bench.site.read_text())
    assert watched.look() == {}
    Path(key).chmod(0o644)
    assert watched.watch.changed()
    found = watched.look(again=True)["key_readable"]
    assert (found["path"], found["mode"]) == (key, "0644")
    Path(key).chmod(0o640)
    assert watched.look(again=True) == {}
    Path(key).chmod(0o602)
    assert watched.look()["key_readable"]["mode"] == "0602"


def test_a_folder_that_others_cannot_enter_keeps_the_key(watched):
    fullchain, key, _ = watched.theirs()
    key.chmod(0o644)
    key.parent.chmod(0o700)
    text = watched.bench.site.read_text()
    for old, new in zip(watched.ours(text), (fullchain, key), strict=True):
        text = text.replace(old, str(new))
    watched.bench.site.write_text(text)
    assert watched.look() == {}
    key.parent.chmod(0o755)
    assert set(watched.look()) == {"key_readable"}


def test_a_server_that_was_not_reloaded_serves_what_its_file_held_before(watched):
    fullchain, key = map(Path, watched.ours(watched.bench.site.read_text()))
    assert watched.look() == {}
    newer, its_key, serial = watched.theirs()
    shutil.copyfile(newer, fullchain)
    shutil.copyfile(its_key, key)
    assert watched.look(again=True) == {}  # a reload may follow at once
    watched.clock.forward(seconds=30)
    found = watched.look(again=True)["serves_other_than_file"]
    assert (found["path"], found["evidence"]) == (str(fullchain), f"127.0.0.1:{watched.bench.tls_port}")
    watched.reload(serial)
    assert watched.look() == {}


def test_a_key_of_another_certificate_is_found_by_its_public_half(watched):
    _, key = watched.ours(watched.bench.site.read_text())
    assert watched.look() == {}
    newer, its_key, _ = watched.theirs()
    shutil.copyfile(its_key, key)
    found = watched.look(again=True)["mismatch_key"]
    assert (found["path"], found["spki_sha256"]) == (key, first_in_file(newer)[0].spki_sha256)


def test_a_cron_job_that_names_the_file_is_shown_where_the_tool_is_not_known(watched):
    install(watched.bench)
    fullchain, key, _ = watched.theirs()
    text = watched.bench.site.read_text()
    for old, new in zip(watched.ours(text), (fullchain, key), strict=True):
        text = text.replace(old, str(new))
    watched.bench.site.write_text(text)
    found = watched.look()["replaced"]
    assert (found["by"], found["evidence"]) == ("unknown", "")
    (watched.bench.home / "state" / "watched.json").unlink()  # it is learned again
    job = watched.root / "etc" / "cron.d" / "certificates"
    job.parent.mkdir()
    job.write_text(f"0 3 * * * root /usr/local/bin/fetch {fullchain}\n")
    found = watched.look()["replaced"]
    assert (found["by"], found["evidence"]) == ("unknown", str(job))


def test_nothing_is_judged_in_the_middle_of_an_installation(watched):
    install(watched.bench)
    assert watched.look() == {}
    watched.certbot()
    entry = watched.bench.home / "state" / "journal" / "under-way.json"
    entry.write_text("{}")
    assert watched.look() == {}
    entry.unlink()
    assert set(watched.look()) == {"replaced"}


def test_the_agent_tells_of_a_changed_file_with_its_next_poll(watched):
    class Gateway(AgentGateway):
        def send(self, method, path, body, **_):
            return self.answer(method, f"/api/agent/v1{path}", "T" * 40, body)[1] or {}

    gateway = Gateway()
    worker = watched.bench.worker()
    worker.watch = Watch(worker.watch._state, traces=Traces(watched.root))
    agent = Agent(gateway, worker, lambda _: None)

    def told():
        reports = [body["sites"] for _, path, _, body in gateway.requests if path.endswith("/sites")]
        return [[one["kind"] for site in sites for one in site["findings"]] for sites in reports]

    _, key = watched.ours(watched.bench.site.read_text())
    agent.once()
    agent.once()
    assert told() == [[]]  # told once
    Path(key).chmod(0o644)
    agent.once()
    agent.once()
    assert told() == [[], ["key_readable"]]


def test_acme_sh_that_writes_into_the_same_file_is_named():
    bench = FilesBench()
    try:
        watched = Watched(bench)
        assert bench.work(bench.install_job()).succeeded
        (site,) = [one for one in bench.sites().values() if NAME in one.names]
        path, key = site.blocks[0].certificate_file, site.blocks[0].key_file
        assert watched.look() == {}
        conf = watched.root / "root" / ".acme.sh" / NAME / f"{NAME}.conf"
        conf.parent.mkdir(parents=True)
        conf.write_text(f"Le_Domain='{NAME}'\nLe_RealKeyPath='{key}'\nLe_RealFullChainPath='{path}'\n")
        fullchain, its_key, _ = watched.theirs()
        shutil.copyfile(fullchain, path)
        shutil.copyfile(its_key, key)
        found = watched.look()["replaced"]
        assert (found["by"], found["evidence"], found["path"]) == ("acme.sh", str(conf), path)
    finally:
        bench.close()


def test_a_listener_that_somebody_else_holds_is_replaced_on_the_wire(watched):
    install(watched.bench)
    assert watched.look() == {}
    watched.bench.server.stop()
    fullchain, key, _ = watched.theirs()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(fullchain, key)
    with socket.create_server(("127.0.0.1", watched.bench.tls_port)) as plain:
        served = context.wrap_socket(plain, server_side=True)

        def serve():
            while True:
                try:
                    served.accept()[0].close()
                except ssl.SSLError:
                    continue
                except OSError:
                    return

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        handshake("127.0.0.1", watched.bench.tls_port, NAME)
        assert watched.look() == {}
        watched.clock.forward(seconds=30)
        found = watched.look()["replaced"]
        assert (found["by"], found["evidence"], found["served"]) == (
            "unknown",
            f"127.0.0.1:{watched.bench.tls_port}",
            False,
        )
        served.shutdown(socket.SHUT_RDWR)
        served.close()
        thread.join()
