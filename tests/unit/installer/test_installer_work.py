# SPDX-License-Identifier: Apache-2.0
"""Jobs of agents: one per cause, handed out until done, ended once, told to the room that asked."""

import pytest

from services.installer.model import job as jobs
from services.installer.model import sites as sites_model
from shared.contracts import dcv, discovery, installer, orders
from shared.errors import ServiceError
from shared.eventstore.rebuild import check
from shared.eventstore.verify import verify
from tests.support.installer_room import PEM

CSR = "-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n"


def refused(code, call, *args, **fields):
    with pytest.raises(ServiceError) as caught:
        call(*args, **fields)
    assert caught.value.code == code


def test_a_requested_csr_is_made_by_the_agent_and_told(room):
    agent, server_id = room.enrolled()
    organization = orders.Organization(name="Example", country="DE")
    job_id = room.csr_requested(server_id, organization=organization)
    (job,) = room.claim(agent.agent_id)
    assert (job.job_id, job.kind) == (job_id, "make_csr")
    assert job.arguments["organization"]["name"] == "Example"
    room.step(agent.agent_id, job_id, "make_csr")
    room.finish_job(agent.agent_id, job_id, result={"csr_pem": CSR, "spki_sha256": "0" * 64, "more": "dropped"})
    told = room.last(job_id)
    assert told == installer.CSRGenerated(
        order_id="order-1", account_id=room.account, request_id="request-1", server_id=server_id, csr_pem=CSR
    )
    view = room.get_job(job_id)
    assert (view.status, [step.name for step in view.steps]) == ("succeeded", ["make_csr"])
    assert "more" not in view.result
    assert room.claim(agent.agent_id) == []


def test_told_twice_it_is_one_job_and_ended_twice_it_ended_once(room):
    agent, server_id = room.enrolled()
    job_id = room.csr_requested(server_id)
    assert room.csr_requested(server_id) == job_id  # another event about the same request
    room.claim(agent.agent_id)
    room.finish_job(agent.agent_id, job_id, result={"csr_pem": CSR})
    before = room.types(jobs.stream(job_id))
    room.finish_job(agent.agent_id, job_id, succeeded=False, reason="late")
    room.step(agent.agent_id, job_id, "late")
    assert room.types(jobs.stream(job_id)) == before
    assert before == ["AgentJobCreated", "AgentJobClaimed", "AgentJobSucceeded", "CSRGenerated"]


def test_a_job_whose_agent_was_lost_is_handed_out_again_but_not_for_ever(room):
    agent, server_id = room.enrolled()
    job_id = room.csr_requested(server_id)
    for _ in range(8):
        assert [job.job_id for job in room.claim(agent.agent_id)] == [job_id]
    assert room.claim(agent.agent_id) == []
    assert isinstance(room.last(job_id), installer.CSRGenerationFailed)
    assert "8 times" in room.last(job_id).reason


def test_nobody_else_can_touch_a_job(room):
    _, server_id = room.enrolled("one", token="a" * 40)
    other, _ = room.enrolled("two", token="b" * 40)
    job_id = room.csr_requested(server_id)
    assert room.claim(other.agent_id) == []
    refused("not_found", room.finish_job, other.agent_id, job_id, result={"csr_pem": CSR})
    refused("not_found", room.step, other.agent_id, job_id, "x")
    refused("not_found", room.get_job, job_id, account="account-2")
    assert room.list_jobs(account="account-2").items == []


def test_a_private_key_in_an_answer_is_refused_and_not_stored(room, tmp_path):
    agent, server_id = room.enrolled()
    job_id = room.csr_requested(server_id)
    room.claim(agent.agent_id)
    key = "-----BEGIN PRIVATE KEY-----\nTHE-KEY-ITSELF\n-----END PRIVATE KEY-----"
    refused("invalid", room.finish_job, agent.agent_id, job_id, result={"csr_pem": CSR + key})
    step = installer.StepView(name="x", status="done", at="1", detail=key)
    refused("invalid", room.finish_job, agent.agent_id, job_id, succeeded=False, steps=[step])
    refused("invalid", room.step, agent.agent_id, job_id, "x", detail=key)
    refused("invalid", room.finish_job, agent.agent_id, job_id, result={"csr_pem": "x" * 300_000})
    room.app.room.database.close()
    assert not any(b"THE-KEY-ITSELF" in path.read_bytes() for path in tmp_path.iterdir())


