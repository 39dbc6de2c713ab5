# SPDX-License-Identifier: Apache-2.0
"""Somebody who is not meant to tries to enrol an agent, over HTTP at the running product (console check list 6.22).

A code has 20 letters of Crockford's base 32: 100 random bits. An attacker who may look at every agent of an account
gets 5 tries for each code that waits, of which one agent has at most 10 in ten minutes. That is 7,200 tries a day and
agent, so that 1,000 agents attacked for a year meet a code with a probability of 7,200 × 1,000 × 365 × 10 / 2^100 =
2 × 10^-20; and who is not signed in to the account of the agent has no try at all.
"""

from __future__ import annotations

import json
import secrets
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from math import log2

import pytest
from certwright_agent.enrolment import code_hash, new_code

from certwright.api_client import APIClient, ProblemError
from tests.support.agent_by_hand import PREFIX
from tests.support.live_gateway import live

FACTS = {"version": "99.0.0", "os": "Debian 12", "hostname": "web1", "web_servers": ["nginx"]}
AT_ONCE = 8


class Attacked:
    """The product, a customer with agents, and another customer."""

    def __init__(self, running):
        self.running = running
        self.owner = running.customer("owner@example.com")
        self.other = running.customer("other@example.com")
        self.nobody = APIClient(running.url)
        self.codes = []

    def agent(self, customer=None):
        return (customer or self.owner).post("/agents", {"name": f"agent {secrets.token_hex(4)}"})

    def code(self):
        self.codes.append(new_code())
        return self.codes[-1]

    def introduce(self, uid, code):
        body = {"uid": uid, "code_sha256": code_hash(code), "facts": FACTS}
        return self._agents("POST", "/introduce", body)

    def finish(self, uid, code):
        return self._agents("POST", "/finish", {"uid": uid, "code_sha256": code_hash(code)})

    def verify(self, agent, code, customer=None):
        return (customer or self.owner).post(f"/agents/{agent['agent_id']}/verify", {"code": code})

    def enrolled(self):
        """An agent and the client that holds its token."""
        agent, code = self.agent(), self.code()
        self.introduce(agent["uid"], code)
        self.verify(agent, code)
        token = self.finish(agent["uid"], code)["token"]
        return agent, code, APIClient(self.running.url, token)

    def claim(self, agent_api):
        return agent_api.call("POST", f"{self.running.url}{PREFIX}/jobs/claim", {"facts": FACTS})

    def _agents(self, method, path, body):
        return self.nobody.call(method, f"{self.running.url}{PREFIX}{path}", body)


@pytest.fixture(scope="module")
def attacked(tmp_path_factory):
    with live(tmp_path_factory.mktemp("attacked")) as running:
        yield Attacked(running)


def refused(call, *args, **fields):
    """Status and code of the refusal."""
    with pytest.raises(ProblemError) as problem:
        call(*args, **fields)
    return problem.value.status, problem.value.document["code"]


def test_a_code_cannot_be_guessed(attacked):
    letters = [new_code().replace("-", "") for _ in range(2000)]
    assert {len(each) for each in letters} == {20}
    assert len(set("".join(letters))) == 32
    assert 20 * log2(32) == 100
    agent, code = attacked.agent(), attacked.code()
    attacked.introduce(agent["uid"], code)
    with ThreadPoolExecutor(AT_ONCE) as pool:  # more tries at once are not more tries
        answers = list(pool.map(lambda _: refused(attacked.verify, agent, new_code()), range(40)))
    assert set(answers) == {(422, "invalid"), (409, "action_not_allowed")}
    assert answers.count((422, "invalid")) < 5 + AT_ONCE
    assert refused(attacked.verify, agent, code) == (409, "action_not_allowed")
    assert attacked.introduce(agent["uid"], code)["state"] == "refused"
    assert attacked.finish(agent["uid"], code)["state"] == "refused"


def test_a_code_is_good_once(attacked):
    agent, code, agent_api = attacked.enrolled()
    attacked.claim(agent_api)
    assert refused(attacked.verify, agent, code) == (409, "action_not_allowed")
    again = attacked.finish(agent["uid"], code)
    assert (again["state"], again["token"]) == ("refused", "")
    attacked.claim(agent_api)  # the attack has not ended the agent's own credential


