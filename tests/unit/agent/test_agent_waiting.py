# SPDX-License-Identifier: Apache-2.0
"""How long the agent waits: as the gateway says, never all at the same moment, ever longer while it is away."""

import pytest
from certwright_agent.errors import GatewayError
from certwright_agent.gateway import Gateway
from certwright_agent.loop import Agent, pause

from tests.support import agent_gateway

MANY = 200
REFUSED = (503, b'{"detail": "too many agents"}')


@pytest.fixture
def gateway():
    with agent_gateway.running() as made:
        yield made


class OneRound(Agent):
    """Asks the gateway as the agent does, and stops at its second round."""

    def __init__(self, gateway):
        super().__init__(gateway, worker=None, say=lambda _text: None)
        self.rounds = 0

    def once(self):
        self.rounds += 1
        self.stopping = self.rounds > 1
        return self._gateway.send("POST", "/jobs/claim", {}).get("poll_after", 0.0)


@pytest.mark.parametrize(
    ("said", "understood"),
    [("7", 7.0), ("0", 0.0), (None, 0.0), ("-5", 0.0), ("1.5", 0.0), ("Wed, 21 Oct 2026 07:28:00 GMT", 0.0),
     ("99999999999999999999", 600.0), ("٧", 0.0)],
)  # fmt: skip
def test_retry_after_is_read_or_passed_over(gateway, said, understood):
    gateway.raw = REFUSED
    gateway.retry_after = said if said is None or said.isascii() else said.encode().decode("latin-1")
    with pytest.raises(GatewayError) as caught:
        Gateway(gateway.url, None).send("POST", "/jobs/claim", {})
    assert (caught.value.status, caught.value.retry_after) == (503, understood)


def test_what_the_gateway_asks_for_is_a_least_and_not_the_same_for_all():
    waits = [pause(failures, None, 30.0) for failures in range(1, MANY)]
    assert 30.0 <= min(waits) < 31.0
    assert 35.0 < max(waits) <= 36.0


def test_without_a_word_the_wait_doubles_up_to_a_minute_with_jitter():
    for failures, middle in ((1, 10.0), (2, 20.0), (3, 40.0), (4, 60.0), (5000, 60.0)):
        waits = [pause(failures, None, 0.0) for _ in range(MANY)]
        assert middle * 0.8 <= min(waits) < middle < max(waits) <= middle * 1.2


def test_the_loop_waits_so(gateway):
    gateway.raw, gateway.retry_after = REFUSED, "7"
    agent, slept = OneRound(Gateway(gateway.url, None, "T" * 40)), []
    agent.run(None, slept.append)
    assert 7.0 <= sum(slept) <= 7.0 * 1.2
    assert agent.rounds == 2
