# SPDX-License-Identifier: Apache-2.0
"""What may be asked about agents, servers, sites and work on them, and by whom."""

from __future__ import annotations

from typing import Any

from shared.contracts.base import Done, Page, Permission, Request, View, command, query
from shared.contracts.installer.views import (
    AgentBuilds,
    AgentDownload,
    AgentFacts,
    AgentIdentity,
    AgentView,
    AgentWork,
    Binding,
    Introduction,
    JobView,
    ListedSite,
    ReportedServers,
    ServerView,
    SiteFinding,
    StepView,
)

SERVICE = "installer"


@command(SERVICE, Permission.CREATE_ORDER)
class RegisterAgent(Request[AgentView]):
    """Makes an agent record with a UID of 32 hex digits. The name is unique in the account."""

    name: str


@query(SERVICE, Permission.VIEW)
class ListAgents(Request[Page[AgentView]]):
    """Agents of the account."""

    limit: int = 50
    cursor: str | None = None


@query(SERVICE, Permission.VIEW)
class GetAgent(Request[AgentView]):
    """One agent."""

    agent_id: str


@command(SERVICE, Permission.CREATE_ORDER)
class RenameAgent(Request[AgentView]):
    """Gives an agent another name."""

    agent_id: str
    name: str


@command(SERVICE, Permission.CREATE_ORDER)
class VerifyAgent(Request[AgentView]):
    """The one-time code that the agent printed. 10 minutes, single use, 5 tries."""

    agent_id: str
    code: str


@command(SERVICE, Permission.CREATE_ORDER)
class RemoveAgent(Request[Done]):
    """Takes an agent out; its credential ends at once."""

    agent_id: str


@query(SERVICE, Permission.CREATE_ORDER)
class DownloadAgent(Request[AgentDownload]):
    """One build for one agent, made on demand. Errors: not_found, unavailable."""

    agent_id: str
    build: str = "linux"


@query(SERVICE, Permission.CREATE_ORDER)
class ListAgentBuilds(Request[AgentBuilds]):
    """Everything that an agent can be set up from, each with size and SHA-256."""

    agent_id: str


@query(SERVICE, Permission.PUBLIC)
class FetchAgent(Request[AgentDownload]):
    """One build for the host that it is for, which knows the agent's UID. Errors: not_found, unavailable."""

    uid: str
    build: str


@query(SERVICE, Permission.VIEW)
class ListServers(Request[Page[ServerView]]):
    """Servers of the account, or of one agent."""

    agent_id: str | None = None
    limit: int = 50
    cursor: str | None = None


@query(SERVICE, Permission.VIEW)
class GetServer(Request[ServerView]):
    """One server."""

    server_id: str


@command(SERVICE, Permission.CREATE_ORDER)
class RemoveServer(Request[Done]):
    """Takes out a server that an agent reaches over SSH; the agent forgets it. Its own host goes with the agent.

    Errors: not_found, action_not_allowed.
    """

    server_id: str


@command(SERVICE, Permission.CREATE_ORDER)
class RenameServer(Request[ServerView]):
    """Gives a server a name of its own, unique in the account; an empty one makes it the host's again."""

    server_id: str
    name: str


@query(SERVICE, Permission.VIEW)
class ListSites(Request[Page[ListedSite]]):
    """Sites with their bindings; `name` finds those that serve an FQDN, `search` a part of any name.

    `amiss` leaves those with findings, or those without. `sort` is name or server, descending with a leading `-`. Turn
    pages by `cursor` (by name only) or by `offset`.
    """

    server_id: str | None = None
    name: str | None = None
    search: str | None = None
    amiss: bool | None = None
    sort: str = "name"
    offset: int = 0
    limit: int = 50
    cursor: str | None = None


@query(SERVICE, Permission.VIEW)
class ListJobs(Request[Page[JobView]]):
    """Agent jobs, newest first; `kind` as in AgentJob, `status`: waiting, claimed, succeeded, failed."""

    order_id: str | None = None
    server_id: str | None = None
    kind: str | None = None
    status: str | None = None
    limit: int = 50
    cursor: str | None = None


@query(SERVICE, Permission.VIEW)
class GetJob(Request[JobView]):
    """One job with its steps."""

    job_id: str


@command(SERVICE, Permission.VIEW)
class CheckInstallation(Request[JobView]):
    """Has the agent compare what a site serves with `expected_serial`."""

    server_id: str
    site_id: str
    expected_serial: str
    order_id: str = ""


@command(SERVICE, Permission.PUBLIC)
class IntroduceAgent(Request[Introduction]):
    """An agent says hello with the SHA-256 of its one-time code; repeated until it is verified."""

    uid: str
    code_sha256: str
    facts: AgentFacts
    remote_address: str = ""


@command(SERVICE, Permission.PUBLIC)
class FinishEnrolment(Request[Introduction]):
    """The agent's side confirms; the reply carries the token, once."""

    uid: str
    code_sha256: str


@query(SERVICE, Permission.INTERNAL)
class AuthenticateAgent(Request[AgentIdentity]):
    """Which agent holds this token. Errors: unauthenticated."""

    token: str


@command(SERVICE, Permission.AGENT)
class ClaimJobs(Request[AgentWork]):
    """Beat and claim in one: says that the agent lives and hands out work under a lease.

    `held` are the jobs that it still has in hand for its servers; any other that it was given was lost.
    """

    facts: AgentFacts
    limit: int = 4
    remote_address: str = ""
    held: list[str] = []


@command(SERVICE, Permission.AGENT)
class ReportStep(Request[Done]):
    """A step of a claimed job, as it happens; it also prolongs the lease."""

    job_id: str
    step: StepView


@command(SERVICE, Permission.AGENT)
class FinishJob(Request[Done]):
    """How a job ended. `result` by kind; `reason` when it failed; `rolled_back` when the old state is back."""

    job_id: str
    succeeded: bool
    result: dict[str, Any] = {}
    reason: str = ""
    rolled_back: bool = False
    steps: list[StepView] = []
    code: str = ""  # of the reason


class SiteReport(View):
    """A site as an agent reports it; ids are given by the service."""

    web_server: str
    name: str
    names: list[str]
    bindings: list[Binding]
    document_root: str
    config_path: str
    writable: bool
    reason: str = ""
    findings: list[SiteFinding] = []  # agents before 0.5 do not look


@command(SERVICE, Permission.AGENT)
class ReportSites(Request[Done]):
    """All sites of the agent's host, or of one of its servers (by `ref`), with their bindings, as they are now."""

    sites: list[SiteReport]
    address: str = ""
    server: str = ""


class ServerReport(View):
    """A server that an agent reaches over SSH. `ref`: 32 hexadecimal digits of its own; `state` as in ServerView."""

    ref: str
    name: str
    address: str
    port: int
    user: str
    state: str
    facts: AgentFacts
    detail: str = ""
    host_key: str = ""
    host_key_seen: str = ""


@command(SERVICE, Permission.AGENT)
class ReportServers(Request[ReportedServers]):
    """All servers that the agent reaches over SSH, as they are now; those that are missing are gone."""

    servers: list[ServerReport]
