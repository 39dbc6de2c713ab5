# SPDX-License-Identifier: Apache-2.0
"""Validation files that the service places by itself: on each host that serves the name, and gone afterwards."""

import pytest

from services.installer.model import job as jobs
from shared.contracts import dcv, installer, orders
from shared.eventstore.rebuild import check

NAME = "www.example.test"


def path(number):
    return f"/.well-known/pki-validation/{number:032X}.txt"


def asked(room, placement=1, *, server_id="", fqdn=NAME, **changes):
    fields = {"authorization_id": f"of {fqdn}", "account_id": room.account, "order_id": "order-1", **changes}
    file = {"placement_id": f"p{placement}", "path": path(placement), "content": "x"}
    room.tell(dcv.DCVFileRequested(server_id=server_id, fqdn=fqdn, **fields, **file))


def proved(room, fqdn=NAME, *, reused=False):
    fields = {"csr_version": 1, "method": "http_csr_hash", "rules_version": "r", "expires_at": "2027-01-01T00:00:00Z"}
    whose = {"authorization_id": f"of {fqdn}", "account_id": room.account, "order_id": "order-1"}
    room.clock.forward(seconds=1)
    room.tell(dcv.DCVPassed(**whose, fqdn=fqdn, reused=reused, **fields))


def waiting(room, agent):
    return [(job.kind, job.arguments["path"]) for job in room.claim(agent.agent_id)]


def done(room, agent):
    for job in room.claim(agent.agent_id):
        room.finish_job(agent.agent_id, job.job_id, result={"path": "/srv/www/x"})


@pytest.fixture
def served(room):
    agent, server_id = room.enrolled()
    room.report(agent.agent_id, room.site(NAME), room.site("other.test"))
    return agent, server_id


def test_every_host_that_serves_the_name_gets_the_file_and_loses_it_once_it_is_proved(room):
    agents = [room.enrolled(name, token=name * 40)[0] for name in ("a", "b")]
    for agent in agents:
        room.report(agent.agent_id, room.site(NAME))
    asked(room)
    for agent in agents:
        assert waiting(room, agent) == [("place_dcv_file", path(1))]
        done(room, agent)
    [placed, *_] = [one for one in room.list_jobs().items if one.kind == "place_dcv_file"]
    assert room.last(placed.job_id) == installer.DCVFilePlaced(
        order_id="order-1", account_id=room.account, authorization_id=f"of {NAME}", placement_id="p1", fqdn=NAME,
        written_path="/srv/www/x",
    )  # fmt: skip
    for _ in range(2):  # heard twice, done once
        proved(room)
    for agent in agents:
        [away] = room.claim(agent.agent_id)
        assert (away.kind, away.arguments) == ("remove_dcv_file", {"fqdn": NAME, "path": path(1)})
        done(room, agent)
        assert waiting(room, agent) == []
    assert check(room.room).differences == []


def test_nobody_who_serves_it_is_said_at_once(room):
    agent, _ = room.enrolled()
    room.report(agent.agent_id, room.site("other.test"), room.site(NAME, document_root=""))
    asked(room)
    assert room.claim(agent.agent_id) == []
    told = room.last(jobs.job_id("place_dcv_file", "p1"))
    assert isinstance(told, installer.DCVFileFailed)
    assert (told.placement_id, told.code) == ("p1", "no_web_root")
    assert "Place the file yourself" in told.reason


def test_sites_of_another_account_are_left_alone(room, served):
    agent, _ = served
    asked(room, account_id="account-2")
    assert waiting(room, agent) == []


def test_a_file_that_a_person_asked_for_stays(room, served):
    agent, server_id = served
    asked(room, server_id=server_id)
    [job] = room.claim(agent.agent_id)
    assert "temporary" not in job.arguments
    done(room, agent)
    proved(room)
    assert waiting(room, agent) == []


def test_only_the_files_of_the_name_that_was_proved_go(room, served):
    agent, _ = served
    asked(room, 1)
    asked(room, 2, fqdn="other.test")
    done(room, agent)
    proved(room)
    assert waiting(room, agent) == [("remove_dcv_file", path(1))]


def test_the_file_of_another_csr_takes_the_place_of_the_older_one(room, served):
    agent, _ = served
    asked(room, 1)
    done(room, agent)
    room.clock.forward(seconds=1)
    asked(room, 2)
    assert sorted(waiting(room, agent)) == [("place_dcv_file", path(2)), ("remove_dcv_file", path(1))]


@pytest.mark.parametrize("held", [True, False])
def test_what_is_not_placed_yet_goes_after_it_was(room, served, held):
    agent, _ = served
    asked(room)
    if held:
        room.claim(agent.agent_id)
    proved(room)
    assert waiting(room, agent) == [("place_dcv_file", path(1)), ("remove_dcv_file", path(1))]


def test_what_could_not_be_placed_needs_not_go(room, served):
    agent, _ = served
    asked(room)
    [job] = room.claim(agent.agent_id)
    room.finish_job(agent.agent_id, job.job_id, succeeded=False, reason="disk full")
    proved(room)
    assert waiting(room, agent) == []


@pytest.mark.parametrize("ended", ["cancelled", "expired"])
def test_an_order_that_is_over_leaves_no_file(room, served, ended):
    agent, _ = served
    asked(room)
    done(room, agent)
    room.clock.forward(seconds=1)
    if ended == "cancelled":
        room.tell(orders.OrderCancelled(order_id="order-1", account_id=room.account, refund=0, currency="USD"))
    else:
        room.tell(orders.OrderExpired(order_id="order-1"))
    assert waiting(room, agent) == [("remove_dcv_file", path(1))]
