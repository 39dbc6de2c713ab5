# SPDX-License-Identifier: Apache-2.0
"""What is said about agents, servers, sites and work on them: facts, past tense."""

from __future__ import annotations

from typing import Any

from shared.contracts.installer.views import SiteFinding, SiteView, StepView
from shared.eventsourcing.event import Event, event


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


@event("installer.ServerRenamed")
class ServerRenamed(Event):
    """The server is called by another name; an empty one is its host's again."""

    server_id: str
    agent_id: str
    account_id: str
    name: str


@event("installer.ServerAdded")
class ServerAdded(Event):
    """An agent reaches another host over SSH from now on; `ref` is the agent's own word for it."""

    server_id: str
    agent_id: str
    account_id: str
    ref: str
    name: str
    address: str
    port: int
    user: str
    host_key: str


@event("installer.ServerStateChanged")
class ServerStateChanged(Event):
    """What the agent says of a server that it reaches over SSH is another than before."""

    server_id: str
    agent_id: str
    account_id: str
    state: str
    detail: str
    version: str
    os: str
    host_name: str
    web_servers: list[str]
    host_key_seen: str = ""  # the fingerprint that it shows instead of the one it was added with


@event("installer.ServerRemoved")
class ServerRemoved(Event):
    """The server is out: at its agent, with its agent, or by the customer; then its agent has to forget it."""

    server_id: str
    agent_id: str
    account_id: str
    by_customer: bool = False


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


@event("installer.SiteFindingsChanged")
class SiteFindingsChanged(Event):
    """What is amiss with a site is something else than before: all of it, so that the newest one counts alone.

    `order_id` and `installation_id` are those of the last certificate that was brought there; empty without one.
    """

    server_id: str
    agent_id: str
    account_id: str
    site_id: str
    site_name: str
    findings: list[SiteFinding]
    order_id: str = ""
    installation_id: str = ""


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
    order_id: str = ""


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
    code: str = ""  # of the reason, where it has one


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
    code: str = ""  # of the reason, where it has one


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
    code: str = ""  # of the reason, where it has one


@event("installer.ACMEFilePlaced")
class ACMEFilePlaced(Event):
    """The file that another CA looks for stands on a server, and its site answers with it at the address `seen`."""

    order_id: str
    account_id: str
    issuance_id: str
    server_id: str
    fqdn: str
    written_path: str
    seen: str


@event("installer.ACMEFileFailed")
class ACMEFileFailed(Event):
    """The file that another CA looks for is not on a server; it is answered as where there is no agent."""

    order_id: str
    account_id: str
    issuance_id: str
    server_id: str
    fqdn: str
    reason: str
    code: str = ""  # of the reason, where it has one


@event("installer.AgentScanFailed")
class AgentScanFailed(Event):
    """The agent did not take up a scan."""

    scan_id: str
    account_id: str
    agent_id: str
    reason: str
    code: str = ""  # of the reason, where it has one


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
    code: str = ""  # of the reason, where it has one


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
    code: str = ""  # of the reason, where it has one
