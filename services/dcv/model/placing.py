# SPDX-License-Identifier: Apache-2.0
"""A file that agents could not place is asked for again by itself, where no person had asked for it and waiting may
help."""

from __future__ import annotations

import hashlib
from datetime import timedelta

from services.dcv.model.methods import FILE_METHODS
from services.dcv.model.state import Authorization
from shared.contracts.dcv import DCVFileRequested
from shared.eventsourcing.event import Event

# Minutes while a web server is started again, then hours, then daily for more than a month.
DELAYS_S = (300, 1800, 7200, 28_800, 86_400)
JITTER = 0.1  # of the delay at most, either way: many names failed by one fault are not tried at one moment
MOST = 40
# What repetition does not mend: somebody has to change the host, its agent, or how the name is proved.
FOR_PEOPLE = frozenset({
    "no_web_root", "site_gone", "site_not_writable", "config_unclear", "unknown_job", "server_gone", "agent_removed",
})  # fmt: skip


def wait_after(state: Authorization, order_id: str, placement_id: str, code: str) -> timedelta | None:
    """How long after this failure the file is asked for again; None when it is not."""
    if not _wanted(state, order_id, placement_id) or code in FOR_PEOPLE:
        return None
    done = state.needs[order_id].placements
    if done >= MOST:
        return None
    drawn = int.from_bytes(hashlib.sha256(placement_id.encode()).digest()[:4]) / 2**32
    delay = DELAYS_S[min(done, len(DELAYS_S)) - 1]
    return timedelta(seconds=delay * (1 + JITTER * (2 * drawn - 1)))


def again(
    state: Authorization, order_id: str, failed: str, *, placement_id: str, path: str, content: str
) -> list[Event]:
    """The file once more in the place of the placement that `failed`; nothing where another was asked for since, the
    name is proved, another way was chosen, or the order is over."""
    if not _wanted(state, order_id, failed):
        return []
    return [
        DCVFileRequested(
            authorization_id=state.authorization_id,
            account_id=state.account_id,
            order_id=order_id,
            placement_id=placement_id,
            server_id="",
            fqdn=state.fqdn,
            path=path,
            content=content,
        )
    ]


def _wanted(state: Authorization, order_id: str, placement_id: str) -> bool:
    need = state.needs.get(order_id)
    return (
        need is not None
        and need.waits
        and need.method in FILE_METHODS
        and bool(placement_id)
        and need.placement_id == placement_id
    )
