# SPDX-License-Identifier: Apache-2.0
"""What the loop owes to conversations while whoever takes the outcomes is busy with something else."""

import socket
import threading
import time

import pytest

from shared.probe import loop as looping
from shared.probe.conversation import Dial
from shared.probe.loop import Limits, Loop
from shared.probe.outcome import Failed, Failure

COUNT = 40


def hear():
    return (yield b"")


@pytest.mark.parametrize("answers", [True, False])
def test_what_answered_meanwhile_answered_in_time(monkeypatch, answers):
    monkeypatch.setattr(looping, "_EVENTS", 4)
    late, kept, outcomes = [0.0], [], []
    with socket.create_server(("127.0.0.1", 0), backlog=COUNT) as server:

        def serve():
            for number in range(COUNT):
                connection, _ = server.accept()
                kept.append(connection)
                if answers or number == 0:
                    connection.sendall(b"x")

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        dials = [Dial("127.0.0.1", server.getsockname()[1], hear)] * COUNT
        loop = Loop(
            Limits(in_flight=COUNT, connect_s=5, talk_s=5),
            clock=lambda: time.monotonic() + late[0],
            each_turn=lambda: None,
        )
        for _, outcome in loop.run(dials):
            if not outcomes:
                thread.join()
                late[0] += 100  # as long as that is the first outcome looked at
            outcomes.append(outcome)
        for connection in kept:
            connection.close()
    if answers:
        assert outcomes == [b"x"] * COUNT
    else:
        silent = [one for one in outcomes if isinstance(one, Failed)]
        assert {one.failure for one in silent} == {Failure.TIMEOUT}
        assert (len(outcomes), len(silent)) == (COUNT, COUNT - 1)