def test_a_server_of_another_account_or_none_fails_at_once(room):
    _, server_id = room.enrolled()
    theirs = room.csr_requested(server_id, request_id="r2", account_id="account-2")
    gone = room.csr_requested("no-such-server", request_id="r3")
    for job_id in (theirs, gone):
        assert room.types(jobs.stream(job_id)) == ["CSRGenerationFailed"]


def test_an_installation_is_told_with_the_serial_that_was_seen(room):
    agent, server_id = room.enrolled()
    room.report(agent.agent_id, room.site())
    (site,) = room.list_sites().items
    job_id = room.installation_requested(server_id, site.site_id)
    (job,) = room.claim(agent.agent_id)
    assert (job.arguments["web_server"], job.arguments["site_name"]) == ("nginx", "www.example.test")
    room.finish_job(agent.agent_id, job_id, result={"served_serial": "ABC"})
    told = room.last(job_id)
    assert isinstance(told, installer.DeploymentSucceeded)
    assert (told.served_serial, told.site_id, told.installation_id) == ("ABC", site.site_id, "installation-1")


def test_a_success_with_another_serial_is_a_failure(room):
    agent, server_id = room.enrolled()
    room.report(agent.agent_id, room.site())
    job_id = room.installation_requested(server_id, room.list_sites().items[0].site_id)
    room.claim(agent.agent_id)
    room.finish_job(agent.agent_id, job_id, result={"served_serial": "ABD"})
    assert isinstance(room.last(job_id), installer.DeploymentFailed)


def test_a_failed_installation_says_why_and_that_the_old_state_is_back(room):
    agent, server_id = room.enrolled()
    room.report(agent.agent_id, room.site())
    job_id = room.installation_requested(server_id, room.list_sites().items[0].site_id)
    room.claim(agent.agent_id)
    room.step(agent.agent_id, job_id, "check", at="1")
    steps = [installer.StepView(name=name, status="done", at=at) for name, at in (("check", "1"), ("swap", "2"))]
    room.finish_job(agent.agent_id, job_id, succeeded=False, reason="no reload", rolled_back=True, steps=steps)
    told = room.last(job_id)
    assert (type(told), told.reason, told.rolled_back) == (installer.DeploymentFailed, "no reload", True)
    assert [step.name for step in room.get_job(job_id).steps] == ["check", "swap"]


def test_a_site_that_is_gone_fails_at_once(room):
    _, server_id = room.enrolled()
    job_id = room.installation_requested(server_id, "no-such-site")
    assert room.types(jobs.stream(job_id)) == ["DeploymentFailed"]


def test_a_dcv_file_and_a_zip_are_told_with_their_paths(room):
    agent, server_id = room.enrolled()
    placed = dcv.DCVFileRequested(
        authorization_id="a1",
        account_id=room.account,
        order_id="order-1",
        placement_id="p1",
        server_id=server_id,
        fqdn="www.example.test",
        path=".well-known/pki-validation/00.txt",
        content="x",
    )
    saved = orders.CertificateSaveRequested(
        order_id="order-1",
        account_id=room.account,
        save_id="s1",
        number=2000001,
        server_id=server_id,
        common_name="www.example.test",
        certificate_pem=PEM,
        chain_pem=PEM,
    )
    room.tell(placed)
    room.tell(saved)
    work = {job.kind: job for job in room.claim(agent.agent_id)}
    room.finish_job(agent.agent_id, work["place_dcv_file"].job_id, result={"path": "/srv/x"})
    room.finish_job(agent.agent_id, work["save_certificate"].job_id, succeeded=False, reason="disk full")
    told = room.last(work["place_dcv_file"].job_id)
    assert (type(told), told.written_path, told.placement_id) == (installer.DCVFilePlaced, "/srv/x", "p1")
    told = room.last(work["save_certificate"].job_id)
    assert (type(told), told.reason, told.save_id) == (installer.CertificateSaveFailed, "disk full", "s1")


def test_work_that_nobody_does_in_time_fails(room):
    _, server_id = room.enrolled()
    job_id = room.csr_requested(server_id)
    room.clock.forward(hours=23)
    room.expire()
    assert room.get_job(job_id).status == "waiting"
    room.clock.forward(hours=2)
    room.expire()
    assert isinstance(room.last(job_id), installer.CSRGenerationFailed)


