# SPDX-License-Identifier: Apache-2.0
"""The installer's whole story on SQLite and PostgreSQL, with tables made by its migrations."""

import itertools
import json
import shutil
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa

from services.installer.model import server as model
from services.installer.projections import projections
from shared.contracts import installer
from shared.errors import ServiceError
from shared.eventstore.database import Database
from shared.eventstore.migrations import differences, folder_of, upgrade
from shared.eventstore.rebuild import check
from shared.eventstore.verify import verify
from shared.settings import Settings
from tests.support import postgres
from tests.support.installer_room import InstallerRoom
from tests.unit.installer.test_installer_lists import *  # noqa: F403 - its tests run here with the fixture below
from tests.unit.installer.test_installer_plans import *  # noqa: F403 - and these

CSR = "-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n"
_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with postgres.running(tmp_path_factory.mktemp("postgres")) as made:
        yield made


@pytest.fixture(params=["sqlite", "postgresql"])
def room(request, tmp_path):
    if request.param == "sqlite":
        settings = Settings(data_dir=tmp_path)
    else:
        url = request.getfixturevalue("server").create_database(f"installer_{next(_numbers)}")
        settings = Settings(database_url=url, data_dir=tmp_path)
    database = Database.open("installer", settings)
    upgrade(database, projections)
    assert differences(database, projections) == []
    database.close()
    with InstallerRoom.on(settings) as made:
        yield made


def test_the_whole_story(room):
    agent, server_id = room.enrolled()
    room.report(agent.agent_id, room.site(), room.site("b.example.test", names=["*.c.test"]))
    assert [site.name for site in room.list_sites(name="x.c.test").items] == ["b.example.test"]
    page = room.list_sites(limit=1)
    assert len(room.list_sites(limit=1, cursor=page.next_cursor).items) == 1
    jobs = [room.csr_requested(server_id, request_id=f"r{number}") for number in range(3)]
    for _ in range(3):
        room.clock.forward(seconds=1)
        for job in room.claim(agent.agent_id, limit=1):
            room.step(agent.agent_id, job.job_id, "make_csr")
            room.finish_job(agent.agent_id, job.job_id, result={"csr_pem": CSR})
    assert {room.get_job(job).status for job in jobs} == {"succeeded"}
    first = room.list_jobs(limit=2)
    assert len(first.items) + len(room.list_jobs(limit=2, cursor=first.next_cursor).items) == 3
    with pytest.raises(ServiceError):
        room.register("web")
    room.expire()
    room.remove(agent.agent_id)
    assert check(room.room).equal
    assert not verify(room.room.database).faults


def test_the_story_of_servers(room):
    agent, host = room.enrolled()
    assert room.report_servers(agent.agent_id, room.told(1), room.told(2, state="outdated")) == []
    first, second = (model.server_id(agent.agent_id, room.told(number).ref) for number in (1, 2))
    room.report(agent.agent_id, room.site(), server=room.told(1).ref)
    assert room.rename_server(first, "Shop").sites == 1
    with pytest.raises(ServiceError):
        room.rename_server(second, "SHOP")
    page = room.list_servers(limit=2)
    assert {one.server_id for one in [*page.items, *room.list_servers(limit=2, cursor=page.next_cursor).items]} == {
        host, first, second,
    }  # fmt: skip
    assert [site.server_name for site in room.list_sites(search="shop").items] == ["Shop"]
    there = room.csr_requested(first)
    assert [job.server for job in room.claim(agent.agent_id)] == [room.told(1).ref]
    assert room.claim(agent.agent_id, held=[there]) == []
    room.remove_server(second)
    assert room.report_servers(agent.agent_id, room.told(1), room.told(2)) == [room.told(2).ref]
    room.report_servers(agent.agent_id)
    assert [one.server_id for one in room.list_servers().items] == [host]
    assert check(room.room).equal
    assert not verify(room.room.database).faults


def test_one_of_two_who_want_a_name_at_the_same_moment_gets_it(room):
    def register(_):
        try:
            return room.register("web")
        except ServiceError as refused:
            return str(refused.code)

    with ThreadPoolExecutor(4) as pool:
        got = list(pool.map(register, range(4)))
    assert (
        sorted("agent" if isinstance(one, installer.AgentView) else one for one in got) == ["agent"] + ["conflict"] * 3
    )


def test_an_outcome_told_by_many_at_once_ends_the_job_once(room):
    agent, server_id = room.enrolled()
    job_id = room.csr_requested(server_id)
    room.claim(agent.agent_id)
    with ThreadPoolExecutor(4) as pool:
        tell = [pool.submit(room.finish_job, agent.agent_id, job_id, result={"csr_pem": CSR}) for _ in range(4)]
        assert {done.result().id for done in tell} == {job_id}
    assert room.types(f"job-{job_id}").count("CSRGenerated") == 1


def test_what_stood_before_the_second_revision_gets_its_new_columns(tmp_path):
    first = tmp_path / "first"
    first.mkdir()
    shutil.copy(folder_of("installer") / "rev_0001_first_tables.py", first)
    database = Database.open("installer", Settings(data_dir=tmp_path))
    upgrade(database, projections, first)
    with database.write() as connection:
        facts = json.dumps({"version": "1", "os": "Debian", "hostname": "web1"})
        connection.execute(sa.text("INSERT INTO contacts VALUES ('a', 'now', '', :facts)"), {"facts": facts})
        view = json.dumps({"job_id": "j", "kind": "make_csr"})
        job = "INSERT INTO agent_jobs VALUES ('j', 'account-1', 'a', 's', '', 'waiting', 'now', :view)"
        connection.execute(sa.text(job), {"view": view})
    upgrade(database, projections)
    with database.read() as connection:
        assert connection.execute(sa.text("SELECT hostname FROM contacts")).scalar() == "web1"
        assert connection.execute(sa.text("SELECT kind FROM agent_jobs")).scalar() == "make_csr"
    database.close()


