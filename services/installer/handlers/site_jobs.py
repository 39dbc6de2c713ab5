# SPDX-License-Identifier: Apache-2.0
"""What a customer asks of a site at once: the site, if something can be done there now, and the job for its agent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from services.installer.handlers.views import server_view
from services.installer.model import job as model
from services.installer.model.policy import Policy
from services.installer.projections.finding import find_job, find_server, find_site
from shared.contracts import installer as contract
from shared.contracts.installer.readiness import require_ready
from shared.contracts.tenancy import account_of
from shared.errors import not_found
from shared.eventstore.unit_of_work import UnitOfWork


def ready_site(uow: UnitOfWork, server_id: str, site_id: str, policy: Policy) -> tuple[Any, contract.SiteView]:
    """The row of a server and a site of the account on it. Raises ServiceError `not_found`, `conflict`."""
    row = find_server(uow.connection, server_id)
    site = find_site(uow.connection, account_of(uow.context), server_id, site_id)
    if row is None or site is None:
        raise not_found("site")
    require_ready(server_view(row, uow.now, policy))
    return row, site


def ask_agent(
    uow: UnitOfWork,
    row: Any,
    site: contract.SiteView,
    kind: str,
    arguments: Mapping[str, Any],
    *,
    order_id: str,
) -> contract.JobView:
    """Leaves a job for the agent of a server, with what names the site."""
    job_id, account_id = uow.new_id(), account_of(uow.context)
    created = contract.AgentJobCreated(
        job_id=job_id,
        agent_id=row.agent_id,
        account_id=account_id,
        server_id=site.server_id,
        kind=kind,
        arguments={"site_id": site.site_id, "web_server": site.web_server, "site_name": site.name, **arguments},
        order_id=order_id,
        subject=site.name,
    )
    uow.append(model.stream(job_id), created)
    view = find_job(uow.connection, account_id, job_id)
    if view is None:  # it was written a line above
        raise not_found("job")
    return view
