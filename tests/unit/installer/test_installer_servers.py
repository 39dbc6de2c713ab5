# SPDX-License-Identifier: Apache-2.0
"""Several servers of one agent: told, changed, removed, given work; and agents that know of no other server."""

from __future__ import annotations

import msgspec
import pytest

from services.installer.model import job as jobs
from services.installer.model import server as model
from shared.context import Context
from shared.contracts import installer
from shared.contracts.installer.readiness import REASONS, STATES, ask_whether_ready, require_ready
from shared.errors import Code, ServiceError, not_found
from shared.eventstore import rebuild
from tests.support.installer_room import FACTS


def refused(function, *arguments, **fields):
    with pytest.raises(ServiceError) as caught:
        function(*arguments, **fields)
    return caught.value


@pytest.fixture
def two(room):
    """An agent with its own host and one server: room, agent id, the host's id, the server's id."""
    agent, host = room.enrolled()
    assert room.report_servers(agent.agent_id, room.told(1)) == []
    return room, agent.agent_id, host, model.server_id(agent.agent_id, room.told(1).ref)


def test_what_an_agent_tells_is_an_event_only_when_it_changed(two):
    room, agent_id, host, server = two
    assert room.types(f"server-{server}") == ["ServerAdded", "ServerStateChanged"]
    room.report_servers(agent_id, room.told(1))
    room.report_servers(agent_id, room.told(1, detail="said in other words"))
    assert len(room.types(f"server-{server}")) == 2
    room.report_servers(agent_id, room.told(1, state="keys_missing", detail="Permission denied"))
    room.report_servers(agent_id, room.told(1, state="keys_missing", detail="Permission denied (publickey)"))
    assert room.types(f"server-{server}")[2:] == ["ServerStateChanged"]
    shown = room.get_server(server)
    assert (shown.state, shown.detail, shown.remote) == ("keys_missing", "Permission denied", True)
    assert "keys copy" in shown.cure
    assert [one.server_id for one in room.list_servers(agent_id=agent_id).items] in ([host, server], [server, host])
    assert rebuild.check(room.room).equal


def test_a_changed_host_key_shows_both_fingerprints(two):
    room, agent_id, _, server = two
    other = "SHA256:" + "B" * 43
    room.report_servers(agent_id, room.told(1, state="host_key_changed", host_key_seen=other))
    shown = room.get_server(server)
    assert (shown.state, shown.host_key, shown.host_key_seen) == ("host_key_changed", "SHA256:" + "A" * 43, other)
    room.report_servers(agent_id, room.told(1, state="host_key_changed", host_key_seen="SHA256:" + "C" * 43))
    assert room.get_server(server).host_key_seen.endswith("C" * 43)


def test_servers_of_a_silent_agent_are_not_connected_and_of_an_old_one_outdated(two):
    room, agent_id, _, server = two
    assert room.get_server(server).state == "connected"
    room.claim(agent_id, facts=msgspec.structs.replace(FACTS, version="0.3.0"))
    assert room.get_server(server).state == "outdated"
    assert "download it again" in room.get_server(server).cure
    room.clock.forward(minutes=5)
    assert room.get_server(server).state == "not_connected"
    assert "silent" in room.get_server(server).cure


def test_work_goes_to_the_server_that_it_is_for(two):
    room, agent_id, host, server = two
    there = room.csr_requested(server, "request-there")
    here = room.csr_requested(host, "request-here")
    work = {job.job_id: job.server for job in room.claim(agent_id)}
    assert work == {there: room.told(1).ref, here: ""}
    # What the agent still has in hand is not lost; what it does not name is handed out again.
    assert [job.job_id for job in room.claim(agent_id, held=[there])] == [here]
    assert {job.job_id for job in room.claim(agent_id)} == {here, there}
    assert refused(room.claim, agent_id, held=["x"] * 1001).pointer == "/held"
    room.finish_job(agent_id, there, result={"csr_pem": "-----BEGIN CERTIFICATE REQUEST-----", "spki_sha256": "0" * 64})
    assert room.last(there).server_id == server


