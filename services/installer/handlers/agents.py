# SPDX-License-Identifier: Apache-2.0
"""Agents and sites as the customer manages them: register, rename, remove, look."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any

from services.installer.handlers.views import agent_view
from services.installer.handlers.watching import party
from services.installer.model import agent as model
from services.installer.model import findings, sites
from services.installer.model import job as jobs
from services.installer.model import server as servers
from services.installer.model.policy import Policy
from services.installer.projections.finding import find_agent, name_taken, open_jobs, servers_of
from services.installer.projections.listing import SITE_SORTS, SITES_BY_NAME, page_of_agents, page_of_sites
from services.installer.tables import end_credential, introduced_from, waiting_codes
from shared.clock import to_text
from shared.context import Context
from shared.contracts import installer as contract
from shared.contracts.base import Done, Page
from shared.contracts.paging import ordering
from shared.contracts.tenancy import account_of, scope_of
from shared.errors import Code, ServiceError, not_found
from shared.eventstore.room import Room
from shared.eventstore.unit_of_work import UnitOfWork


def register_agent(uow: UnitOfWork, request: contract.RegisterAgent, *, policy: Policy) -> contract.AgentView:
    """Makes the record; the agent itself comes later."""
    account_id = account_of(uow.context)
    name = model.check_name(request.name)
    _refuse_taken(uow, account_id, name)
    agent_id = uow.new_id()
    uid = hashlib.sha256(uow.new_id().encode()).hexdigest()[:32]
    registered = contract.AgentRegistered(agent_id=agent_id, account_id=account_id, uid=uid, name=name)
    uow.append(model.stream(agent_id), registered)
    return _view(uow, agent_id, policy)


def rename_agent(uow: UnitOfWork, request: contract.RenameAgent, *, policy: Policy) -> contract.AgentView:
    """Another name, if nobody has it."""
    account_id = account_of(uow.context)
    loaded = uow.load(model.stream(request.agent_id), model.AGENT)
    agent = model.present(loaded.state, account_id)
    name = model.check_name(request.name)
    if name.casefold() != agent.name.casefold():
        _refuse_taken(uow, account_id, name)
    uow.append(loaded, *model.rename(agent, name))
    return _view(uow, agent.agent_id, policy)


def remove_agent(uow: UnitOfWork, request: contract.RemoveAgent) -> Done:
    """Ends the agent, its credential and its open work in one step (console check list 6.05)."""
    loaded = uow.load(model.stream(request.agent_id), model.AGENT)
    agent = model.present(loaded.state, account_of(uow.context))
    for job_id in open_jobs(uow.connection, agent.agent_id):
        job = uow.load(jobs.stream(job_id), jobs.JOB)
        uow.append(job, *jobs.give_up(job.state, "The agent was removed.", code=jobs.AGENT_REMOVED))
    for server_id in (model.server_id(agent.agent_id), *servers_of(uow.connection, agent.agent_id)):
        known = uow.load(sites.stream(server_id), sites.SITES)
        whose = party(uow, server_id, agent.agent_id, agent.account_id)
        uow.append(known, *findings.none_any_more(known.state, whose))
    for server_id in servers_of(uow.connection, agent.agent_id):
        server = uow.load(sites.stream(server_id), servers.SERVER)
        uow.append(server, *servers.remove(server.state))
    end_credential(uow.connection, agent.agent_id)
    uow.append(loaded, model.remove(agent))
    return Done(id=agent.agent_id)


def get_agent(room: Room, request: contract.GetAgent, context: Context, *, policy: Policy) -> contract.AgentView:
    """One agent."""
    scope, now = scope_of(context), room.clock.now()
    with room.query() as connection:
        row = find_agent(connection, agent_id=request.agent_id)
        if row is None or scope not in (None, row.account_id):
            raise not_found("agent")
        return _shown(connection, row, now, policy)


def list_agents(
    room: Room, request: contract.ListAgents, context: Context, *, policy: Policy
) -> Page[contract.AgentView]:
    """The account's agents."""
    scope, now = scope_of(context), room.clock.now()
    with room.query() as connection:
        return page_of_agents(
            connection,
            scope,
            request.limit,
            request.cursor,
            lambda row: _shown(connection, row, now, policy),
        )


def list_sites(room: Room, request: contract.ListSites, context: Context) -> Page[contract.ListedSite]:
    """The account's sites."""
    scope = scope_of(context)
    place = ordering(request.sort, request.offset, request.cursor, keys=SITE_SORTS, default=SITES_BY_NAME)
    with room.query() as connection:
        return page_of_sites(
            connection,
            scope,
            request.limit,
            request.cursor,
            place,
            server_id=request.server_id,
            name=request.name,
            search=request.search,
            amiss=request.amiss,
        )


def _refuse_taken(uow: UnitOfWork, account_id: str, name: str) -> None:
    if name_taken(uow.connection, account_id, name):
        raise ServiceError(Code.CONFLICT, "Another agent of this account has that name.", pointer="/name")


def _view(uow: UnitOfWork, agent_id: str, policy: Policy) -> contract.AgentView:
    return _shown(uow.connection, find_agent(uow.connection, agent_id=agent_id), uow.now, policy)


def _shown(connection: Any, row: Any, now: datetime, policy: Policy) -> contract.AgentView:
    waiting = bool(waiting_codes(connection, row.agent_id, to_text(now)))
    address = row.address or introduced_from(connection, row.agent_id)
    return agent_view(row, now, policy, waiting_for_code=waiting, address=address)
