# SPDX-License-Identifier: Apache-2.0
"""Has a conversation of the probe without a network."""

from __future__ import annotations

from typing import TypeVar

from shared.probe.conversation import Conversation, Outcome
from shared.probe.outcome import Failed, Failure, ProbeError

T = TypeVar("T")


def rehearse(conversation: Conversation[T], *received: bytes, sent: list[bytes] | None = None) -> Outcome[T]:
    """Has a conversation with pieces that are known before; the peer closes after the last."""
    record: list[bytes] = [] if sent is None else sent
    try:
        record.append(next(conversation))
        for piece in (*received, b""):
            reply = conversation.send(piece)
            record.append(reply)
    except StopIteration as end:
        result: T = end.value
        return result
    except ProbeError as error:
        return error.failed()
    conversation.close()
    return Failed(Failure.CLOSED, "the peer hung up in the middle", connected=True)