def test_an_agent_has_only_so_many_jobs_of_one_server_in_hand(two):
    room, agent_id, host, server = two
    for number in range(12):
        room.csr_requested(server, f"request-{number}")
    held = []
    while handed := room.claim(agent_id, held=held):
        held += [job.job_id for job in handed]
    assert 10 <= len(held) < 12 + 4
    assert len(held) == len(set(held))
    last = room.csr_requested(host, "here")  # the agent's own host does not wait for them
    assert [job.job_id for job in room.claim(agent_id, held=held[:10])] == [last]
    assert len(room.claim(agent_id, held=held[:9], limit=1)) == 1


def test_an_agent_that_went_back_to_an_old_version_gets_no_work_of_servers(two):
    room, agent_id, host, server = two
    there, here = room.csr_requested(server, "there"), room.csr_requested(host, "here")
    old = msgspec.structs.replace(FACTS, version="0.3.0")
    assert [job.job_id for job in room.claim(agent_id, facts=old)] == [here]
    assert room.get_job(there).code == "server_outdated"


def test_sites_belong_to_the_server_that_serves_them(two):
    room, agent_id, host, server = two
    room.report(agent_id, room.site("www.example.test"))
    room.report(agent_id, room.site("www.example.test"), room.site("b.example.test"), server=room.told(1).ref)
    counts = {one.server_id: one.sites for one in room.list_servers().items}
    assert counts == {host: 1, server: 2}
    assert len({site.site_id for site in room.list_sites().items}) == 3
    assert {site.server_name for site in room.list_sites(server_id=server).items} == {"db1"}
    assert refused(room.report, agent_id, server="f" * 32).code is Code.NOT_FOUND
    # Another agent cannot speak of them, even if it knows the ref.
    other, _ = room.enrolled("other", "o" * 40)
    assert refused(room.report, other.agent_id, server=room.told(1).ref).code is Code.NOT_FOUND
    assert rebuild.check(room.room).equal


def test_a_server_that_the_agent_lets_go_is_gone_with_its_sites_and_work(two):
    room, agent_id, host, server = two
    room.report(agent_id, room.site(), server=room.told(1).ref)
    job = room.csr_requested(server)
    room.report_servers(agent_id)
    assert room.types(f"server-{server}")[-2:] == ["SitesReported", "ServerRemoved"]
    assert room.get_job(job).code == jobs.SERVER_GONE
    assert [one.server_id for one in room.list_servers().items] == [host]
    assert room.list_sites().items == []
    # Added again, perhaps from a backup of the agent, it is the same server.
    assert room.report_servers(agent_id, room.told(1)) == []
    assert room.get_server(server).name == "db1"
    assert rebuild.check(room.room).equal


def test_a_server_that_the_customer_removed_stays_away_and_its_agent_is_told(two):
    room, agent_id, host, server = two
    job = room.csr_requested(server)
    assert refused(room.remove_server, server, account="account-2").code is Code.NOT_FOUND
    assert refused(room.remove_server, host).code is Code.ACTION_NOT_ALLOWED
    room.remove_server(server)
    assert room.get_job(job).status == "failed"
    assert refused(room.remove_server, server).code is Code.NOT_FOUND
    assert room.report_servers(agent_id, room.told(1), room.told(2)) == [room.told(1).ref]
    assert {one.name for one in room.list_servers().items} == {"web1", "db2"}
    assert rebuild.check(room.room).equal


def test_removing_an_agent_removes_its_servers(two):
    room, agent_id, _, server = two
    room.report(agent_id, room.site(), server=room.told(1).ref)
    room.remove(agent_id)
    assert room.types(f"server-{server}")[-1] == "ServerRemoved"
    assert (room.list_servers().items, room.list_sites().items) == ([], [])
    assert rebuild.check(room.room).equal


