# SPDX-License-Identifier: Apache-2.0
"""An installation that nobody asked for, and that failed, is tried again by itself: later each time, while waiting may
help and the certificate before still serves."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import datetime, timedelta

from services.orders.model.order import Installation, Order
from services.orders.model.status import status_of
from shared.clock import from_text, to_text

DELAYS_S = (300, 1800, 7200, 28_800, 86_400)  # the last one repeats
JITTER = 0.1  # of the delay at most, either way: many sites failed by one fault are not tried at one moment
MOST = 60  # of one site and certificate
# What repetition does not mend: somebody has to change the host, its agent, the site or the certificate.
FOR_PEOPLE = frozenset({
    "config_broken", "config_unclear", "site_gone", "site_not_writable", "port_taken", "certificate_misfit",
    "chain_misfit", "key_missing", "restore_failed", "unknown_job", "no_tls_module", "server_gone", "agent_removed",
    "agent_bad_answer",
})  # fmt: skip


def next_moment(order: Order, failed: Installation, code: str, now: datetime) -> str:
    """When an installation that fails now is tried again, in RFC 3339; empty when it is not."""
    if not failed.automatic or code in FOR_PEOPLE or not _newest(order, failed):
        return ""
    here = [one for one in order.installations.values() if _same_place(one, failed)]
    done = tries(order, failed)
    if done >= MOST or here[-1].installation_id != failed.installation_id:
        return ""
    drawn = int.from_bytes(hashlib.sha256(failed.installation_id.encode()).digest()[:4]) / 2**32
    delay = DELAYS_S[min(done, len(DELAYS_S)) - 1]
    moment = now + timedelta(seconds=delay * (1 + JITTER * (2 * drawn - 1)))
    return to_text(moment) if moment < _before_ends(order) else ""


def tries(order: Order, failed: Installation) -> int:
    """How often the service has asked for this certificate on this site by itself; 0 where a person asked."""
    if not failed.automatic:
        return 0
    return sum(_same_place(one, failed) and one.automatic for one in order.installations.values())


def due(order: Order, now: datetime, *, new_id: Callable[[], str]) -> list[tuple[Installation, str]]:
    """What is to be tried again by now, each with the id of the new try. Whatever was asked of a site since counts."""
    if not order.usable or status_of(order) not in {"issued", "installed"} or now >= _before_ends(order):
        return []
    latest = {(one.server_id, one.site_id, one.csr_version): one for one in order.installations.values()}
    return [
        (one, new_id())
        for one in latest.values()
        if one.status == "failed" and one.again_at and from_text(one.again_at) <= now and _newest(order, one)
    ]


def _newest(order: Order, one: Installation) -> bool:
    return order.certificate is not None and one.csr_version == order.certificate.csr_version


def _same_place(one: Installation, other: Installation) -> bool:
    return (one.server_id, one.site_id, one.csr_version) == (other.server_id, other.site_id, other.csr_version)


def _before_ends(order: Order) -> datetime:
    """When the certificate before the newest ends: then the site is broken, and a person has been told long since."""
    return max(from_text(one.not_after) for one in order.certificates[:-1] or order.certificates[-1:])
