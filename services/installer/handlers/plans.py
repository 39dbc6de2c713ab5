# SPDX-License-Identifier: Apache-2.0
"""Plans of installations: asked for, kept for a while as the agent told them, and shown."""

from __future__ import annotations

from datetime import timedelta

import msgspec

from services.installer.handlers.site_jobs import ask_agent, ready_site
from services.installer.handlers.views import facts_of, older
from services.installer.handlers.work import PLANNED
from services.installer.model import plan as plans
from services.installer.model.plan import Plan
from services.installer.model.policy import Policy
from services.installer.projections.finding import find_job
from services.installer.tables import forget_plans, kept_plan
from shared.clock import to_text
from shared.context import Context
from shared.contracts import installer as contract
from shared.contracts import orders
from shared.contracts.base import Done
from shared.contracts.tenancy import scope_of
from shared.errors import Code, ServiceError, not_found
from shared.eventstore.room import Room
from shared.eventstore.unit_of_work import UnitOfWork

KEPT = timedelta(days=90)
_plan = msgspec.json.Decoder(Plan)


def plan_installation(
    uow: UnitOfWork,
    request: contract.PlanInstallation,
    *,
    order: orders.OrderView,
    certificate: orders.CertificateFile,
    policy: Policy,
) -> contract.JobView:
    """Has the agent tell what an installation of `certificate` would change."""
    row, site = ready_site(uow, request.server_id, request.site_id, policy)
    if older(facts_of(row).version, plans.AGENTS_SINCE):
        raise ServiceError(Code.CONFLICT, plans.TOO_OLD, pointer="/server_id", extra={"reason": "server_outdated"})
    newest = order.certificate
    if newest is None or newest.serial != certificate.serial:
        raise ServiceError(Code.CONFLICT, "The order has another certificate by now. Try again.")
    arguments = {
        "names": newest.names,
        "serial": newest.serial,
        "spki_sha256": newest.spki_sha256,
        "certificate_pem": certificate.pem,
        "chain_pem": certificate.chain_pem,
    }
    return ask_agent(uow, row, site, "plan_installation", arguments, order_id=request.order_id)


def get_installation_plan(
    room: Room, request: contract.GetInstallationPlan, context: Context
) -> contract.InstallationPlanView:
    """What an agent told, or that it has not yet, or why it cannot."""
    scope = scope_of(context)
    with room.query() as connection:
        job = find_job(connection, scope, request.plan_id)
        text = kept_plan(connection, request.plan_id) if job is not None else None
    if job is None or job.kind not in PLANNED:
        raise not_found("plan")
    shown = contract.InstallationPlanView(
        plan_id=job.job_id,
        status={"waiting": "waiting", "claimed": "waiting", "failed": "failed"}.get(job.status, "gone"),
        server_id=job.server_id,
        order_id=job.order_id,
        created_at=job.created_at,
        reason=job.reason,
        code=job.code,
        site=job.subject,
    )
    if text is None:
        return shown
    plan = _plan.decode(text)
    return msgspec.structs.replace(
        shown,
        status="told",
        plan_sha256=plan.plan_sha256,
        web_server=plan.web_server,
        site=plan.site,
        serial=plan.serial,
        fingerprint_sha256=plan.fingerprint_sha256,
        files=plan.files,
        test=plan.test,
        reload=plan.reload,
        bindings=plan.bindings,
    )


def forget_old(uow: UnitOfWork, _request: None) -> Done:
    """Plans are there to be looked at, not for ever."""
    forget_plans(uow.connection, to_text(uow.now - KEPT))
    return Done()
