# SPDX-License-Identifier: Apache-2.0
"""The plan of an installation: what it would change on a server, to be looked at and approved by its hash."""

from __future__ import annotations

from shared.contracts.base import Permission, Request, View, command, query
from shared.contracts.installer.requests import SERVICE
from shared.contracts.installer.views import JobView


class PlannedFile(View):
    """A file that gets another content. `what` is configuration, which is shown as a unified `diff`, or content: a
    certificate, or with `secret` a key, of which only the certificates' SHA-256 are told.

    `hidden` lines of the diff may hold a secret and are not shown; `cut`: the diff is too long to be told at all.
    A file that is `new` is not there yet; `mode` is octal.
    """

    path: str
    what: str
    mode: str
    owner: str = ""
    secret: bool = False
    new: bool = False
    old_sha256: str = ""
    new_sha256: str = ""
    old_certificate_sha256: str = ""
    new_certificate_sha256: str = ""
    added: int = 0
    removed: int = 0
    hidden: int = 0
    cut: bool = False
    encoding: str = "utf-8"
    diff: str = ""


class PlannedBinding(View):
    """Where a handshake must show the certificate afterwards, and the name that is asked for."""

    address: str
    port: int
    name: str = ""


class InstallationPlanView(View):
    """A plan, or what an installation did, by the id of its job. `status`: waiting (for the agent), told, failed, or
    gone: plans are kept for 90 days, and agents before 0.5.0 tell none.

    `plan_sha256` is what an approval names. The same host and certificate have the same.
    """

    plan_id: str
    status: str
    server_id: str
    order_id: str
    created_at: str
    reason: str = ""
    code: str = ""  # of the reason, where it has one
    plan_sha256: str = ""
    web_server: str = ""
    site: str = ""
    serial: str = ""
    fingerprint_sha256: str = ""
    files: list[PlannedFile] = []
    test: str = ""
    reload: str = ""
    bindings: list[PlannedBinding] = []


@command(SERVICE, Permission.CREATE_ORDER)
class PlanInstallation(Request[JobView]):
    """Has the agent tell what the installation of the order's newest certificate on a site would change. Nothing is
    touched; the job's id is the plan's.

    Errors: not_found, action_not_allowed, conflict when the server is not connected or its agent is too old.
    """

    order_id: str
    server_id: str
    site_id: str


@query(SERVICE, Permission.VIEW)
class GetInstallationPlan(Request[InstallationPlanView]):
    """A plan, or by an installation's job what that one set out to change. Errors: not_found."""

    plan_id: str
