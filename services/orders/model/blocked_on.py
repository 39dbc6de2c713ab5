# SPDX-License-Identifier: Apache-2.0
"""What an order waits for, who must act, and how: from its state alone, in words a customer understands."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from services.orders.model.order import Installation, Order
from services.orders.model.status import reissue_due, status_of
from shared.clock import from_text
from shared.contracts.installer.findings import REPLACED, STUCK, TOOLS
from shared.contracts.orders import BlockedOn

Reason = Literal[
    "payment_missing", "payment_being_drawn", "csr_missing", "csr_being_made", "csr_rejected", "authorization_missing",
    "authorization_expired", "organization_not_validated", "issuance_pending", "issuance_delayed", "issuance_failed",
    "installation_missing", "installation_pending", "installation_failed", "installation_again",
    "installation_replaced", "installation_stuck", "reissue_due",
    "installation_queued", "installation_not_begun", "certificate_expired",
    "certificate_revoked", "revocation_pending", "order_expired", "acme_client_awaited",
    "replacement_waiting", "replacement_by_client", "replacement_by_hand",
]  # fmt: skip
# How long an operator usually takes (guide §2).
VALIDATION_TIME = {"OV": "up to two days", "EV": "up to one week"}


def blocked_on(order: Order, now: datetime) -> list[BlockedOn]:
    """The reasons in the order in which they are best dealt with. Empty when nothing is missing or can be done."""
    status = status_of(order)
    if status == "awaiting_payment":
        return [_payment(order)]
    if status == "waiting_for_csr":
        return [*_csr(order, "generate_request"), *_organization(order)]
    if status == "processing":
        return _issuance(order, now, "replace_csr")
    if status in {"issued", "installed"}:
        return _after_issuance(order, now, status)
    if status == "expired" and order.renewed_by is None:
        return [_say("order_expired", "customer", "The order has expired. Renew it to get a new certificate.", "renew")]
    return []


def _say(reason: Reason, actor: str, text: str, action: str = "", subject: str = "", **facts: str) -> BlockedOn:
    return BlockedOn(reason=reason, actor=actor, text=text, action=action, subject=subject, facts=facts)


def _payment(order: Order) -> BlockedOn:
    if order.deposit:
        return _say("payment_being_drawn", "certwright", "The price is being drawn from your funds.")
    return _say("payment_missing", "customer", "The order has not been paid. Complete the payment.", "complete_payment")


def _csr(order: Order, action: str) -> list[BlockedOn]:
    attempt = order.csr_attempt
    if attempt is not None:
        text = "The agent is making the key and the request (CSR) on your server. Is it connected, if this takes long?"
        return [_say("csr_being_made", "agent", text, subject=attempt.server_id)]
    if order.csr_failure:
        text = f"The last request (CSR) could not be used: {order.csr_failure} Make or paste another one."
        return [_say("csr_rejected", "customer", text, action, code=order.csr_failure_code, detail=order.csr_failure)]
    if order.reserved > order.csr_version:
        text = "The ACME client has to prove the names and send its request (CSR). Look at its log, if this takes long."
        return [_say("acme_client_awaited", "customer", text)]
    text = "A certificate request (CSR) is missing. Have it made on your server, or paste one."
    return [_say("csr_missing", "customer", text, action)]


def _organization(order: Order) -> list[BlockedOn]:
    if not order.needs_organization or order.organization_validated:
        return []
    level = order.validation_level
    text = (
        f"We are checking your organization, as {level} certificates demand; "
        f"this takes {VALIDATION_TIME[level]}. You need not do anything unless we call."
    )
    return [
        _say(
            "organization_not_validated",
            "operator",
            text,
            subject=order.organization.name if order.organization else "",
            level=level,
        )
    ]


def _issuance(order: Order, now: datetime, csr_action: str) -> list[BlockedOn]:
    """What stands between the present CSR and its certificate."""
    replacing = _csr(order, csr_action) if order.csr_attempt or order.csr_failure else []
    issuance = order.present_issuance
    if issuance is not None and issuance.status == "requested" and issuance.reason:
        text = f"The CA cannot go on yet: {issuance.reason}"
        return [_say("issuance_delayed", "customer", text, detail=issuance.reason), *replacing]
    if issuance is not None and issuance.status == "requested":
        return [
            _say("issuance_pending", "certwright", "The certificate is being issued. This takes seconds."),
            *replacing,
        ]
    if issuance is not None and issuance.status == "failed":
        text = f"The certificate was not issued: {issuance.reason} Send another request (CSR), with a new key."
        return replacing or [
            _say("issuance_failed", "customer", text, csr_action, code=issuance.code, detail=issuance.reason)
        ]
    return [*replacing, *_names(order, now), *_organization(order)]


def _names(order: Order, now: datetime) -> list[BlockedOn]:
    found = []
    for fqdn in order.names:
        if order.authorized(fqdn, now):
            continue
        reason: Reason
        if fqdn in order.authorizations:
            reason, text = (
                "authorization_expired",
                f"Your proof of control over {fqdn} has grown too old. Prove it again.",
            )
        else:
            reason, text = (
                "authorization_missing",
                f"Prove that you control {fqdn}: choose a method and follow its steps.",
            )
        found.append(_say(reason, "customer", text, "domain_control_validation", fqdn))
    return found


def _after_issuance(order: Order, now: datetime, status: str) -> list[BlockedOn]:
    if order.being_revoked:
        return [_say("revocation_pending", "certwright", "The certificate is being revoked.")]
    if not order.usable:
        text = "The newest certificate was revoked by the CA. Have it reissued."
        return _reissue(order, now) or [_say("certificate_revoked", "customer", text, "reissue")]
    return [
        *(_replacement(order) or _expiry(order, now)),
        *_reissue(order, now),
        *_installation(order, status),
    ]


def _replacement(order: Order) -> list[BlockedOn]:
    """A mass replacement that has not come to this order, or that somebody else has to act for."""
    wanted = order.to_be_replaced
    if wanted is None or order.reissuing:
        return []
    if wanted.way == "agent":
        text = "The certificate is to be replaced at once. Certwright begins with it when it is its turn."
        return [_say("replacement_waiting", "certwright", text)]
    if wanted.way == "client":
        text = (
            "The certificate is to be replaced at once. Its ACME client learns so when it next asks when to renew; "
            "run its renewal now."
        )
        return [_say("replacement_by_client", "customer", text, "reissue")]
    text = "The certificate is to be replaced at once. Have it reissued with a new key, and install it."
    return [_say("replacement_by_hand", "customer", text, "reissue")]


def _expiry(order: Order, now: datetime) -> list[BlockedOn]:
    newest = order.certificate
    if newest is None or order.reissuing:
        return []
    if from_text(newest.not_after) > now:
        if not reissue_due(order, now):
            return []
        # Where the key was made by an agent, the service asks for it by itself within a minute.
        text = f"The certificate ends on {newest.not_after[:10]}, its term is paid for longer. Have it reissued."
        return [_say("reissue_due", "customer", text, "reissue", until=newest.not_after)]
    text = "The certificate has expired, but its term is paid for. Have it reissued at no cost."
    return [_say("certificate_expired", "customer", text, "reissue")]


def _reissue(order: Order, now: datetime) -> list[BlockedOn]:
    newest = order.certificate
    if not order.reissuing or newest is None:
        return []
    if order.csr_version == newest.csr_version:
        return _csr(order, "reissue")
    return _issuance(order, now, "reissue")


def _installation(order: Order, status: str) -> list[BlockedOn]:
    newest = order.certificate
    if newest is None:
        return []
    latest = {one.site_id: one for one in order.installations.values() if one.csr_version == newest.csr_version}
    found = []
    for one in latest.values():
        if one.status == "requested":
            text = "The agent is installing the certificate on your site."
            found.append(_say("installation_pending", "agent", text, subject=one.site_id))
        elif one.status == "queued":
            text = "This site is begun when the first one serves the certificate."
            found.append(_say("installation_queued", "certwright", text, subject=one.site_id))
        elif one.status == "not_begun":
            text = f"{one.reason} The site is as it was. Mend the cause and install again."
            facts = {"code": one.code, "detail": one.reason}
            found.append(_say("installation_not_begun", "customer", text, "auto_install", one.site_id, **facts))
        elif one.status == "failed" and one.again_at:
            text = f"The installation failed: {one.reason} It will be tried again at {one.again_at[:16]}Z by itself."
            facts = {"code": one.code, "detail": one.reason, "again_at": one.again_at}
            found.append(_say("installation_again", "certwright", text, "auto_install", one.site_id, **facts))
        elif one.status == "failed":
            text = f"The installation failed: {one.reason} The site is as it was. Mend the cause and install again."
            found.append(
                _say(
                    "installation_failed",
                    "customer",
                    text,
                    "auto_install",
                    one.site_id,
                    code=one.code,
                    detail=one.reason,
                )
            )
    found += [_replaced(one) for one in order.installed(newest.csr_version) if set(one.findings) & {REPLACED, STUCK}]
    if status == "issued" and not found:
        text = "The certificate is ready. Install it on your site, or save it."
        found.append(_say("installation_missing", "customer", text, "auto_install"))
    return found


def _replaced(one: Installation) -> BlockedOn:
    """Somebody else's certificate stands where this one was installed, or the site was not reloaded."""
    if REPLACED not in one.findings:
        text = "The site goes on serving an older certificate than its file holds. Reload the web server."
        return _say("installation_stuck", "customer", text, subject=one.site_id)
    who = TOOLS.get(one.by, TOOLS["unknown"])
    now = "It is served until the next reload." if one.there else "The site does not serve it any more."
    text = f"The certificate was replaced on your site by {who}. {now} Decide who looks after the site, then install."
    return _say("installation_replaced", "customer", text, "auto_install", one.site_id, by=one.by, path=one.path)
