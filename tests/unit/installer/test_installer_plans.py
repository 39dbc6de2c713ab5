# SPDX-License-Identifier: Apache-2.0
"""Plans of installations: asked for, told by the agent, kept for a while, and binding for what was approved by them."""

import msgspec
import pytest

from services.installer.model import job as jobs
from services.installer.model import plan as plans
from shared.contracts import installer
from shared.errors import ServiceError
from shared.eventstore.rebuild import check
from shared.eventstore.verify import verify
from tests.support.installer_room import FACTS
from tests.support.told_plan import DIFF, PATH, told

OLD = msgspec.structs.replace(FACTS, version="0.4.0")


@pytest.fixture
def placed(room):
    """An agent with one site."""
    agent, server_id = room.enrolled()
    room.claim(agent.agent_id)
    room.report(agent.agent_id, room.site())
    (site,) = room.list_sites().items
    return agent.agent_id, server_id, site.site_id


def planned(room, placed, **changes):
    agent_id, server_id, site_id = placed
    plan_id = room.plan(server_id, site_id).job_id
    (job,) = room.claim(agent_id)
    assert (job.job_id, job.kind) == (plan_id, "plan_installation")
    room.finish_job(agent_id, plan_id, result={"plan": told(**changes)})
    return plan_id


def test_a_plan_is_asked_for_told_and_shown(room, placed):
    agent_id, server_id, site_id = placed
    job = room.plan(server_id, site_id)
    assert (job.kind, job.subject, job.status) == ("plan_installation", "www.example.test", "waiting")
    waiting = room.get_plan(job.job_id)
    assert (waiting.status, waiting.order_id, waiting.files) == ("waiting", "order-1", [])
    (handed,) = room.claim(agent_id)
    assert handed.arguments["serial"] == "0ABC"
    assert handed.arguments["site_name"] == "www.example.test"
    room.finish_job(agent_id, job.job_id, result={"plan": told()})
    plan = room.get_plan(job.job_id)
    assert (plan.status, plan.plan_sha256, plan.site) == ("told", "5e" * 32, "www.example.test")
    assert plan.files[0].path == PATH
    assert plan.files[0].diff == DIFF
    assert plan.bindings == [installer.PlannedBinding(address="*", port=443, name="www.example.test")]


def test_the_log_has_the_hashes_and_never_the_text(room, placed):
    plan_id = planned(room, placed)
    result = room.get_job(plan_id).result
    assert result["plan_sha256"] == "5e" * 32
    assert result["changes"][0] == {"path": PATH, "old_sha256": "01" * 32, "new_sha256": "02" * 32}
    log = b"".join(msgspec.json.encode(each.data) for each in room.room.events(jobs.stream(plan_id)))
    assert b"ssl_certificate" not in log
    assert b"diff" not in log
    assert not verify(room.room.database).faults
    assert check(room.room).equal


def test_nobody_else_sees_a_plan(room, placed):
    plan_id = planned(room, placed)
    for call in (
        lambda: room.get_plan(plan_id, account="account-2"),
        lambda: room.plan(placed[1], placed[2], account="account-2"),
        lambda: room.get_plan("no-such-job"),
        lambda: room.get_plan(room.csr_requested(placed[1])),
    ):
        with pytest.raises(ServiceError) as refused:
            call()
        assert refused.value.code == "not_found"


def test_a_plan_that_cannot_be_made_says_why(room, placed):
    agent_id, server_id, site_id = placed
    plan_id = room.plan(server_id, site_id).job_id
    room.claim(agent_id)
    room.finish_job(agent_id, plan_id, succeeded=False, reason="nginx is not running", code="not_running")
    plan = room.get_plan(plan_id)
    assert (plan.status, plan.code, plan.reason) == ("failed", "not_running", "nginx is not running")


@pytest.mark.parametrize(
    "changes",
    [
        {"plan_sha256": "x"},
        {"parts": {"file": "short"}},
        {"files": "none"},
        {"files": [{"path": "/x", "what": "configuration", "mode": "0644", "old_sha256": "<script>"}]},
        {"files": [{"path": "/x", "what": "configuration", "mode": "0644", "diff": "x" * 100_001}]},
        {"files": [{"path": "/" + "x" * 5000, "what": "content", "mode": "0644"}]},
        {"files": [{"path": "/x", "what": "content", "mode": "0644"}] * 201},
        {"test": "x" * 5000},
        {"bindings": [{"address": "*", "port": "443"}]},
    ],
)
def test_what_is_no_plan_is_not_kept(room, placed, changes):
    plan_id = planned(room, placed, **changes)
    plan = room.get_plan(plan_id)
    assert (plan.status, plan.code, plan.plan_sha256) == ("failed", "agent_bad_answer", "")


