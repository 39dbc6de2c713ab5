# SPDX-License-Identifier: Apache-2.0
"""Who asks, and for which account."""

from __future__ import annotations

from shared.context import Context
from shared.errors import Code, ServiceError


def agent_of(context: Context) -> str:
    """The agent who asks. Raises ServiceError `forbidden`."""
    kind, _, agent_id = context.actor.partition(":")
    if kind != "agent" or not agent_id:
        raise ServiceError(Code.FORBIDDEN, "Only an agent may ask this.")
    return agent_id
