# SPDX-License-Identifier: Apache-2.0
"""Servers: what their agents say of them, and what the customer does with them."""

from __future__ import annotations

from services.installer.handlers.access import agent_of, enrolled_agent
from services.installer.handlers.views import server_view
from services.installer.handlers.watching import party
from services.installer.model import agent as agents
from services.installer.model import findings, sites
from services.installer.model import job as jobs
from services.installer.model import server as model
from services.installer.model.policy import Policy
from services.installer.projections.finding import find_server, open_jobs, server_name_taken, servers_of
from services.installer.projections.listing import page_of_servers
from shared.context import Context
from shared.contracts import installer as contract
from shared.contracts.base import Done, Page
from shared.contracts.tenancy import account_of, scope_of
from shared.errors import Code, ServiceError, not_found
from shared.eventsourcing.event import Event
from shared.eventstore.room import Room
from shared.eventstore.unit_of_work import UnitOfWork


def list_servers(
    room: Room, request: contract.ListServers, context: Context, *, policy: Policy
) -> Page[contract.ServerView]:
    """The hosts of the account's agents, and those that they reach."""
    scope, now = scope_of(context), room.clock.now()
    with room.query() as connection:
        return page_of_servers(
            connection,
            scope,
            request.limit,
            request.cursor,
            lambda row: server_view(row, now, policy),
            agent_id=request.agent_id,
        )


def get_server(room: Room, request: contract.GetServer, context: Context, *, policy: Policy) -> contract.ServerView:
    """One server."""
    scope, now = scope_of(context), room.clock.now()
    with room.query() as connection:
        row = find_server(connection, request.server_id)
        if row is None or scope not in (None, row.account_id):
            raise not_found("server")
        return server_view(row, now, policy)


def rename_server(uow: UnitOfWork, request: contract.RenameServer, *, policy: Policy) -> contract.ServerView:
    """Another name, if no other server has it."""
    account_id = account_of(uow.context)
    row = find_server(uow.connection, request.server_id)
    if row is None or row.account_id != account_id:
        raise not_found("server")
    name = agents.check_server_name(request.name)
    if name and server_name_taken(uow.connection, account_id, request.server_id, name):
        raise ServiceError(Code.CONFLICT, "Another server of this account has that name.", pointer="/name")
    if row.ref:
        server = uow.load(sites.stream(request.server_id), model.SERVER)
        uow.append(server, *model.rename(server.state, name))
    else:  # an agent's own host is told of in its agent's stream
        agent = uow.load(agents.stream(row.agent_id), agents.AGENT)
        uow.append(agent, *agents.rename_server(agents.present(agent.state, account_id), name))
    return server_view(find_server(uow.connection, request.server_id), uow.now, policy)


def remove_server(uow: UnitOfWork, request: contract.RemoveServer) -> Done:
    """Takes a server out with its open work; its agent is told to forget it when it tells of it next."""
    row = find_server(uow.connection, request.server_id)
    if row is None or row.account_id != account_of(uow.context):
        raise not_found("server")
    if not row.ref:
        raise model.own_host()
    _take_out(uow, row.agent_id, request.server_id, by_customer=True)
    return Done(id=request.server_id)


def report_servers(uow: UnitOfWork, request: contract.ReportServers) -> contract.ReportedServers:
    """What the agent reaches over SSH now; events only for what changed."""
    agent_id = agent_of(uow.context)
    agent = enrolled_agent(uow, agent_id)
    model.check_reports(request.servers)
    forget = []
    for told in request.servers:
        loaded = uow.load(sites.stream(model.server_id(agent_id, told.ref)), model.SERVER)
        if loaded.state.removed and loaded.state.by_customer:
            forget.append(told.ref)
        uow.append(loaded, *model.report(loaded.state, told, agent_id=agent_id, account_id=agent.account_id))
    present = {told.ref for told in request.servers}
    for server_id, ref in servers_of(uow.connection, agent_id).items():
        if ref not in present:
            _take_out(uow, agent_id, server_id, by_customer=False)
    return contract.ReportedServers(forget=forget)


def _take_out(uow: UnitOfWork, agent_id: str, server_id: str, *, by_customer: bool) -> None:
    for job_id in open_jobs(uow.connection, agent_id, server_id=server_id):
        job = uow.load(jobs.stream(job_id), jobs.JOB)
        uow.append(job, *jobs.give_up(job.state, "The server was removed.", code=jobs.SERVER_GONE))
    loaded = uow.load(sites.stream(server_id), model.SERVER)
    # Rooms that keep what it served learn by this that it serves nothing to us any more.
    known = uow.load(sites.stream(server_id), sites.SITES).state
    account_id = loaded.state.added.account_id if loaded.state.added else ""
    over = findings.none_any_more(known, party(uow, server_id, agent_id, account_id))
    empty = sites.none_any_more(known, loaded.state.added)
    removed: list[Event] = [*(model.remove_by_customer if by_customer else model.remove)(loaded.state)]
    uow.append(loaded, *over, *empty, *removed)
