# SPDX-License-Identifier: Apache-2.0
"""Agents, servers, sites and what agents do on them. Keys stay on the host; only CSRs and key hashes leave it."""

from __future__ import annotations

from typing import Any

from shared.contracts.base import Done, Page, Permission, Request, View, command, query
from shared.eventsourcing.event import Event, event

SERVICE = "installer"


class AgentView(View):
    """An agent. `state`: unverified, connected, not_connected, outdated, removed; `cure` says what to do about it."""

    agent_id: str
    uid: str
    name: str
    state: str
    created_at: str
    version: str = ""
    os: str = ""
    last_seen_at: str | None = None
    waiting_for_code: bool = False
    cure: str = ""


class ServerView(View):
    """A host with web servers, reached through an agent. The agent's own host is a server too."""

    server_id: str
    agent_id: str
    name: str
    address: str
    state: str
    os: str = ""
    web_servers: list[str] = []
    created_at: str = ""


class ServedCertificate(View):
    """What an agent saw on a binding."""

    serial: str
    fingerprint_sha256: str
    subject: str
    issuer: str
    names: list[str]
    not_before: str
    not_after: str
    spki_sha256: str
    pem: str = ""


class Binding(View):
    """Where a site listens."""

    address: str
    port: int
    tls: bool
    names: list[str]
    certificate: ServedCertificate | None = None


class SiteView(View):
    """A server block or virtual host. `site_id` is stable while its name and server stay."""

    site_id: str
    server_id: str
    web_server: str  # nginx or apache
    name: str
    names: list[str]
    bindings: list[Binding]
    document_root: str
    config_path: str
    writable: bool
    reason: str = ""  # why it is not writable
    last_reported_at: str = ""


class StepView(View):
    """One step of a job. `status`: running, done, failed, undone."""

    name: str
    status: str
    at: str
    detail: str = ""


class JobView(View):
    """Work for an agent. `status`: waiting, claimed, succeeded, failed."""

    job_id: str
    kind: str
    agent_id: str
    server_id: str
    status: str
    created_at: str
    order_id: str = ""
    subject: str = ""
    claimed_at: str | None = None
    finished_at: str | None = None
    steps: list[StepView] = []
    reason: str = ""
    result: dict[str, Any] = {}


class AgentDownload(View):
    """A zip with the agent, its settings and instructions."""

    file_name: str
    zip_base64: str
    sha256: str


class AgentFacts(View):
    """What an agent says of itself and its host."""

    version: str
    os: str
    hostname: str
    web_servers: list[str] = []


class Introduction(View):
    """The answer to an agent that is not verified yet. `state`: waiting, verified, refused.

    `token` is given once, when the agent says that it is finished; only its hash is kept here.
    """

    state: str
    agent_id: str
    name: str
    token: str = ""
    address: str = ""


class AgentJob(View):
    """A job as its agent gets it. `kind`: make_csr, place_dcv_file, remove_dcv_file, install_certificate,
    save_certificate, check_installation, report_sites. `arguments` are data, checked again by the agent.
    """

    job_id: str
    kind: str
    arguments: dict[str, Any]
    expires_at: str


class AgentWork(View):
    """What an agent has to do now; `poll_after` in seconds."""

    jobs: list[AgentJob]
    poll_after: float


class AgentIdentity(View):
    """Who stands behind an agent token."""

    agent_id: str
    account_id: str


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
    """The zip for one agent, built on demand."""

    agent_id: str


@query(SERVICE, Permission.VIEW)
class ListServers(Request[Page[ServerView]]):
    """Servers of the account, or of one agent."""

    agent_id: str | None = None
    limit: int = 50
    cursor: str | None = None


@query(SERVICE, Permission.VIEW)
class ListSites(Request[Page[SiteView]]):
    """Sites with their bindings; `name` finds those that serve an FQDN."""

    server_id: str | None = None
    name: str | None = None
    limit: int = 50
    cursor: str | None = None


