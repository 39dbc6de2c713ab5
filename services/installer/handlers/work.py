# SPDX-License-Identifier: Apache-2.0
"""Agents at work: claiming jobs, telling steps and outcomes, reporting sites."""

from __future__ import annotations

from datetime import timedelta

from services.installer.handlers.access import agent_of
from services.installer.model import agent as agents
from services.installer.model import job as model
from services.installer.model import sites
from services.installer.model.policy import Policy
from services.installer.projections.finding import find_agent, find_job, find_site, jobs_older_than, open_jobs
from services.installer.projections.listing import page_of_jobs
from services.installer.tables import touch
from shared.clock import to_text
from shared.context import Context
from shared.contracts import installer as contract
from shared.contracts.base import Done, Page
from shared.contracts.tenancy import account_of, scope_of
from shared.errors import Code, ServiceError, invalid, not_found
from shared.eventstore.room import Room
from shared.eventstore.unit_of_work import UnitOfWork

WORK_TIME = timedelta(minutes=15)  # how long a handed-out job may be begun
MOST_AT_ONCE = 10
KINDS = (
    "make_csr",
    "place_dcv_file",
    "remove_dcv_file",
    "install_certificate",
    "save_certificate",
    "check_installation",
    "report_sites",
    "run_scan",
)


def claim_jobs(uow: UnitOfWork, request: contract.ClaimJobs, *, policy: Policy) -> contract.AgentWork:
    """Beat and claim in one. Jobs that this agent held before were lost, and are handed out again."""
    agent_id = agent_of(uow.context)
    _present(uow, agent_id)
    fresh_since = to_text(uow.now - policy.connected_for / 6)
    now, address = to_text(uow.now), request.remote_address
    touch(uow.connection, agent_id, now, request.facts, address=address, fresh_since=fresh_since)
    work: list[contract.AgentJob] = []
    for job_id in open_jobs(uow.connection, agent_id, min(max(request.limit, 1), MOST_AT_ONCE)):
        loaded = uow.load(model.stream(job_id), model.JOB)
        uow.append(loaded, *model.claim(loaded.state))
        job = loaded.state
        if job.open:
            expires_at = to_text(uow.now + WORK_TIME)
            work.append(contract.AgentJob(job_id=job_id, kind=job.kind, arguments=job.arguments, expires_at=expires_at))
    return contract.AgentWork(jobs=work, poll_after=policy.poll_after)


def report_step(uow: UnitOfWork, request: contract.ReportStep) -> Done:
    """A step, as it happens."""
    loaded = uow.load(model.stream(request.job_id), model.JOB)
    uow.append(loaded, *model.report_step(loaded.state, agent_of(uow.context), request.step))
    return Done(id=request.job_id)


def finish_job(uow: UnitOfWork, request: contract.FinishJob) -> Done:
    """How a job ended; told twice, it ended once."""
    loaded = uow.load(model.stream(request.job_id), model.JOB)
    uow.append(loaded, *model.finish(loaded.state, agent_of(uow.context), request))
    return Done(id=request.job_id)


def report_sites(uow: UnitOfWork, request: contract.ReportSites) -> Done:
    """What the host serves; an event only when that changed."""
    agent_id = agent_of(uow.context)
    agent = _present(uow, agent_id)
    server_id = agents.server_id(agent_id)
    loaded = uow.load(sites.stream(server_id), sites.SITES)
    uow.append(
        loaded,
        *sites.report(
            loaded.state,
            request.sites,
            server_id=server_id,
            agent_id=agent_id,
            account_id=agent.account_id,
            at=to_text(uow.now),
        ),
    )
    return Done(id=server_id)


def check_installation(uow: UnitOfWork, request: contract.CheckInstallation) -> contract.JobView:
    """Has the agent look at what a site serves now."""
    account_id = account_of(uow.context)
    row = find_agent(uow.connection, server_id=request.server_id)
    site = find_site(uow.connection, account_id, request.server_id, request.site_id)
    if row is None or site is None:
        raise not_found("site")
    job_id = uow.new_id()
    created = contract.AgentJobCreated(
        job_id=job_id,
        agent_id=row.agent_id,
        account_id=account_id,
        server_id=request.server_id,
        kind="check_installation",
        arguments={
            "web_server": site.web_server,
            "site_name": site.name,
            "site_id": site.site_id,
            "expected_serial": request.expected_serial,
        },
        order_id=request.order_id,
        subject=site.name,
    )
    uow.append(model.stream(job_id), created)
    view = find_job(uow.connection, account_id, job_id)
    if view is None:  # it was written a line above
        raise not_found("job")
    return view


def get_job(room: Room, request: contract.GetJob, context: Context) -> contract.JobView:
    """One job with its steps."""
    scope = scope_of(context)
    with room.query() as connection:
        view = find_job(connection, scope, request.job_id)
    if view is None:
        raise not_found("job")
    return view


def list_jobs(room: Room, request: contract.ListJobs, context: Context) -> Page[contract.JobView]:
    """Jobs, newest first."""
    if request.kind not in {None, *KINDS}:
        raise invalid(f"The kind is one of {', '.join(KINDS)}.", "/kind")
    if request.status not in {None, *model.STATUSES}:
        raise invalid(f"The status is one of {', '.join(model.STATUSES)}.", "/status")
    scope = scope_of(context)
    with room.query() as connection:
        return page_of_jobs(
            connection,
            scope,
            request.limit,
            request.cursor,
            order_id=request.order_id,
            server_id=request.server_id,
            kind=request.kind,
            status=request.status,
        )


def expire_jobs(uow: UnitOfWork, _request: None, *, policy: Policy) -> Done:
    """Gives up on work that nobody fetched and ended in time, so that whoever waits for it learns so."""
    for job_id in jobs_older_than(uow.connection, to_text(uow.now - policy.job_life)):
        loaded = uow.load(model.stream(job_id), model.JOB)
        uow.append(
            loaded,
            *model.give_up(loaded.state, "The agent did not do this in time. Is it running?", code=model.NOT_IN_TIME),
        )
    return Done()


def _present(uow: UnitOfWork, agent_id: str) -> agents.Agent:
    agent = uow.load(agents.stream(agent_id), agents.AGENT).state
    if not agent.enrolled or agent.removed:
        raise ServiceError(Code.UNAUTHENTICATED, "This agent is not known, or was removed.")
    return agent