def test_a_code_of_one_account_is_of_no_use_to_another(attacked):
    agent, code = attacked.agent(), attacked.code()
    attacked.introduce(agent["uid"], code)
    theirs = attacked.agent(attacked.other)
    assert refused(attacked.verify, agent, code, attacked.other) == (404, "not_found")
    assert refused(attacked.verify, theirs, code, attacked.other) == (409, "action_not_allowed")
    attacked.introduce(theirs["uid"], attacked.code())
    assert refused(attacked.verify, theirs, code, attacked.other) == (422, "invalid")
    attacked.verify(agent, code)


def test_a_code_is_of_its_agent_only(attacked):
    agent, code, second = attacked.agent(), attacked.code(), attacked.agent()
    attacked.introduce(agent["uid"], code)
    attacked.introduce(second["uid"], attacked.code())
    assert refused(attacked.verify, second, code) == (422, "invalid")
    attacked.verify(agent, code)
    assert refused(attacked.finish, second["uid"], code) == (404, "not_found")
    assert attacked.finish(agent["uid"], code)["token"]


def test_of_two_who_type_it_at_once_one_wins(attacked):
    for _ in range(5):
        agent, code = attacked.agent(), attacked.code()
        attacked.introduce(agent["uid"], code)

        def type_it(_, agent=agent, code=code):
            try:
                return attacked.verify(agent, code)["agent_id"]
            except ProblemError as problem:
                return problem.document["code"]

        with ThreadPoolExecutor(AT_ONCE) as pool:
            answers = list(pool.map(type_it, range(AT_ONCE)))
        assert answers.count(agent["agent_id"]) == 1, answers
        assert set(answers) <= {agent["agent_id"], "action_not_allowed", "conflict"}


def test_of_two_who_fetch_the_credential_at_once_one_holds_it(attacked):
    for _ in range(5):
        agent, code = attacked.agent(), attacked.code()
        attacked.introduce(agent["uid"], code)
        attacked.verify(agent, code)
        with ThreadPoolExecutor(AT_ONCE) as pool:
            answers = list(pool.map(lambda _, a=agent, c=code: _token(attacked, a, c), range(AT_ONCE)))
        tokens = [token for token in answers if token]
        working = [token for token in tokens if _works(attacked, token)]
        assert len(working) == 1, (len(tokens), len(working))
        assert _token(attacked, agent, code) == ""


def _token(attacked, agent, code):
    try:
        return attacked.finish(agent["uid"], code)["token"]
    except ProblemError as problem:
        if problem.document["code"] != "conflict":
            raise
        return ""


def _works(attacked, token):
    try:
        attacked.claim(APIClient(attacked.running.url, token))
    except ProblemError as problem:
        if problem.status != 401:
            raise
        return False
    return True


def test_a_removed_agent_is_refused_at_once_with_its_code_and_with_its_credential(attacked):
    agent, code, agent_api = attacked.enrolled()
    waiting, waiting_code = attacked.agent(), attacked.code()
    attacked.introduce(waiting["uid"], waiting_code)
    attacked.claim(agent_api)
    for each in (agent, waiting):
        attacked.owner.call("DELETE", f"/agents/{each['agent_id']}")
    assert refused(attacked.claim, agent_api) == (401, "unauthenticated")
    sites = f"{attacked.running.url}{PREFIX}/sites"
    assert refused(agent_api.call, "PUT", sites, {"sites": []}) == (401, "unauthenticated")
    assert refused(attacked.introduce, agent["uid"], code) == (404, "not_found")
    assert refused(attacked.verify, waiting, waiting_code) == (404, "not_found")
    assert refused(attacked.finish, waiting["uid"], waiting_code) == (404, "not_found")


def test_no_code_is_in_a_log_or_in_a_store(attacked):
    """Last, when all codes of the tests above were typed."""
    assert len(attacked.codes) > 10
    places = {"log": attacked.running.log}
    for path in (attacked.running.folder / "data").glob("*.sqlite3"):
        with closing(sqlite3.connect(path)) as connection:
            places[path.name] = "\n".join(connection.iterdump())
    assert "verify" in places["log"]
    assert json.dumps(code_hash(attacked.codes[-1]))[1:-1] in places["installer.sqlite3"]
    for code in attacked.codes:
        for spelling in (code, code.replace("-", ""), code.lower()):
            assert not [place for place, text in places.items() if spelling in text]
