# SPDX-License-Identifier: Apache-2.0
"""Talk with a server as a generator, free of sockets and clocks: what it yields is sent, what came is sent into it.

    def ask(request: bytes) -> Conversation[bytes]:
        answer = yield request        # send, and wait for some bytes
        while len(answer) < 4:
            answer += yield b""       # wait for more
        return answer

Empty bytes that come in mean that the peer closed. A conversation ends by returning its result or by `ProbeError`; what
drives it (`shared.probe.loop`) bounds its time and its bytes, and turns a reset, a time-out or an error into `Failed`.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Callable, Generic, TypeVar, Union

from shared.probe.outcome import Failed, Failure, ProbeError

T = TypeVar("T")
Conversation = Generator[bytes, bytes, T]
Outcome = Union[T, Failed]


@dataclass
class Dial(Generic[T]):
    """A conversation to have with `address:port`. `address` is an IP literal that the caller may dial.

    `tag` is the caller's own and comes back with the outcome. Nobody changes one; to freeze it would make it four times
    as costly, and a sweep makes one for each address.
    """

    address: str
    port: int
    talk: Callable[[], Conversation[T]]
    tag: object = field(default=None, compare=False)


def more(received: bytes) -> bytes:
    """`received`, unless the peer closed. Raises ProbeError."""
    if not received:
        raise ProbeError(Failure.CLOSED, "the peer hung up in the middle")
    return received
