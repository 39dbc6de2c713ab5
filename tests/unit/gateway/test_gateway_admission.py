# SPDX-License-Identifier: Apache-2.0
"""Agents that come all at once: so many are served, the others get a place in a line; the console is not concerned."""

import json

from gateway.admission import LONGEST_S, RETURNS_PER_S, Admission
from gateway.traffic import TRACE

CLAIM = "/api/agent/v1/jobs/claim"


class Crowd:
    """An application inside of which, at each request, another one begins; `depth` of them."""

    def __init__(self, most):
        self.now = 1000.0
        self.gate = Admission(self._inside, most, monotonic=lambda: self.now)
        self.path = CLAIM
        self.depth = self.served = 0
        self.refusals = []

    def ask(self, path=CLAIM):
        answer = {}

        def start(status, headers):
            answer.update(status=status, headers=dict(headers))

        body = b"".join(self.gate({"PATH_INFO": path, TRACE: "0" * 32}, start))
        if answer["status"].startswith("503"):
            self.refusals.append((int(answer["headers"]["Retry-After"]), json.loads(body), answer["headers"]))
        return answer["status"]

    def _inside(self, _environ, start_response):
        self.served += 1
        if self.depth:
            self.depth -= 1
            self.ask(self.path)
        start_response("200 OK", [])
        return []


def test_so_many_are_inside_at_a_time_and_who_comes_later_is_served_again():
    crowd = Crowd(most=3)
    crowd.depth = 10
    assert crowd.ask() == "200 OK"
    assert (crowd.served, len(crowd.refusals)) == (3, 1)
    crowd.depth = 0
    assert crowd.ask() == "200 OK"


def test_a_refusal_is_a_problem_document_that_says_when_to_come():
    crowd = Crowd(most=1)
    crowd.depth = 1
    crowd.ask()
    [(seconds, problem, headers)] = crowd.refusals
    assert (seconds, problem["status"], problem["instance"]) == (1, 503, CLAIM)
    assert headers["Content-Type"] == "application/problem+json"


def test_people_are_served_while_agents_are_refused():
    crowd = Crowd(most=1)
    crowd.depth, crowd.path = 1, "/api/v1/orders"
    crowd.ask()
    assert (crowd.served, crowd.refusals) == (2, [])


def test_those_who_were_refused_come_back_one_after_the_other():
    crowd = Crowd(most=1)
    for _ in range(2000):
        crowd.depth = 1
        crowd.ask()
    told = [seconds for seconds, *_ in crowd.refusals]
    assert told == sorted(told)
    assert max(told.count(second) for second in set(told)) <= RETURNS_PER_S + 1
    assert max(told) <= 2000 / RETURNS_PER_S + 2


def test_a_line_without_end_is_not_trusted_and_empties_with_time():
    crowd = Crowd(most=1)
    for _ in range(int(LONGEST_S * RETURNS_PER_S) + 2000):
        crowd.depth = 1
        crowd.ask()
    last = [seconds for seconds, *_ in crowd.refusals[-2000:]]
    assert LONGEST_S / 2 <= min(last) < max(last) <= LONGEST_S
    assert len(set(last)) > 50
    crowd.now += LONGEST_S + 1
    crowd.depth = 1
    crowd.ask()
    assert crowd.refusals[-1][0] == 1