def test_sites_are_told_only_when_they_changed(room):
    agent, server_id = room.enrolled()
    room.report(agent.agent_id, room.site(), room.site("b.example.test", names=["b.example.test", "*.c.test"]))
    room.clock.forward(minutes=10)
    room.report(agent.agent_id, room.site(), room.site("b.example.test", names=["b.example.test", "*.c.test"]))
    assert room.types(sites_model.stream(server_id)) == ["SitesReported"]
    ids = {site.name: site.site_id for site in room.list_sites().items}
    room.report(agent.agent_id, room.site(document_root="/srv/other"))
    assert room.types(sites_model.stream(server_id)) == ["SitesReported"] * 2
    (left,) = room.list_sites().items
    assert left.site_id == ids["www.example.test"]
    room.report(agent.agent_id)
    assert room.list_sites().items == []


def test_sites_are_found_by_the_fqdn_that_they_serve(room):
    agent, _ = room.enrolled()
    room.report(agent.agent_id, room.site(), room.site("b.example.test", names=["b.example.test", "*.c.test"]))
    for name, found in (("www.example.test", 1), ("X.C.test", 1), ("a.x.c.test", 0), ("example.test", 0), ("%", 0)):
        assert len(room.list_sites(name=name).items) == found
    assert room.list_sites(account="account-2").items == []


def test_an_installation_check_is_a_job_of_its_own(room):
    agent, server_id = room.enrolled()
    room.report(agent.agent_id, room.site())
    (site,) = room.list_sites().items
    view = room.check(server_id, site.site_id, "ABC")
    (job,) = room.claim(agent.agent_id)
    assert (job.job_id, job.arguments["expected_serial"]) == (view.job_id, "ABC")
    room.finish_job(agent.agent_id, job.job_id, result={"correct": False, "bindings": []})
    assert room.get_job(view.job_id).result["correct"] is False
    refused("not_found", room.check, server_id, site.site_id, "ABC", account="account-2")


def test_the_read_model_is_what_the_events_say_and_the_chains_hold(room):
    agent, server_id = room.enrolled()
    room.report(agent.agent_id, room.site())
    job_id = room.csr_requested(server_id)
    room.claim(agent.agent_id)
    room.step(agent.agent_id, job_id, "make_csr")
    room.finish_job(agent.agent_id, job_id, result={"csr_pem": CSR})
    room.installation_requested(server_id, "gone")
    room.rename(agent.agent_id, "another")
    assert check(room.room).equal
    assert not verify(room.room.database).faults
    room.remove(agent.agent_id)
    assert check(room.room).equal


def scan_requested(room, agent_id, account_id=None):
    account_id = account_id or room.account
    fact = discovery.AgentScanRequested(
        scan_id="scan-1", account_id=account_id, agent_id=agent_id, targets=["10.0.0.0/24"], names=["db.example"],
        ports=[443], exclude=["10.0.0.9/32"], rate=50,
    )  # fmt: skip
    room.tell(fact)
    return jobs.job_id("run_scan", "scan-1")


def test_a_scan_is_handed_to_its_agent_and_ends_as_a_job_when_it_has_begun(room):
    agent, server_id = room.enrolled()
    job_id = scan_requested(room, agent.agent_id)
    (job,) = room.claim(agent.agent_id)
    assert (job.job_id, job.kind, job.arguments["targets"]) == (job_id, "run_scan", ["10.0.0.0/24"])
    assert (job.arguments["exclude"], job.arguments["rate"], job.arguments["scan_id"]) == (
        ["10.0.0.9/32"],
        50,
        "scan-1",
    )
    room.finish_job(agent.agent_id, job_id)
    assert room.types(jobs.stream(job_id))[-1] == "AgentJobSucceeded"
    view = room.get_job(job_id)
    assert (view.status, view.subject, view.server_id) == ("succeeded", "10.0.0.0/24, db.example", server_id)


def test_a_scan_that_its_agent_does_not_begin_is_told(room):
    agent, _ = room.enrolled()
    job_id = scan_requested(room, agent.agent_id)
    room.claim(agent.agent_id)
    room.finish_job(agent.agent_id, job_id, succeeded=False, reason="not in these networks", code="scan_refused")
    told = installer.AgentScanFailed(
        scan_id="scan-1", account_id=room.account, agent_id=agent.agent_id, reason="not in these networks",
        code="scan_refused",
    )  # fmt: skip
    assert room.last(job_id) == told


def test_a_scan_for_an_agent_of_another_account_or_none_fails_at_once(room):
    agent, _ = room.enrolled()
    job_id = scan_requested(room, agent.agent_id, "another-account")
    assert room.claim(agent.agent_id) == []
    assert (room.last(job_id).code, room.last(job_id).account_id) == ("server_gone", "another-account")
