# SPDX-License-Identifier: Apache-2.0
"""Bringing certificates on sites: what is asked of the installer, and what it says of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import datetime

from services.orders.model import rollout, trying_again
from services.orders.model.issuing import normal_serial
from services.orders.model.order import Certificate, Installation, Order
from services.orders.model.rollout import Target
from services.orders.model.status import check_identifier, require
from shared.contracts import installer
from shared.contracts import orders as c
from shared.contracts.installer.findings import OF_THE_CERTIFICATE, REPLACED
from shared.errors import Code, ServiceError, invalid
from shared.eventsourcing.event import Event

MAX_SITES = 100
_SHA256 = re.compile(r"[0-9a-f]{64}\Z")


def request_installation(
    order: Order,
    server_id: str,
    site_ids: list[str],
    *,
    new_id: Callable[[], str],
    now: datetime,
    canary: str = "",
    plans: Sequence[c.ApprovedPlan] = (),
    actor: str = "",
) -> list[Event]:
    """The newest certificate on every site given, one event each: the canary is asked for, the others wait. `actor`
    approved the plans. Raises action_not_allowed, invalid.
    """
    require(order, now, "auto_install")
    check_identifier(server_id, "/server_id", "Choose a server.")
    if not site_ids or len(set(site_ids)) != len(site_ids):
        raise invalid("Choose one or more different sites.", "/site_ids")
    for site_id in site_ids:
        check_identifier(site_id, "/site_ids", "Choose one or more different sites.")
    if len(site_ids) > MAX_SITES:
        raise invalid(f"At most {MAX_SITES} sites at once.", "/site_ids")
    if canary and canary not in site_ids:
        raise invalid("The canary is one of the sites.", "/canary")
    approved = _approved(site_ids, plans)
    targets = [
        Target(server_id, site_id, plan.plan_id, plan.plan_sha256, actor)
        if (plan := approved.get(site_id))
        else Target(server_id, site_id)
        for site_id in sorted(site_ids, key=lambda each: each != canary)  # stable: the others stay in their order
    ]
    return rollout.begin(order, usable_certificate(order), targets, new_id=new_id)


def request_save(order: Order, server_id: str, *, save_id: str, now: datetime) -> list[Event]:
    """The newest certificate as a zip on a server. Raises action_not_allowed, invalid."""
    require(order, now, "save")
    check_identifier(server_id, "/server_id", "Choose a server.")
    newest = usable_certificate(order)
    return [
        c.CertificateSaveRequested(
            order_id=order.order_id,
            account_id=order.account_id,
            save_id=save_id,
            number=order.number,
            server_id=server_id,
            common_name=order.common_name,
            certificate_pem=newest.certificate_pem,
            chain_pem=newest.chain_pem,
        )
    ]


def install_again(order: Order, *, new_id: Callable[[], str]) -> list[Event]:
    """A reissued certificate goes where the one before it is served, without a human."""
    if len(order.certificates) < 2:
        return []
    newest, before = order.certificates[-1], order.certificates[-2]
    # Where something else took its place, to bring the next one by itself would be a tug of war.
    served = [(one.server_id, one.site_id) for one in order.installed(before.csr_version) if one.there]
    # A key that was pasted is not known to the servers: their agents hold none for it.
    if order.csr is None or not order.csr.server_id:
        return []
    targets = [Target(server_id, site_id) for server_id, site_id in served if server_id == order.csr.server_id]
    return rollout.begin(order, newest, targets, new_id=new_id, automatic=True)


def install_failed_again(order: Order, *, new_id: Callable[[], str]) -> list[Event]:
    """The newest certificate on those sites whose last installation of it failed, or was not begun."""
    newest = order.certificate
    if newest is None or not order.usable:
        return []
    latest = {
        (one.server_id, one.site_id): one
        for one in order.installations.values()
        if one.csr_version == newest.csr_version
    }
    targets = [Target(*place) for place, one in latest.items() if one.status in {"failed", "not_begun"}]
    return rollout.begin(order, newest, targets, new_id=new_id)


def install_once_more(order: Order, *, new_id: Callable[[], str], now: datetime) -> list[Event]:
    """What failed without anybody having asked for it, once its time has come."""
    newest = order.certificate
    if newest is None:
        return []
    return [
        rollout.requested(
            order,
            newest,
            Installation(
                installation_id, one.server_id, one.site_id, newest.serial, newest.csr_version, automatic=True
            ),
        )
        for one, installation_id in trying_again.due(order, now, new_id=new_id)
    ]


def record_deployment(order: Order, event: installer.DeploymentSucceeded, now: datetime) -> list[Event]:
    """A site serves the certificate. "Installed" is only said when the serial seen is the one that was sent."""
    wanted = _open(order, event.installation_id)
    if wanted is None:
        return []
    served = normal_serial(event.served_serial)
    if served != wanted.serial:
        reason = "The site serves another certificate."
        return _failed(order, wanted, reason, "not_served", now, rolled_back=False)
    installed = c.CertInstalled(
        order_id=order.order_id,
        installation_id=wanted.installation_id,
        server_id=wanted.server_id,
        site_id=wanted.site_id,
        served_serial=served,
        csr_version=wanted.csr_version,
    )
    return [installed, *rollout.go_on(order, wanted, served=True)]


def record_findings(order: Order, event: installer.SiteFindingsChanged, report: int) -> list[Event]:
    """What is amiss with a site that the certificate was brought to, as report number `report` of its server says."""
    known = order.installations.get(event.installation_id)
    if known is None or known not in order.installed(known.csr_version) or report <= known.report or order.ended:
        return []
    taken = [one for one in event.findings if one.kind in OF_THE_CERTIFICATE]
    return [
        c.InstallationWatched(
            order_id=order.order_id,
            installation_id=known.installation_id,
            server_id=known.server_id,
            site_id=known.site_id,
            csr_version=known.csr_version,
            there=all(one.served for one in taken),
            findings=[one.kind for one in event.findings],
            by=taken[0].by if taken else "",
            path=taken[0].path if taken else "",
            report=report,
        )
    ]


def give_way(order: Order, server_id: str, site_id: str) -> list[Event]:
    """The certificate of another order was brought to a site that serves this one's: it serves it no more."""
    newest = order.certificate
    if newest is None or order.ended or order.renewed_by is not None:
        return []
    return [
        c.InstallationWatched(
            order_id=order.order_id,
            installation_id=one.installation_id,
            server_id=server_id,
            site_id=site_id,
            csr_version=one.csr_version,
            there=False,
            findings=[REPLACED],
            by="certwright",
            report=one.report,
        )
        for one in order.installed(newest.csr_version)
        if (one.server_id, one.site_id) == (server_id, site_id) and one.there
    ]


