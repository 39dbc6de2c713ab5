# SPDX-License-Identifier: Apache-2.0
"""What replies about agents, servers, sites and work on them look like."""

from __future__ import annotations

from typing import Any

from shared.contracts.base import View


class AgentView(View):
    """An agent. `state`: unverified, connected, not_connected, outdated, removed; `cure` says what to do about it.

    `address` is where it was last heard from, as the gateway saw it.
    """

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
    address: str = ""


class ServerView(View):
    """A host with web servers, reached through an agent. The agent's own host is a server too.

    `name` is what it is called: the name that it was given, else `host_name`. `sites` counts what was reported.
    `state`: connected, not_connected, outdated, keys_missing, host_key_changed; only on a connected one an action runs.
    `cure` says what to do about another state, `detail` what was seen. `remote`: the agent reaches it over SSH, as
    `user` on `port` of `address`, and knows it by the fingerprint `host_key`; it may show `host_key_seen` instead.
    """

    server_id: str
    agent_id: str
    name: str
    address: str
    state: str
    os: str = ""
    web_servers: list[str] = []
    created_at: str = ""
    host_name: str = ""
    agent_name: str = ""
    last_seen_at: str | None = None
    sites: int = 0
    sites_amiss: int = 0  # those with findings
    cure: str = ""
    detail: str = ""
    remote: bool = False
    port: int = 0
    user: str = ""
    host_key: str = ""
    host_key_seen: str = ""


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
    """A server block, virtual host, TLS host of Tomcat, certificate of HAProxy, or files that the host names.

    `site_id` is stable while its name and server stay.
    """

    site_id: str
    server_id: str
    web_server: str  # nginx, apache, tomcat, haproxy or files
    name: str
    names: list[str]
    bindings: list[Binding]
    document_root: str
    config_path: str
    writable: bool
    reason: str = ""  # why it is not writable
    last_reported_at: str = ""


class SiteFinding(View):
    """What is amiss with a site, and since when (RFC 3339).

    `kind`: replaced (what Certwright installed is not there any more), tug_of_war (again and again), key_readable (by
    others), mismatch_key (the key is not the certificate's), serves_other_than_file (a reload is missing),
    expires_without_order. `by` is the tool: certbot, acme.sh, caddy, lego, dehydrated, certwright (another installation
    of ours), unknown. `evidence` is the path of what says so, or the binding it was seen on; `serial` of what was
    installed, `spki_sha256` of the key that does not fit, `until` when the certificate ends. `served`: the site still
    serves what was installed.
    """

    kind: str
    since: str
    path: str = ""
    mode: str = ""
    by: str = ""
    evidence: str = ""
    owner: str = ""
    serial: str = ""
    spki_sha256: str = ""
    until: str = ""
    served: bool = False


class ShownFinding(SiteFinding):
    """A finding in words. `severity`: notice, warning, critical; `cure` says what to do."""

    severity: str = ""
    text: str = ""
    cure: str = ""


class ListedSite(SiteView):
    """A site in a list, with the name of its server and what is amiss with it.

    `key_servers`: how many other servers of the account have a site with the same key.
    """

    server_name: str = ""
    findings: list[ShownFinding] = []
    key_servers: int = 0


class StepView(View):
    """One step of a job. `status`: running, done, failed, undone; `detail` says it in words."""

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
    code: str = ""  # of the reason, where it has one


class AgentDownload(View):
    """A file with the agent, its settings and instructions; nothing in it is secret."""

    file_name: str
    content_base64: str
    sha256: str


class AgentBuild(View):
    """A download. `build`: debian (.deb), linux (zip for any Linux), utility (stand-alone, talks to no console).

    `page`: has the local web page. `nginx` to `iis` say where it works on sites of such a server: here (on the host
    that it runs on), here_and_ssh (also on Linux hosts behind SSH), none. `unavailable` says why this installation
    cannot make it, with the cure; `size` (bytes) and `sha256` are empty then.
    """

    build: str
    file_name: str
    size: int
    sha256: str
    page: bool
    nginx: str
    apache: str
    tomcat: str
    haproxy: str
    files: str
    iis: str
    unavailable: str = ""


class AgentBuilds(View):
    """Everything that an agent can be set up from."""

    items: list[AgentBuild]


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
    """A job as its agent gets it. `kind`: make_csr, place_dcv_file, remove_dcv_file, place_acme_file, remove_acme_file,
    plan_installation, install_certificate, save_certificate, check_installation, report_sites, run_scan. `arguments`
    are data, checked again by the agent. `server` is the agent's `ref` of the server to do it on; empty for its own
    host.
    """

    job_id: str
    kind: str
    arguments: dict[str, Any]
    expires_at: str
    server: str = ""


class AgentWork(View):
    """What an agent has to do now; `poll_after` in seconds."""

    jobs: list[AgentJob]
    poll_after: float


class ReportedServers(View):
    """What the agent must know after telling its servers: those that the customer removed, by `ref`."""

    forget: list[str] = []


class AgentIdentity(View):
    """Who stands behind an agent token."""

    agent_id: str
    account_id: str
