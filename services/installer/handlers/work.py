# SPDX-License-Identifier: Apache-2.0
"""Agents at work: claiming jobs, telling steps and outcomes, reporting sites."""

from __future__ import annotations

from datetime import timedelta

import msgspec

from services.installer.handlers.access import agent_of, enrolled_agent
from services.installer.handlers.site_jobs import ask_agent, ready_site
from services.installer.handlers.views import older
from services.installer.handlers.watching import party
from services.installer.model import agent as agents
from services.installer.model import findings, sites
from services.installer.model import job as model
from services.installer.model import plan as plans
from services.installer.model import server as servers
from services.installer.model.policy import Policy
from services.installer.projections.finding import (
    find_job,
    jobs_older_than,
    open_jobs,
    servers_of,
    servers_with,
)
from services.installer.projections.listing import page_of_jobs
from services.installer.tables import keep_plan, touch
from shared.clock import to_text
from shared.context import Context
from shared.contracts import installer as contract
from shared.contracts.base import Done, Page
from shared.contracts.tenancy import scope_of
from shared.errors import invalid, not_found
from shared.eventstore.room import Room
from shared.eventstore.unit_of_work import UnitOfWork

WORK_TIME = timedelta(minutes=15)  # how long a handed-out job may be begun
MOST_AT_ONCE = 10
HELD_OF_ONE_SERVER = 10  # more wait here, so that none is too old when its server comes to it
MOST_HELD = 2 * HELD_OF_ONE_SERVER * servers.MOST_SERVERS
KINDS = (
    "make_csr",
    "place_dcv_file",
    "remove_dcv_file",
    "place_acme_file",
    "remove_acme_file",
    "plan_installation",
    "install_certificate",
    "save_certificate",
    "check_installation",
    "report_sites",
    "run_scan",
)
PLANNED = ("plan_installation", "install_certificate")  # jobs that tell what they change, done or not


def claim_jobs(uow: UnitOfWork, request: contract.ClaimJobs, *, policy: Policy) -> contract.AgentWork:
    """Beat and claim in one. Jobs that this agent held before were lost, and are handed out again."""
    agent_id = agent_of(uow.context)
    enrolled_agent(uow, agent_id)
    if len(request.held) > MOST_HELD:
        raise invalid(f"An agent has at most {MOST_HELD} jobs in hand.", "/held")
    fresh_since = to_text(uow.now - policy.connected_for / 6)
    now, address = to_text(uow.now), request.remote_address
    touch(uow.connection, agent_id, now, request.facts, address=address, fresh_since=fresh_since)
    work: list[contract.AgentJob] = []
    remote = servers_of(uow.connection, agent_id)
    reaches_others = not older(request.facts.version, servers.AGENTS_SINCE)
    plans_first = not older(request.facts.version, plans.AGENTS_SINCE)
    limit = min(max(request.limit, 1), MOST_AT_ONCE)
    busy = servers_with(uow.connection, agent_id, request.held, HELD_OF_ONE_SERVER)
    for job_id in open_jobs(uow.connection, agent_id, limit, held=request.held, busy=busy):
        loaded = uow.load(model.stream(job_id), model.JOB)
        ref = remote.get(loaded.state.server_id, "")
        if ref and not reaches_others:  # an agent that was put back to an old version would do it on its own host
            why = "The agent is too old to work on this server. Download it again and replace it."
            uow.append(loaded, *model.give_up(loaded.state, why, code="server_outdated"))
            continue
        if loaded.state.needs_plan and not plans_first:
            uow.append(loaded, *model.give_up(loaded.state, plans.TOO_OLD, code="server_outdated"))
            continue
        uow.append(loaded, *model.claim(loaded.state))
        job = loaded.state
        if job.open:
            expires_at = to_text(uow.now + WORK_TIME)
            work.append(
                contract.AgentJob(
                    job_id=job_id, kind=job.kind, arguments=job.arguments, expires_at=expires_at, server=ref
                )
            )
    return contract.AgentWork(jobs=work, poll_after=policy.poll_after)


def report_step(uow: UnitOfWork, request: contract.ReportStep) -> Done:
    """A step, as it happens."""
    loaded = uow.load(model.stream(request.job_id), model.JOB)
    uow.append(loaded, *model.report_step(loaded.state, agent_of(uow.context), request.step))
    return Done(id=request.job_id)


def finish_job(uow: UnitOfWork, request: contract.FinishJob) -> Done:
    """How a job ended; told twice, it ended once."""
    loaded = uow.load(model.stream(request.job_id), model.JOB)
    job = loaded.state
    ended = model.finish(job, agent_of(uow.context), request)
    uow.append(loaded, *ended)
    plan = plans.told_in(request.result) if ended and job.kind in PLANNED else None
    if plan is not None:
        text = msgspec.json.encode(plan).decode()
        keep_plan(
            uow.connection,
            job_id=job.job_id,
            account_id=job.account_id,
            plan_sha256=plan.plan_sha256,
            at=to_text(uow.now),
            plan=text,
        )
    return Done(id=request.job_id)


def report_sites(uow: UnitOfWork, request: contract.ReportSites) -> Done:
    """What a host serves; an event only when that changed."""
    agent_id = agent_of(uow.context)
    agent = enrolled_agent(uow, agent_id)
    server_id = _server_of(uow, agent_id, request.server)
    loaded = uow.load(sites.stream(server_id), sites.SITES)
    whose = party(uow, server_id, agent_id, agent.account_id)
    uow.append(
        loaded,
        *findings.after_report(loaded.state, request.sites, whose, to_text(uow.now)),
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


def check_installation(uow: UnitOfWork, request: contract.CheckInstallation, *, policy: Policy) -> contract.JobView:
    """Has the agent look at what a site serves now."""
    row, site = ready_site(uow, request.server_id, request.site_id, policy)
    arguments = {"expected_serial": request.expected_serial}
    return ask_agent(uow, row, site, "check_installation", arguments, order_id=request.order_id)


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


def _server_of(uow: UnitOfWork, agent_id: str, ref: str) -> str:
    """The agent's own host, or one of the servers that it told of. Raises ServiceError `not_found`."""
    if not ref:
        return agents.server_id(agent_id)
    server_id = servers.server_id(agent_id, ref)
    if server_id not in servers_of(uow.connection, agent_id):
        raise not_found("server")
    return server_id