@query(SERVICE, Permission.VIEW)
class ListJobs(Request[Page[JobView]]):
    """Agent jobs, newest first."""

    order_id: str | None = None
    server_id: str | None = None
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
    """Beat and claim in one: says that the agent lives and hands out work under a lease."""

    facts: AgentFacts
    limit: int = 4


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


@command(SERVICE, Permission.AGENT)
class ReportSites(Request[Done]):
    """All sites of the agent's host with their bindings, as they are now."""

    sites: list[SiteReport]
    address: str = ""


@event("installer.AgentRegistered")
class AgentRegistered(Event):
    """An agent record was made."""

    agent_id: str
    account_id: str
    uid: str
    name: str


@event("installer.AgentRenamed")
class AgentRenamed(Event):
    """The agent has another name."""

    agent_id: str
    name: str


@event("installer.AgentVerified")
class AgentVerified(Event):
    """The customer confirmed the agent's code."""

    agent_id: str
    account_id: str


@event("installer.AgentEnrolled")
class AgentEnrolled(Event):
    """The agent confirmed too and has its credential; its host is a server from now on."""

    agent_id: str
    account_id: str
    server_id: str
    version: str
    os: str


@event("installer.AgentRemoved")
class AgentRemoved(Event):
    """The agent is out."""

    agent_id: str
    account_id: str


@event("installer.SitesReported")
class SitesReported(Event):
    """The sites of a server changed. The whole present list, with ids."""

    server_id: str
    agent_id: str
    account_id: str
    sites: list[SiteView]


@event("installer.AgentJobCreated")
class AgentJobCreated(Event):
    """Work for an agent."""

    job_id: str
    agent_id: str
    account_id: str
    server_id: str
    kind: str
    arguments: dict[str, Any]
    order_id: str = ""
    subject: str = ""


@event("installer.AgentJobClaimed")
class AgentJobClaimed(Event):
    """The agent took it."""

    job_id: str
    agent_id: str
    claim: int


@event("installer.AgentStepReported")
class AgentStepReported(Event):
    """A step, as it happened."""

    job_id: str
    step: StepView


@event("installer.AgentJobSucceeded")
class AgentJobSucceeded(Event):
    """Done."""

    job_id: str
    result: dict[str, Any]


@event("installer.AgentJobFailed")
class AgentJobFailed(Event):
    """Not done, and why."""

    job_id: str
    reason: str
    rolled_back: bool = False


@event("installer.CSRGenerated")
class CSRGenerated(Event):
    """A key and its CSR were made on a server."""

    order_id: str
    account_id: str
    request_id: str
    server_id: str
    csr_pem: str


@event("installer.CSRGenerationFailed")
class CSRGenerationFailed(Event):
    """The CSR could not be made."""

    order_id: str
    account_id: str
    request_id: str
    reason: str


@event("installer.DCVFilePlaced")
class DCVFilePlaced(Event):
    """The file stands below the web root."""

    order_id: str
    account_id: str
    authorization_id: str
    placement_id: str
    fqdn: str
    written_path: str


@event("installer.DCVFileFailed")
class DCVFileFailed(Event):
    """The file could not be placed."""

    order_id: str
    account_id: str
    authorization_id: str
    placement_id: str
    fqdn: str
    reason: str


@event("installer.DeploymentSucceeded")
class DeploymentSucceeded(Event):
    """The site serves the certificate, seen in a handshake."""

    order_id: str
    account_id: str
    installation_id: str
    server_id: str
    site_id: str
    served_serial: str


@event("installer.DeploymentFailed")
class DeploymentFailed(Event):
    """The site serves what it served before."""

    order_id: str
    account_id: str
    installation_id: str
    server_id: str
    site_id: str
    reason: str
    rolled_back: bool


@event("installer.CertificateSaved")
class CertificateSaved(Event):
    """The zip stands on the server."""

    order_id: str
    account_id: str
    save_id: str
    server_id: str
    path: str


@event("installer.CertificateSaveFailed")
class CertificateSaveFailed(Event):
    """The zip could not be written."""

    order_id: str
    account_id: str
    save_id: str
    server_id: str
    reason: str