def test_servers_are_renamed_and_their_names_are_theirs_alone(two):
    room, agent_id, host, server = two
    assert room.rename_server(server, "Shop").name == "Shop"
    assert refused(room.rename_server, host, "sHOP").pointer == "/name"
    assert refused(room.rename_server, server, "web1").pointer == "/name"
    assert room.rename_server(server, "").name == "db1"
    room.report_servers(agent_id, room.told(1, state="not_connected"))
    assert room.get_server(server).name == "db1"
    assert refused(room.get_server, server, account="account-2").code is Code.NOT_FOUND
    assert rebuild.check(room.room).equal


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"ref": "../x"}, "/servers/0/ref"),
        ({"ref": "A" * 32}, "/servers/0/ref"),
        ({"state": "fine"}, "/servers/0/state"),
        ({"port": 0}, "/servers/0/port"),
        ({"host_key": "MD5:aa"}, "/servers/0/host_key"),
        ({"name": "a\nb"}, "/servers/0/name"),
        ({"address": "\x1b[2J"}, "/servers/0/name"),
    ],
)
def test_nonsense_of_an_agent_is_refused(two, changes, where):
    room, agent_id, _, _ = two
    assert refused(room.report_servers, agent_id, room.told(1, **changes)).pointer == where


def test_an_agent_has_so_many_servers_and_names_each_once(two):
    room, agent_id, _, _ = two
    assert refused(room.report_servers, agent_id, room.told(1), room.told(1)).pointer == "/servers"
    many = [room.told(number) for number in range(1, model.MOST_SERVERS + 2)]
    assert refused(room.report_servers, agent_id, *many).pointer == "/servers"
    assert room.report_servers(agent_id, *many[:-1]) == []
    assert room.list_servers(limit=200).total == model.MOST_SERVERS + 1


@pytest.mark.parametrize("state", STATES[1:])
def test_what_is_wanted_of_a_server_that_is_not_ready_is_refused_with_its_state(two, state):
    room, agent_id, _, server = two
    room.report(agent_id, room.site(), server=room.told(1).ref)
    (site,) = room.list_sites().items
    assert room.check(server, site.site_id, "0ABC").server_id == server
    room.report_servers(agent_id, room.told(1, state=state))
    problem = refused(room.check, server, site.site_id, "0ABC")
    assert (problem.code, problem.pointer) == (Code.CONFLICT, "/server_id")
    assert problem.extra == {"reason": f"server_{state}"}
    assert problem.extra["reason"] in REASONS
    assert room.get_server(server).cure in problem.detail


def test_rooms_ask_as_somebody_who_may_look_and_wait_while_nobody_answers(two):
    room, agent_id, _, server = two
    context = Context(actor="user:u", account_id=room.account, permissions=frozenset({"create_order"}), command_id="c")
    asked = []

    def send(request, asking):
        asked.append(asking)
        return room.get_server(request.server_id)

    ask_whether_ready(send, server, context)
    assert ("view" in asked[0].permissions, asked[0].command_id, asked[0].account_id) == (True, None, room.account)
    ask_whether_ready(send, "", context)
    ask_whether_ready(send, None, context)
    assert len(asked) == 1
    room.report_servers(agent_id, room.told(1, state="outdated"))
    assert refused(ask_whether_ready, send, server, context).extra == {"reason": "server_outdated"}
    require_ready(msgspec.structs.replace(room.get_server(server), state="connected"))

    def nobody(_request, _context):
        raise ServiceError(Code.UNAVAILABLE, "not there")

    ask_whether_ready(nobody, server, context)

    def unknown(_request, _context):
        raise not_found("server")

    assert refused(ask_whether_ready, unknown, server, context).pointer == "/server_id"


def test_a_server_report_of_an_agent_without_servers_changes_nothing(room):
    agent, host = room.enrolled()
    assert room.report_servers(agent.agent_id) == []
    assert room.types(f"server-{host}") == []
    assert isinstance(room.get_server(host), installer.ServerView)
    assert room.get_server(host).remote is False