def test_a_private_key_in_a_plan_is_refused_and_not_stored(room, placed):
    agent_id, server_id, site_id = placed
    plan_id = room.plan(server_id, site_id).job_id
    room.claim(agent_id)
    files = [{"path": "/x", "what": "configuration", "mode": "0644", "diff": "+-----BEGIN PRIVATE KEY-----\n"}]
    with pytest.raises(ServiceError, match="private key"):
        room.finish_job(agent_id, plan_id, result={"plan": told(files=files)})
    assert room.get_plan(plan_id).status == "waiting"


def test_an_installation_is_bound_to_the_plan_that_was_approved(room, placed):
    agent_id, server_id, site_id = placed
    plan_id = planned(room, placed)
    job_id = room.installation_requested(
        server_id, site_id, plan_id=plan_id, plan_sha256="5e" * 32, approved_by="user:u"
    )
    (job,) = room.claim(agent_id)
    assert job.arguments["plan_sha256"] == "5e" * 32
    assert job.arguments["plan_parts"] == told()["parts"]
    result = {"served_serial": "0ABC", "site": "www.example.test", "plan": told()}
    room.finish_job(agent_id, job_id, result=result)
    assert room.get_plan(job_id).files == room.get_plan(plan_id).files
    assert room.get_job(job_id).result["plan_sha256"] == "5e" * 32


def test_without_an_approval_the_job_is_as_it_was(room, placed):
    agent_id, server_id, site_id = placed
    room.installation_requested(server_id, site_id)
    (job,) = room.claim(agent_id)
    assert not {"plan_sha256", "plan_parts"} & set(job.arguments)


@pytest.mark.parametrize("plan", ["another hash", "another account's", "none"])
def test_a_hash_without_its_plan_binds_all_the_same(room, placed, plan):
    agent_id, server_id, site_id = placed
    plan_id = planned(room, placed) if plan == "another hash" else "made-up"
    room.installation_requested(server_id, site_id, plan_id=plan_id, plan_sha256="6f" * 32)
    (job,) = room.claim(agent_id)
    assert (job.arguments["plan_sha256"], job.arguments["plan_parts"]) == ("6f" * 32, {})


def test_a_failed_installation_keeps_what_it_tried(room, placed):
    agent_id, server_id, site_id = placed
    job_id = room.installation_requested(server_id, site_id)
    room.claim(agent_id)
    room.finish_job(agent_id, job_id, succeeded=False, reason="No.", rolled_back=True, result={"plan": told()})
    plan = room.get_plan(job_id)
    assert (plan.status, plan.reason, plan.plan_sha256) == ("told", "No.", "5e" * 32)
    # Told again, it ended once.
    room.finish_job(agent_id, job_id, succeeded=False, reason="No.", result={"plan": told()})


def test_an_old_agent_is_told_to_be_replaced(room, placed):
    agent_id, server_id, site_id = placed
    waiting = room.plan(server_id, site_id).job_id
    bound = room.installation_requested(server_id, site_id, plan_id=waiting, plan_sha256="5e" * 32)
    plain = room.installation_requested(server_id, site_id, "installation-2")
    assert [job.job_id for job in room.claim(agent_id, facts=OLD)] == [plain]
    for job_id in (waiting, bound):
        assert room.get_job(job_id).code == "server_outdated"
    assert room.get_plan(waiting).reason == plans.TOO_OLD
    room.clock.forward(minutes=1)
    room.claim(agent_id, facts=OLD)
    with pytest.raises(ServiceError) as refused:
        room.plan(server_id, site_id)
    assert (refused.value.code, refused.value.extra["reason"]) == ("conflict", "server_outdated")


def test_plans_are_forgotten_after_a_while(room, placed):
    plan_id = planned(room, placed)
    room.clock.forward(days=89)
    room.forget_plans()
    assert room.get_plan(plan_id).status == "told"
    room.clock.forward(days=2)
    room.forget_plans()
    plan = room.get_plan(plan_id)
    assert (plan.status, plan.files, room.get_job(plan_id).result["plan_sha256"]) == ("gone", [], "5e" * 32)
