# SPDX-License-Identifier: Apache-2.0
"""The installer without a broker: customers, agents and foreign events are called as the service calls them."""

import itertools
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial

import msgspec
from certwright_agent import VERSION
from certwright_agent.enrolment import code_hash

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
from services.installer.model import job as jobs
from services.installer.projections import projections
from services.installer.settings import InstallerSettings
from shared.clock import RandomIds, to_text
from shared.context import Context
from shared.contracts import ca, dcv, discovery, installer, orders
from shared.eventsourcing.envelope import Envelope, Metadata
from shared.settings import Settings
from tests.support import told_plan as given

FACTS = installer.AgentFacts(version=VERSION, os="Debian", hostname="web1", web_servers=["nginx/1.22.1"])
PEM = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"


class StandingClock:
    def __init__(self):
        self.moment = datetime(2026, 11, 23, 12, tzinfo=UTC)

    def now(self):
        return self.moment

    def forward(self, **delta):
        self.moment += timedelta(**delta)


class InstallerRoom:
    def __init__(self, app, clock, account="account-1"):
        self.app, self.room, self.clock, self.account = app, app.room, clock, account
        self._numbers = itertools.count(1)

    @classmethod
    @contextmanager
    def on(cls, settings):
        clock = StandingClock()
        app = bootstrap.build(settings, installer=InstallerSettings(), clock=clock, ids=RandomIds())
        app.room.database.create_all(projections.metadata, projections.state)
        try:
            yield cls(app, clock)
        finally:
            app.room.database.close()

    @classmethod
    def on_sqlite(cls, folder):
        return cls.on(Settings(data_dir=folder))

    def customer(self, account=None, command_id=None):
        permissions = frozenset({"signed_in", "view", "create_order"})
        account = account or self.account
        return Context(actor="user:u", account_id=account, permissions=permissions, command_id=command_id)

    def agent_context(self, agent_id):
        return Context(actor=f"agent:{agent_id}", account_id=self.account, permissions=frozenset({"agent"}))

    # --- customers

    def register(self, name="web", account=None):
        handler = partial(agents.register_agent, policy=self.app.policy)
        return self.room.execute(handler, installer.RegisterAgent(name=name), self.customer(account))

    def rename(self, agent_id, name, account=None):
        handler = partial(agents.rename_agent, policy=self.app.policy)
        return self.room.execute(handler, installer.RenameAgent(agent_id=agent_id, name=name), self.customer(account))

    def remove(self, agent_id, account=None):
        return self.room.execute(agents.remove_agent, installer.RemoveAgent(agent_id=agent_id), self.customer(account))

    def get(self, agent_id, account=None):
        request = installer.GetAgent(agent_id=agent_id)
        return agents.get_agent(self.room, request, self.customer(account), policy=self.app.policy)

    def list_agents(self, account=None, **fields):
        request = installer.ListAgents(**fields)
        return agents.list_agents(self.room, request, self.customer(account), policy=self.app.policy)

    def list_servers(self, account=None, **fields):
        request = installer.ListServers(**fields)
        return servers.list_servers(self.room, request, self.customer(account), policy=self.app.policy)

    def rename_server(self, server_id, name, account=None):
        handler = partial(servers.rename_server, policy=self.app.policy)
        request = installer.RenameServer(server_id=server_id, name=name)
        return self.room.execute(handler, request, self.customer(account))

    def list_sites(self, account=None, **fields):
        return agents.list_sites(self.room, installer.ListSites(**fields), self.customer(account))

    def list_jobs(self, account=None, **fields):
        return work.list_jobs(self.room, installer.ListJobs(**fields), self.customer(account))

    def get_job(self, job_id, account=None):
        return work.get_job(self.room, installer.GetJob(job_id=job_id), self.customer(account))

    def verify(self, agent_id, code, account=None, command_id=None):
        request = installer.VerifyAgent(agent_id=agent_id, code=code)
        context = self.customer(account, command_id)
        return enrolment.verify_agent(self.room, request, context, policy=self.app.policy)

    def check(self, server_id, site_id, serial, account=None):
        request = installer.CheckInstallation(server_id=server_id, site_id=site_id, expected_serial=serial)
        return self.room.execute(
            partial(work.check_installation, policy=self.app.policy), request, self.customer(account)
        )

    def plan(self, server_id, site_id, account=None):
        """Asks for a plan, with what orders answers."""
        certificate = given.certificate_view()
        order = given.order_view(certificate)
        file = orders.CertificateFile(serial=certificate.serial, pem=PEM, chain_pem=PEM)
        handler = partial(plans.plan_installation, order=order, certificate=file, policy=self.app.policy)
        request = installer.PlanInstallation(order_id="order-1", server_id=server_id, site_id=site_id)
        return self.room.execute(handler, request, self.customer(account))

    def get_plan(self, plan_id, account=None):
        request = installer.GetInstallationPlan(plan_id=plan_id)
        return plans.get_installation_plan(self.room, request, self.customer(account))

    def forget_plans(self):
        self.room.execute(plans.forget_old, None, Context(actor="system:installer"))

    def download(self, agent_id, account=None, gateway=None, build="linux"):
        request = installer.DownloadAgent(agent_id=agent_id, build=build)
        app = self.app
        return downloads.download_agent(
            self.room, request, self.customer(account), bundle=app.bundle, gateway=gateway or app.gateway
        )

    def builds(self, agent_id, account=None, gateway=None):
        request = installer.ListAgentBuilds(agent_id=agent_id)
        gateway = gateway or self.app.gateway
        context = self.customer(account)
        return downloads.list_builds(self.room, request, context, bundle=self.app.bundle, gateway=gateway).items

    def fetch(self, uid, build="debian"):
        request = installer.FetchAgent(uid=uid, build=build)
        return downloads.fetch_agent(self.room, request, bundle=self.app.bundle, gateway=self.app.gateway)

    # --- agents

    def introduce(self, uid, code):
        request = installer.IntroduceAgent(
            uid=uid, code_sha256=code_hash(code), facts=FACTS, remote_address="192.0.2.7"
        )
        return self.room.execute(enrolment.introduce_agent, request, Context())

    def finish(self, uid, code, token="t" * 40):
        request = installer.FinishEnrolment(uid=uid, code_sha256=code_hash(code))
        return self.room.execute(partial(enrolment.finish_enrolment, token=token), request, Context())

    def authenticate(self, token):
        return enrolment.authenticate_agent(self.room, installer.AuthenticateAgent(token=token))

    def claim(self, agent_id, limit=4, **fields):
        return self.poll(agent_id, limit=limit, **fields).jobs

    def poll(self, agent_id, command_id=None, **fields):
        request, app = installer.ClaimJobs(**{"facts": FACTS, **fields}), self.app
        context = msgspec.structs.replace(self.agent_context(agent_id), command_id=command_id)
        return polling.poll(self.room, request, context, policy=app.policy, pace=app.pace)

    def step(self, agent_id, job_id, name, at="2026-11-23T12:00:00.000000Z", detail=""):
        step = installer.StepView(name=name, status="done", at=at, detail=detail)
        request = installer.ReportStep(job_id=job_id, step=step)
        return self.room.execute(work.report_step, request, self.agent_context(agent_id))

    def finish_job(self, agent_id, job_id, succeeded=True, **fields):
        request = installer.FinishJob(job_id=job_id, succeeded=succeeded, **fields)
        return self.room.execute(work.finish_job, request, self.agent_context(agent_id))

    def report_servers(self, agent_id, *told):
        request = installer.ReportServers(servers=list(told))
        return self.room.execute(servers.report_servers, request, self.agent_context(agent_id)).forget

    def told(self, number=1, **changes):
        """A server as an agent tells of it."""
        fields = {
            "ref": f"{number:032x}",
            "name": f"db{number}",
            "address": f"192.0.2.{number}",
            "port": 22,
            "user": "auto",
            "state": "connected",
            "facts": installer.AgentFacts(
                version=VERSION, os="Debian 12", hostname=f"host{number}", web_servers=["nginx"]
            ),
            "host_key": "SHA256:" + "A" * 43,
        }
        return installer.ServerReport(**{**fields, **changes})

    def get_server(self, server_id, account=None):
        request = installer.GetServer(server_id=server_id)
        return servers.get_server(self.room, request, self.customer(account), policy=self.app.policy)

    def remove_server(self, server_id, account=None):
        request = installer.RemoveServer(server_id=server_id)
        return self.room.execute(servers.remove_server, request, self.customer(account))

    def report(self, agent_id, *sites, server=""):
        request = installer.ReportSites(sites=list(sites), server=server)
        return self.room.execute(work.report_sites, request, self.agent_context(agent_id))

    def site(self, name="www.example.test", **changes):
        fields = {
            "web_server": "nginx",
            "name": name,
            "names": [name],
            "bindings": [installer.Binding(address="*", port=80, tls=False, names=[name])],
            "document_root": "/srv/www",
            "config_path": "/etc/nginx/sites-enabled/www",
            "writable": True,
        }
        return installer.SiteReport(**{**fields, **changes})

    def expire(self):
        self.room.execute(partial(work.expire_jobs, policy=self.app.policy), None, Context(actor="system:installer"))

    # --- other rooms

    def tell(self, fact, event_id=None, *, handler=None):
        at = to_text(self.clock.now())
        handler = (
            handler
            or {
                orders.CSRRequested: reactions.on_csr_requested,
                orders.InstallationRequested: reactions.on_installation_requested,
                orders.CertificateSaveRequested: reactions.on_certificate_save_requested,
                dcv.DCVFileRequested: proofs.on_dcv_file_requested,
                dcv.DCVPassed: proofs.on_dcv_passed,
                orders.OrderCancelled: proofs.on_order_ended,
                orders.OrderExpired: proofs.on_order_ended,
                ca.ChallengesOpened: challenges.on_challenges_opened,
                ca.CertificateSigned: challenges.on_issuance_ended,
                ca.IssuanceRefused: challenges.on_issuance_ended,
                discovery.AgentScanRequested: reactions.on_agent_scan_requested,
            }[type(fact)]
        )
        envelope = Envelope(
            event_id=event_id or f"foreign-{next(self._numbers)}",
            stream="order-1",
            version=1,
            type=fact.TYPE,
            schema_version=fact.SCHEMA,
            occurred_at=at,
            recorded_at=at,
            data=fact,
            metadata=Metadata(account_id=self.account),
            hash="",
        )
        return self.room.react(handler, envelope, name=f"installer.{handler.__name__}")

    def cover(self, fact):
        """What an order's event means to sites whose certificates end."""
        return self.tell(fact, handler=watching.on_order_changed)

    def look_at_ends(self):
        for one in watching.due(self.room, self.app.policy):
            self.room.execute(watching.tell_end, one, Context(actor="system:installer"))

    def csr_requested(self, server_id, request_id="request-1", **changes):
        fields = {
            "order_id": "order-1",
            "account_id": self.account,
            "request_id": request_id,
            "server_id": server_id,
            "common_name": "www.example.test",
            "names": ["www.example.test"],
            "key_algorithm": "ec-p256",
        }
        self.tell(orders.CSRRequested(**{**fields, **changes}))
        return jobs.job_id("make_csr", request_id)

    def installation_requested(self, server_id, site_id, installation_id="installation-1", **more):
        self.tell(
            orders.InstallationRequested(
                order_id="order-1",
                account_id=self.account,
                installation_id=installation_id,
                server_id=server_id,
                site_id=site_id,
                csr_version=1,
                serial="0ABC",
                names=["www.example.test"],
                spki_sha256="0" * 64,
                certificate_pem=PEM,
                chain_pem=PEM,
                **more,
            )
        )
        return jobs.job_id("install_certificate", installation_id)

    # --- stories

    def enrolled(self, name="web", token="t" * 40):
        """An agent that works; returns its view and its server's id."""
        agent = self.register(name)
        self.introduce(agent.uid, "7G2KM-QX0ZP")
        self.verify(agent.agent_id, "7g2km qx0zp")
        self.finish(agent.uid, "7G2KM-QX0ZP", token)
        (server,) = self.list_servers(agent_id=agent.agent_id).items
        return agent, server.server_id

    def types(self, stream):
        return [each.type.partition(".")[2] for each in self.room.events(stream)]

    def last(self, job_id):
        return self.room.events(jobs.stream(job_id))[-1].data
