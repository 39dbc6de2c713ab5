# SPDX-License-Identifier: Apache-2.0
"""Files for another CA: on each host that serves the name from a folder, and gone when the CA has answered."""

import pytest

from services.installer.model import job as jobs
from shared.contracts import ca, installer
from shared.eventstore.rebuild import check

NAME = "www.example.test"
WHOSE = {"issuance_id": "issuance-1", "order_id": "order-1"}


def opened(room, *names, kind="http-01", **changes):
    challenges = [
        ca.UpstreamChallenge(
            fqdn=name, kind=kind, token=f"token-of-{name}", name=f"http://{name}/", value="v", url=f"https://ca/{name}"
        )
        for name in names
    ]
    fields = {**WHOSE, "account_id": room.account, "challenges": challenges, **changes}
    room.tell(ca.ChallengesOpened(**fields))


def refused(room, **changes):
    fields = {**WHOSE, "account_id": room.account, "csr_version": 1, "reason": "no", **changes}
    room.tell(ca.IssuanceRefused(**fields))


def waiting(room, agent):
    return [(job.kind, job.arguments["fqdn"]) for job in room.claim(agent.agent_id)]


@pytest.fixture
def served(room):
    agent, server_id = room.enrolled()
    room.report(agent.agent_id, room.site(NAME), room.site("*.wild.test"), room.site("bare.test", document_root=""))
    return agent, server_id


def test_one_job_for_each_name_that_a_site_serves_from_a_folder(room, served):
    agent, server_id = served
    opened(room, NAME, "a.wild.test", "bare.test", "elsewhere.test")
    [first, second] = sorted(room.claim(agent.agent_id), key=lambda job: job.arguments["fqdn"], reverse=True)
    assert (first.kind, first.arguments) == (
        "place_acme_file",
        {"issuance_id": "issuance-1", "fqdn": NAME, "token": f"token-of-{NAME}", "content": "v"},
    )
    assert second.arguments["fqdn"] == "a.wild.test"
    room.finish_job(agent.agent_id, first.job_id, result={"path": "/srv/www/x", "seen": "127.0.0.1:80"})
    assert room.last(first.job_id) == installer.ACMEFilePlaced(
        **WHOSE, account_id=room.account, server_id=server_id, fqdn=NAME, written_path="/srv/www/x",
        seen="127.0.0.1:80",
    )  # fmt: skip
    room.finish_job(agent.agent_id, second.job_id, succeeded=False, reason="a wall", code="file_not_served")
    assert room.last(second.job_id) == installer.ACMEFileFailed(
        **WHOSE,
        account_id=room.account,
        server_id=server_id,
        fqdn="a.wild.test",
        reason="a wall",
        code="file_not_served",
    )
    assert check(room.room).differences == []


def test_every_host_that_serves_the_name_gets_the_file(room):
    agents = [room.enrolled(name, token=name * 40)[0] for name in ("a", "b")]
    for agent in agents:
        room.report(agent.agent_id, room.site(NAME))
    opened(room, NAME)
    assert [waiting(room, agent) for agent in agents] == [[("place_acme_file", NAME)]] * 2


def test_records_of_the_dns_and_sites_of_others_are_left_alone(room, served):
    agent, _ = served
    opened(room, NAME, kind="dns-01")
    opened(room, NAME, account_id="account-2")
    assert waiting(room, agent) == []


def test_what_was_placed_is_taken_away_once(room, served):
    agent, _ = served
    opened(room, NAME)
    [job] = room.claim(agent.agent_id)
    room.finish_job(agent.agent_id, job.job_id, result={"path": "/srv/www/x", "seen": ""})
    refused(room, issuance_id="issuance-2")  # another version of the same order
    assert waiting(room, agent) == []
    refused(room)
    refused(room)
    [away] = room.claim(agent.agent_id)
    assert (away.kind, away.arguments) == ("remove_acme_file", {"fqdn": NAME, "token": f"token-of-{NAME}"})
    room.finish_job(agent.agent_id, away.job_id, result={"path": "/srv/www/x"})
    assert waiting(room, agent) == []


def test_what_an_agent_holds_is_taken_away_after_it(room, served):
    agent, _ = served
    opened(room, NAME)
    room.claim(agent.agent_id)
    room.clock.forward(seconds=1)
    refused(room)
    assert [kind for kind, _ in waiting(room, agent)] == ["place_acme_file", "remove_acme_file"]


def test_what_was_not_begun_is_called_off(room, served):
    agent, _ = served
    opened(room, NAME)
    refused(room)
    assert waiting(room, agent) == []
    [job] = room.list_jobs().items
    assert (job.status, job.code) == ("failed", "too_late")
    assert room.types(jobs.stream(job.job_id))[-1] == "ACMEFileFailed"
