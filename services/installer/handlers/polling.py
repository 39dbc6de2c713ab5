# SPDX-License-Identifier: Apache-2.0
"""The question that agents ask every few seconds: is there work? Mostly there is none; then little is done.

A thousand agents ask 200 times a second. So the answer is looked up by one statement, nobody's answer is kept, and
the beat is written without waiting for the disk: what is lost of it is said again at once.
"""

from __future__ import annotations

from functools import partial

import msgspec

from services.installer.handlers.access import agent_of
from services.installer.handlers.work import claim_jobs
from services.installer.model.pace import Pace
from services.installer.model.policy import Policy
from services.installer.projections.polled import enrolled_agents, find_idle
from services.installer.tables import touch
from shared.clock import to_text
from shared.context import Context
from shared.contracts import installer as contract
from shared.eventstore.room import Room


def poll(
    room: Room, request: contract.ClaimJobs, context: Context, *, policy: Policy, pace: Pace
) -> contract.AgentWork:
    """Beat and claim. Repeated, it is another question: work whose answer was lost is handed out again."""
    agent_id = agent_of(context)
    now = room.clock.now()
    text = msgspec.json.encode(request.facts).decode()
    fresh_since = to_text(now - policy.connected_for / 6)
    with room.query() as connection:
        idle = find_idle(connection, agent_id)
        if pace.due(now):
            pace.count(enrolled_agents(connection), now)
    if idle is None:
        handler = partial(claim_jobs, policy=policy)
        work = room.execute(handler, request, msgspec.structs.replace(context, command_id=None))
        return msgspec.structs.replace(work, poll_after=pace.poll_after(policy.poll_after))
    if not idle.says(text, request.remote_address, fresh_since):
        with room.database.mark() as connection:
            touch(
                connection,
                agent_id,
                to_text(now),
                request.facts,
                address=request.remote_address,
                fresh_since=fresh_since,
            )
    return contract.AgentWork(jobs=[], poll_after=pace.poll_after(policy.poll_after))
