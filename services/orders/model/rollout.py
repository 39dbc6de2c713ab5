# SPDX-License-Identifier: Apache-2.0
"""A certificate on several sites: one is the canary, the others begin when a site of the rollout was seen to serve it.

Until then one site is touched at a time. Where a person asked, a canary that fails ends it: the others are not begun.
Where the service did, the next site is the canary, since a site that is broken for good must not keep all others from
their renewal.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from services.orders.model.order import Certificate, Installation, Order
from services.orders.model.status import status_of
from shared.contracts import orders as c
from shared.eventsourcing.event import Event

CANARY_FAILED, SUPERSEDED = "canary_failed", "certificate_superseded"


class Target(msgspec.Struct, frozen=True):
    """A site, and the plan that was approved for it, if one was."""

    server_id: str
    site_id: str
    plan_id: str = ""
    plan_sha256: str = ""
    approved_by: str = ""


def begin(
    order: Order,
    newest: Certificate,
    targets: Sequence[Target],
    *,
    new_id: Callable[[], str],
    automatic: bool = False,
) -> list[Event]:
    """The first target is asked for, the others wait behind it. One alone is no rollout."""
    rollout_id = new_id() if len(targets) > 1 else ""
    wanted = [
        Installation(
            installation_id=new_id(),
            server_id=target.server_id,
            site_id=target.site_id,
            serial=newest.serial,
            csr_version=newest.csr_version,
            automatic=automatic,
            rollout_id=rollout_id,
            plan_id=target.plan_id,
            plan_sha256=target.plan_sha256,
            approved_by=target.approved_by,
        )
        for target in targets
    ]
    return [requested(order, newest, wanted[0]), *(_queued(order, one) for one in wanted[1:])] if wanted else []


def go_on(order: Order, done: Installation, *, served: bool, reason: str = "") -> list[Event]:
    """What follows for the sites that wait, once one of their rollout is `served` or failed for `reason`."""
    waiting = [
        one
        for one in order.installations.values()
        if one.status == "queued" and one.rollout_id == done.rollout_id != ""
    ]
    newest = order.certificate
    if newest is None or newest.csr_version != done.csr_version or not _in_use(order):
        why = "The certificate was replaced or ended meanwhile."
        return [_not_begun(order, one, why, SUPERSEDED) for one in waiting]
    if served:
        return [requested(order, newest, one) for one in waiting]
    if done.automatic:
        return [requested(order, newest, one) for one in waiting[:1]]
    why = f"Not begun, since the first site failed: {reason}"
    return [_not_begun(order, one, why, CANARY_FAILED) for one in waiting]


def requested(order: Order, newest: Certificate, one: Installation) -> c.InstallationRequested:
    """The installer is asked for this one now."""
    return c.InstallationRequested(
        order_id=order.order_id,
        account_id=order.account_id,
        installation_id=one.installation_id,
        server_id=one.server_id,
        site_id=one.site_id,
        csr_version=newest.csr_version,
        serial=newest.serial,
        names=newest.names,
        spki_sha256=newest.spki_sha256,
        certificate_pem=newest.certificate_pem,
        chain_pem=newest.chain_pem,
        automatic=one.automatic,
        rollout_id=one.rollout_id,
        plan_id=one.plan_id,
        plan_sha256=one.plan_sha256,
        approved_by=one.approved_by,
    )


def _in_use(order: Order) -> bool:
    return order.usable and status_of(order) in {"issued", "installed"}


def _queued(order: Order, one: Installation) -> c.InstallationQueued:
    return c.InstallationQueued(
        order_id=order.order_id,
        account_id=order.account_id,
        installation_id=one.installation_id,
        rollout_id=one.rollout_id,
        server_id=one.server_id,
        site_id=one.site_id,
        csr_version=one.csr_version,
        serial=one.serial,
        automatic=one.automatic,
        plan_id=one.plan_id,
        plan_sha256=one.plan_sha256,
        approved_by=one.approved_by,
    )


def _not_begun(order: Order, one: Installation, reason: str, code: str) -> c.InstallationNotBegun:
    return c.InstallationNotBegun(
        order_id=order.order_id,
        installation_id=one.installation_id,
        server_id=one.server_id,
        site_id=one.site_id,
        reason=reason[:2000],
        code=code,
    )
