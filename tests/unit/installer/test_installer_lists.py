# SPDX-License-Identifier: Apache-2.0
"""What the console lists: servers with names of their own, sites in two orders, jobs by kind, addresses of agents."""

from __future__ import annotations

import pytest

from shared.contracts import installer
from shared.errors import Code, ServiceError
from shared.eventstore import rebuild
from tests.support.installer_room import FACTS


def server(room, server_id):
    return next(one for one in room.list_servers().items if one.server_id == server_id)


def refused(function, *arguments, **fields):
    with pytest.raises(ServiceError) as caught:
        function(*arguments, **fields)
    return caught.value


def test_a_server_has_a_name_of_its_own_until_it_is_taken_back(room):
    _, server_id = room.enrolled()
    assert (server(room, server_id).name, server(room, server_id).host_name) == ("web1", "web1")
    assert room.rename_server(server_id, "  Shop  front ").name == "Shop front"
    assert server(room, server_id).host_name == "web1"
    assert server(room, server_id).agent_name == "web"
    room.rename_server(server_id, "Shop front")
    assert room.rename_server(server_id, "").name == "web1"
    agent_id = server(room, server_id).agent_id
    assert room.types(f"agent-{agent_id}").count("ServerRenamed") == 2
    assert rebuild.check(room.room).equal


def test_a_name_is_one_servers_only(room):
    first, one = room.enrolled("a", "a" * 40)
    _, other = room.enrolled("b", "b" * 40)
    room.rename_server(one, "Shop")
    problem = refused(room.rename_server, other, "sHOP")
    assert (problem.code, problem.pointer) == (Code.CONFLICT, "/name")
    assert refused(room.rename_server, one, "WEB1").pointer == "/name"  # what the other one is called by its host
    assert refused(room.rename_server, other, "x" * 101).pointer == "/name"
    assert refused(room.rename_server, other, "Shop 2", account="account-2").code is Code.NOT_FOUND
    room.remove(first.agent_id)
    assert room.rename_server(other, "Shop").name == "Shop"
    assert rebuild.check(room.room).equal


def test_a_server_counts_its_sites_and_says_when_it_was_heard(room):
    agent, server_id = room.enrolled()
    room.report(agent.agent_id, room.site(), room.site("b.example.test"))
    shown = server(room, server_id)
    assert shown.sites == 2
    assert shown.last_seen_at == "2026-11-23T12:00:00.000000Z"
    assert room.list_servers().total == room.list_agents().total == 1


def test_an_agents_address_is_known_from_its_first_word(room):
    agent = room.register()
    assert room.get(agent.agent_id).address == ""
    room.introduce(agent.uid, "7G2KM-QX0ZP")
    assert room.get(agent.agent_id).address == "192.0.2.7"
    assert room.verify(agent.agent_id, "7g2km qx0zp").address == "192.0.2.7"
    room.finish(agent.uid, "7G2KM-QX0ZP")
    room.claim(agent.agent_id, remote_address="192.0.2.9")
    assert room.get(agent.agent_id).address == "192.0.2.9"
    room.claim(agent.agent_id)
    assert room.list_agents().items[0].address == "192.0.2.9"
    assert room.list_servers().items[0].address == "192.0.2.9"


@pytest.fixture
def three_sites(room):
    agent, first = room.enrolled("a", "a" * 40)
    other, second = room.enrolled("b", "b" * 40)
    room.rename_server(first, "Zeppelin")
    room.rename_server(second, "Adler")
    room.report(agent.agent_id, room.site("a.example.test"), room.site("c.example.test", names=["*.c.test"]))
    room.report(other.agent_id, room.site("b.example.test"))
    return room


def sites(room, **asked):
    return [(site.name[0], site.server_name) for site in room.list_sites(**asked).items]


def test_sites_are_listed_by_name_or_by_server(three_sites):
    by_name = [("a", "Zeppelin"), ("b", "Adler"), ("c", "Zeppelin")]
    by_server = [("b", "Adler"), ("a", "Zeppelin"), ("c", "Zeppelin")]
    assert sites(three_sites) == by_name
    assert sites(three_sites, sort="-name") == by_name[::-1]
    assert sites(three_sites, sort="server") == by_server
    assert sites(three_sites, sort="-server") == by_server[::-1]
    page = three_sites.list_sites(sort="server", offset=1, limit=1)
    assert ([site.name for site in page.items], page.total, page.next_cursor) == (["a.example.test"], 3, None)
    cursor = three_sites.list_sites(limit=1).next_cursor
    assert sites(three_sites, limit=1, cursor=cursor) == by_name[1:2]
    assert refused(three_sites.list_sites, sort="server", cursor=cursor).pointer == "/cursor"
    assert refused(three_sites.list_sites, sort="path").pointer == "/sort"


def test_sites_are_searched_by_name_fqdn_and_server(three_sites):
    assert sites(three_sites, search="B.example") == [("b", "Adler")]
    assert sites(three_sites, search="c.test") == [("c", "Zeppelin")]
    assert sites(three_sites, search="zepp") == [("a", "Zeppelin"), ("c", "Zeppelin")]
    assert sites(three_sites, search="100%") == []


def test_jobs_are_listed_by_kind_and_status(room):
    agent, server_id = room.enrolled()
    room.report(agent.agent_id, room.site())
    job = room.csr_requested(server_id)
    check = room.check(server_id, room.list_sites().items[0].site_id, "0ABC")
    assert [one.job_id for one in room.list_jobs(kind="check_installation").items] == [check.job_id]
    room.claim(agent.agent_id)
    room.finish_job(agent.agent_id, job, succeeded=False, reason="no")
    assert [one.job_id for one in room.list_jobs(status="failed").items] == [job]
    assert room.list_jobs(status="claimed", kind="make_csr").total == 0
    assert refused(room.list_jobs, kind="dance").pointer == "/kind"
    assert refused(room.list_jobs, status="dancing").pointer == "/status"


def test_a_step_says_whose_order_it_is_and_what_happened(room):
    agent, server_id = room.enrolled()
    job = room.csr_requested(server_id)
    room.claim(agent.agent_id)
    room.step(agent.agent_id, job, "reload")
    told = room.last(job)
    assert isinstance(told, installer.AgentStepReported)
    assert (told.order_id, told.step.detail) == ("order-1", "the web server took over the new configuration")
    assert room.get_job(job).steps[0].detail == told.step.detail
    assert FACTS.hostname not in told.step.detail