def record_failed_deployment(order: Order, event: installer.DeploymentFailed, now: datetime) -> list[Event]:
    """A site kept, or went back to, what it served."""
    wanted = _open(order, event.installation_id)
    if wanted is None:
        return []
    return _failed(order, wanted, event.reason, event.code, now, rolled_back=event.rolled_back)


def usable_certificate(order: Order) -> Certificate:
    """The newest certificate if it may be used. Raises not_found before the first, conflict when it is revoked."""
    newest = order.certificate
    if newest is None:
        raise ServiceError(Code.NOT_FOUND, "There is no certificate yet.")
    if not order.usable:
        raise ServiceError(Code.CONFLICT, "The newest certificate is revoked or being revoked. Have it reissued first.")
    return newest


def _open(order: Order, installation_id: str) -> Installation | None:
    found = order.installations.get(installation_id)
    return found if found is not None and found.status == "requested" else None


def _failed(
    order: Order, wanted: Installation, reason: str, code: str, now: datetime, *, rolled_back: bool
) -> list[Event]:
    failed = c.InstallationFailed(
        order_id=order.order_id,
        installation_id=wanted.installation_id,
        server_id=wanted.server_id,
        site_id=wanted.site_id,
        reason=reason,
        code=code,
        rolled_back=rolled_back,
        again_at=trying_again.next_moment(order, wanted, code, now),
        tries=trying_again.tries(order, wanted),
    )
    return [failed, *rollout.go_on(order, wanted, served=False, reason=reason)]


def _approved(site_ids: list[str], plans: Sequence[c.ApprovedPlan]) -> dict[str, c.ApprovedPlan]:
    by_site = {plan.site_id: plan for plan in plans}
    if len(by_site) != len(plans) or not set(by_site) <= set(site_ids):
        raise invalid("Each plan is for another one of the sites.", "/plans")
    for plan in plans:
        check_identifier(plan.plan_id, "/plans", "Name the plan that was looked at.")
        if not _SHA256.match(plan.plan_sha256):
            raise invalid("Name the plan's SHA-256, 64 hexadecimal digits.", "/plans")
    return by_site
