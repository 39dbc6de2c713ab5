# SPDX-License-Identifier: Apache-2.0
"""The installer on the wire: requests of customers and agents, and what other rooms ask for."""

from __future__ import annotations

from functools import partial

import msgspec

from services.installer import bootstrap
from services.installer.handlers import (
    agents,
    challenges,
    downloads,
    enrolment,
    plans,
    polling,
    proofs,
    reactions,
    servers,
    watching,
    work,
)
from shared.context import Context, system
from shared.contracts import ca, dcv, discovery, installer, orders
from shared.contracts.base import Done, Page
from shared.contracts.orders.installable import ask_for_certificate
from shared.eventsourcing.envelope import Envelope
from shared.messaging.rpc import rpc
from shared.messaging.subscribe import subscribe
from shared.messaging.timers import every
from shared.runtime.service import Service


class InstallerService(Service):
    """Agents, servers, sites, and work on them."""

    name = "installer"
    build = staticmethod(bootstrap.build)
    app: bootstrap.App

    @rpc(installer.RegisterAgent)
    def register_agent(self, request: installer.RegisterAgent, context: Context) -> installer.AgentView:
        """A new agent record."""
        return self.app.room.execute(partial(agents.register_agent, policy=self.app.policy), request, context)

    @rpc(installer.RenameAgent)
    def rename_agent(self, request: installer.RenameAgent, context: Context) -> installer.AgentView:
        """Another name."""
        return self.app.room.execute(partial(agents.rename_agent, policy=self.app.policy), request, context)

    @rpc(installer.RemoveAgent)
    def remove_agent(self, request: installer.RemoveAgent, context: Context) -> Done:
        """Out for good."""
        return self.app.room.execute(agents.remove_agent, request, context)

    @rpc(installer.GetAgent)
    def get_agent(self, request: installer.GetAgent, context: Context) -> installer.AgentView:
        """One agent."""
        return agents.get_agent(self.app.room, request, context, policy=self.app.policy)

    @rpc(installer.ListAgents)
    def list_agents(self, request: installer.ListAgents, context: Context) -> Page[installer.AgentView]:
        """The account's agents."""
        return agents.list_agents(self.app.room, request, context, policy=self.app.policy)

    @rpc(installer.DownloadAgent)
    def download_agent(self, request: installer.DownloadAgent, context: Context) -> installer.AgentDownload:
        """One build for one agent."""
        app = self.app
        return downloads.download_agent(app.room, request, context, bundle=app.bundle, gateway=app.gateway)

    @rpc(installer.ListAgentBuilds)
    def list_agent_builds(self, request: installer.ListAgentBuilds, context: Context) -> installer.AgentBuilds:
        """What an agent can be set up from."""
        app = self.app
        return downloads.list_builds(app.room, request, context, bundle=app.bundle, gateway=app.gateway)

    @rpc(installer.FetchAgent)
    def fetch_agent(self, request: installer.FetchAgent, _context: Context) -> installer.AgentDownload:
        """One build for the host that it is for."""
        return downloads.fetch_agent(self.app.room, request, bundle=self.app.bundle, gateway=self.app.gateway)

    @rpc(installer.ListServers)
    def list_servers(self, request: installer.ListServers, context: Context) -> Page[installer.ServerView]:
        """The account's servers."""
        return servers.list_servers(self.app.room, request, context, policy=self.app.policy)

    @rpc(installer.GetServer)
    def get_server(self, request: installer.GetServer, context: Context) -> installer.ServerView:
        """One server."""
        return servers.get_server(self.app.room, request, context, policy=self.app.policy)

    @rpc(installer.RemoveServer)
    def remove_server(self, request: installer.RemoveServer, context: Context) -> Done:
        """Out, and forgotten by its agent."""
        return self.app.room.execute(servers.remove_server, request, context)

    @rpc(installer.RenameServer)
    def rename_server(self, request: installer.RenameServer, context: Context) -> installer.ServerView:
        """Its own name beside the host's."""
        return self.app.room.execute(partial(servers.rename_server, policy=self.app.policy), request, context)

    @rpc(installer.ListSites)
    def list_sites(self, request: installer.ListSites, context: Context) -> Page[installer.ListedSite]:
        """The account's sites."""
        return agents.list_sites(self.app.room, request, context)

    @rpc(installer.VerifyAgent)
    def verify_agent(self, request: installer.VerifyAgent, context: Context) -> installer.AgentView:
        """The customer's side of the enrolment."""
        return enrolment.verify_agent(self.app.room, request, context, policy=self.app.policy)

    @rpc(installer.IntroduceAgent)
    def introduce_agent(self, request: installer.IntroduceAgent, context: Context) -> installer.Introduction:
        """The agent's side, waiting."""
        return self.app.room.execute(enrolment.introduce_agent, request, _unstored(context))

    @rpc(installer.FinishEnrolment)
    def finish_enrolment(self, request: installer.FinishEnrolment, context: Context) -> installer.Introduction:
        """The agent's side, done."""
        handler = partial(enrolment.finish_enrolment, token=self.app.tokens.new())
        return self.app.room.execute(handler, request, _unstored(context))

    @rpc(installer.AuthenticateAgent)
    def authenticate_agent(self, request: installer.AuthenticateAgent, _context: Context) -> installer.AgentIdentity:
        """Who holds a token."""
        return enrolment.authenticate_agent(self.app.room, request)

    @rpc(installer.ClaimJobs)
    def claim_jobs(self, request: installer.ClaimJobs, context: Context) -> installer.AgentWork:
        """Beat and claim."""
        return polling.poll(self.app.room, request, context, policy=self.app.policy, pace=self.app.pace)

    @rpc(installer.ReportStep)
    def report_step(self, request: installer.ReportStep, context: Context) -> Done:
        """A step of a job."""
        return self.app.room.execute(work.report_step, request, context)

    @rpc(installer.FinishJob)
    def finish_job(self, request: installer.FinishJob, context: Context) -> Done:
        """The end of a job."""
        return self.app.room.execute(work.finish_job, request, context)

    @rpc(installer.ReportSites)
    def report_sites(self, request: installer.ReportSites, context: Context) -> Done:
        """What a host serves."""
        return self.app.room.execute(work.report_sites, request, context)

    @rpc(installer.ReportServers)
    def report_servers(self, request: installer.ReportServers, context: Context) -> installer.ReportedServers:
        """What an agent reaches over SSH."""
        return self.app.room.execute(servers.report_servers, request, context)

    @rpc(installer.CheckInstallation)
    def check_installation(self, request: installer.CheckInstallation, context: Context) -> installer.JobView:
        """Served against expected."""
        return self.app.room.execute(partial(work.check_installation, policy=self.app.policy), request, context)

    @rpc(installer.PlanInstallation)
    def plan_installation(self, request: installer.PlanInstallation, context: Context) -> installer.JobView:
        """Orders is asked for the certificate before the transaction begins: never call out inside one."""
        order, certificate = ask_for_certificate(self.client.send, request.order_id, context)
        policy = self.app.policy
        handler = partial(plans.plan_installation, order=order, certificate=certificate, policy=policy)
        return self.app.room.execute(handler, request, context)

    @rpc(installer.GetInstallationPlan)
    def get_installation_plan(
        self, request: installer.GetInstallationPlan, context: Context
    ) -> installer.InstallationPlanView:
        """What an installation would change, or set out to."""
        return plans.get_installation_plan(self.app.room, request, context)

    @rpc(installer.GetJob)
    def get_job(self, request: installer.GetJob, context: Context) -> installer.JobView:
        """One job."""
        return work.get_job(self.app.room, request, context)

    @rpc(installer.ListJobs)
    def list_jobs(self, request: installer.ListJobs, context: Context) -> Page[installer.JobView]:
        """Jobs, newest first."""
        return work.list_jobs(self.app.room, request, context)

    @subscribe(orders.CSRRequested)
    def on_csr_requested(self, event: Envelope[orders.CSRRequested]) -> None:
        """Key and CSR on the host."""
        self.app.room.react(reactions.on_csr_requested, event, name="installer.on_csr_requested")

    @subscribe(dcv.DCVFileRequested)
    def on_dcv_file_requested(self, event: Envelope[dcv.DCVFileRequested]) -> None:
        """The validation file."""
        self.app.room.react(proofs.on_dcv_file_requested, event, name="installer.on_dcv_file_requested")

    @subscribe(dcv.DCVPassed)
    def on_dcv_passed(self, event: Envelope[dcv.DCVPassed]) -> None:
        """A validation file that the service placed by itself goes again."""
        self.app.room.react(proofs.on_dcv_passed, event, name="installer.on_dcv_passed")

    @subscribe(orders.OrderCancelled, orders.OrderRejected, orders.OrderExpired)
    def on_order_ended(self, event: Envelope[orders.OrderCancelled]) -> None:
        """Whatever still lies there for an order that is over."""
        self.app.room.react(proofs.on_order_ended, event, name="installer.on_order_ended")

    @subscribe(ca.ChallengesOpened)
    def on_challenges_opened(self, event: Envelope[ca.ChallengesOpened]) -> None:
        """The files that another CA looks for, where a site of the account serves the name."""
        self.app.room.react(challenges.on_challenges_opened, event, name="installer.on_challenges_opened")

    @subscribe(ca.CertificateSigned, ca.IssuanceRefused)
    def on_issuance_ended(self, event: Envelope[ca.CertificateSigned]) -> None:
        """These files go again."""
        self.app.room.react(challenges.on_issuance_ended, event, name="installer.on_issuance_ended")

    @subscribe(orders.InstallationRequested)
    def on_installation_requested(self, event: Envelope[orders.InstallationRequested]) -> None:
        """The certificate onto a site."""
        self.app.room.react(reactions.on_installation_requested, event, name="installer.on_installation_requested")

    @subscribe(orders.CertificateSaveRequested)
    def on_certificate_save_requested(self, event: Envelope[orders.CertificateSaveRequested]) -> None:
        """The certificate as a zip."""
        name = "installer.on_certificate_save_requested"
        self.app.room.react(reactions.on_certificate_save_requested, event, name=name)

    @subscribe(discovery.AgentScanRequested)
    def on_agent_scan_requested(self, event: Envelope[discovery.AgentScanRequested]) -> None:
        """A look around in the agent's network."""
        self.app.room.react(reactions.on_agent_scan_requested, event, name="installer.on_agent_scan_requested")

    @subscribe(
        orders.OrderPlaced, orders.OrderPaid, orders.PaymentRefused, orders.OrderCancelled, orders.OrderRejected,
        orders.OrderExpired,
    )  # fmt: skip
    def on_order_changed(self, event: Envelope[orders.OrderPlaced]) -> None:
        """Which names somebody will bring certificates for."""
        self.app.room.react(watching.on_order_changed, event, name="installer.on_order_changed")

    @every(seconds=300)
    def look_at_ends(self) -> None:
        """Certificates that end without an order."""
        for one in watching.due(self.app.room, self.app.policy):
            self.app.room.execute(watching.tell_end, one, system("installer"))

    @every(seconds=300)
    def expire(self) -> None:
        """Ends what waited too long."""
        context = system("installer")
        self.app.room.execute(partial(work.expire_jobs, policy=self.app.policy), None, context)
        self.app.room.execute(enrolment.tidy, None, context)
        self.app.room.execute(plans.forget_old, None, context)


def _unstored(context: Context) -> Context:
    """Without a command id: an answer with a credential, or one that changes by itself, must not be kept."""
    return msgspec.structs.replace(context, command_id=None)