def test_hosts_and_their_names_from_before_the_third_revision_become_servers(tmp_path):
    """What the revision makes of the old columns is what folding the same events makes."""
    old = tmp_path / "old"
    old.mkdir()
    for name in ("rev_0001_first_tables.py", "rev_0002_server_names.py"):
        shutil.copy(folder_of("installer") / name, old)
    with InstallerRoom.on_sqlite(tmp_path / "events") as today:
        named, server_id = today.enrolled("named", "a" * 40)
        today.rename_server(server_id, "Shop")
        gone, _ = today.enrolled("gone", "b" * 40)
        today.remove(gone.agent_id)
        today.register("never came")
        with today.room.database.read() as connection:
            agents = connection.execute(sa.text("SELECT * FROM agents")).mappings().all()
            servers = connection.execute(sa.text("SELECT * FROM servers")).mappings().all()
    database = Database.open("installer", Settings(data_dir=tmp_path))
    upgrade(database, projections, old)
    with database.write() as connection:
        for row in agents:
            names = ("Shop", "shop") if row["agent_id"] == named.agent_id else ("", None)
            values = {**row, "server_name": names[0], "taken_server_name": names[1]}
            columns = ", ".join(values)
            connection.execute(
                sa.text(f"INSERT INTO agents ({columns}) VALUES ({', '.join(f':{name}' for name in values)})"), values
            )
    upgrade(database, projections)
    assert differences(database, projections) == []
    with database.read() as connection:
        assert connection.execute(sa.text("SELECT * FROM servers")).mappings().all() == servers
        assert connection.execute(sa.text("SELECT * FROM agents")).mappings().all() == agents
    assert [(row["given_name"], row["taken_name"]) for row in servers] == [("Shop", "shop")]
    database.close()


def test_sites_and_installations_from_before_the_fifth_revision_are_watched(tmp_path):
    """What the revision makes of views and events is what folding the same events makes."""
    held = installer.ServedCertificate(
        serial="A1", fingerprint_sha256="f" * 64, subject="", issuer="", names=[], not_before="",
        not_after="2027-01-01T00:00:00Z", spki_sha256="A" * 64,
    )  # fmt: skip
    tables = ("sites", "site_keys", "brought")
    with InstallerRoom.on_sqlite(tmp_path / "events") as today:
        agent, server_id = today.enrolled()
        binding = installer.Binding(address="*", port=443, tls=True, names=[], certificate=held)
        today.report(agent.agent_id, today.site(bindings=[binding]), today.site("plain.test", names=["plain.test"]))
        [site] = today.list_sites(name="www.example.test").items
        job_id = today.installation_requested(server_id, site.site_id)
        today.claim(agent.agent_id)
        today.finish_job(agent.agent_id, job_id, result={"served_serial": "ABC", "site": site.name})
        with today.room.database.read() as connection:
            wanted = {one: connection.execute(sa.text(f"SELECT * FROM {one}")).mappings().all() for one in tables}
            events = connection.execute(sa.text("SELECT * FROM events")).mappings().all()
    assert all(wanted.values())
    old = tmp_path / "old"
    old.mkdir()
    for path in folder_of("installer").glob("rev_*.py"):
        if path.name < "rev_0005":
            shutil.copy(path, old)
    database = Database.open("installer", Settings(data_dir=tmp_path))
    upgrade(database, projections, old)
    with database.write() as connection:
        before = [{name: value for name, value in row.items() if name != "ends_at"} for row in wanted["sites"]]
        for table, rows in (("events", events), ("sites", before)):
            for row in rows:
                columns = ", ".join(row)
                values = ", ".join(f":{name}" for name in row)
                connection.execute(sa.text(f"INSERT INTO {table} ({columns}) VALUES ({values})"), dict(row))
    upgrade(database, projections)
    assert differences(database, projections) == []
    with database.read() as connection:
        for table in tables:
            found = connection.execute(sa.text(f"SELECT * FROM {table} ORDER BY site_id")).mappings().all()
            assert found == sorted(wanted[table], key=lambda row: row["site_id"])
    database.close()


def test_of_those_who_use_a_code_at_once_one_wins(room):
    def outcome(call, *arguments):
        try:
            return call(*arguments)
        except ServiceError as refused:
            return refused.code.value

    for number in range(3):
        agent, code = room.register(f"agent {number}"), f"C0DE0-{number:05}-00000-00000"
        room.introduce(agent.uid, code)
        with ThreadPoolExecutor(6) as pool:
            typed = list(pool.map(lambda _, a=agent, c=code: outcome(room.verify, a.agent_id, c), range(6)))
            tokens = [f"{number}{each}" * 20 for each in range(6)]
            fetched = list(pool.map(lambda token, a=agent, c=code: outcome(room.finish, a.uid, c, token), tokens))
        assert len([each for each in typed if not isinstance(each, str)]) == 1, typed
        assert {each for each in typed if isinstance(each, str)} <= {"action_not_allowed", "conflict"}
        assert any(getattr(each, "token", "") for each in fetched)
        holders = [outcome(room.authenticate, token) for token in tokens]
        assert len([each for each in holders if not isinstance(each, str)]) == 1, holders
