# SPDX-License-Identifier: Apache-2.0
"""An agent and an account come to trust each other, or they do not: S15 of the quality bar."""

import pytest

from services.installer.model import agent as model
from shared.errors import ServiceError

CODE = "7G2KM-QX0ZP-4TN8B-W1DCY"
TOKEN = "t" * 40


def refused(code, call, *args, **fields):
    with pytest.raises(ServiceError) as caught:
        call(*args, **fields)
    assert caught.value.code == code
    return caught.value


def test_a_code_typed_by_the_customer_gives_the_agent_its_token(room):
    agent = room.register("web")
    assert len(agent.uid) == 32
    assert (agent.state, agent.waiting_for_code) == ("unverified", False)
    assert room.introduce(agent.uid, CODE).state == "waiting"
    assert room.get(agent.agent_id).waiting_for_code
    assert room.finish(agent.uid, CODE).state == "refused"

    room.verify(agent.agent_id, CODE.lower().replace("-", " "))
    introduced = room.introduce(agent.uid, CODE)
    assert (introduced.state, introduced.name, introduced.token) == ("verified", "web", "")
    finished = room.finish(agent.uid, CODE, TOKEN)
    assert (finished.token, finished.address) == (TOKEN, "192.0.2.7")

    identity = room.authenticate(TOKEN)
    assert (identity.agent_id, identity.account_id) == (agent.agent_id, room.account)
    assert room.get(agent.agent_id).state == "connected"
    assert room.types(model.stream(agent.agent_id)) == ["AgentRegistered", "AgentVerified", "AgentEnrolled"]
    (server,) = room.list_servers().items
    assert (server.name, server.address, server.state) == ("web1", "192.0.2.7", "connected")


def test_the_token_is_not_kept_anywhere(room, tmp_path):
    room.enrolled(token="very-secret-token-of-this-agent")
    room.app.room.database.close()
    files = [path.read_bytes() for path in tmp_path.iterdir()]
    assert not any(b"very-secret-token" in content or b"7G2KMQX0ZP" in content for content in files)


def test_five_wrong_codes_end_the_waiting_one(room):
    agent = room.register()
    room.introduce(agent.uid, CODE)
    for _ in range(5):
        refused("invalid", room.verify, agent.agent_id, "00000-00000-00000-00000", command_id=None)
    refused("action_not_allowed", room.verify, agent.agent_id, CODE)
    assert room.introduce(agent.uid, CODE).state == "refused"
    assert room.introduce(agent.uid, "NEXTC-0DE00-00000-00000").state == "waiting"


def test_a_code_ends_after_ten_minutes_and_after_its_use(room):
    agent = room.register()
    room.introduce(agent.uid, CODE)
    room.clock.forward(minutes=10, seconds=1)
    refused("action_not_allowed", room.verify, agent.agent_id, CODE)
    assert room.introduce(agent.uid, CODE).state == "refused"

    agent, _ = room.enrolled("other")
    refused("action_not_allowed", room.verify, agent.agent_id, "7G2KM-QX0ZP")


def test_the_code_of_another_tenant_is_of_no_use(room):
    agent = room.register()
    room.introduce(agent.uid, CODE)
    refused("not_found", room.verify, agent.agent_id, CODE, account="account-2")
    mine = room.register("mine", account="account-2")
    room.introduce(mine.uid, "MY0WN-C0DE0-00000-00000")
    refused("invalid", room.verify, mine.agent_id, CODE, account="account-2")


def test_somebody_who_knows_only_the_uid_cannot_stand_in_for_the_agent(room):
    agent = room.register()
    room.introduce(agent.uid, CODE)
    room.introduce(agent.uid, "THE1F-00000-00000-00000")
    room.verify(agent.agent_id, CODE)
    assert room.introduce(agent.uid, "THE1F-00000-00000-00000").state == "refused"
    assert room.finish(agent.uid, "THE1F-00000-00000-00000").token == ""
    assert room.finish(agent.uid, CODE).token


def test_hello_under_one_uid_is_limited(room):
    agent = room.register()
    for number in range(10):
        room.introduce(agent.uid, f"{number}0000")
    refused("rate_limited", room.introduce, agent.uid, "A0000")
    refused("not_found", room.introduce, "f" * 32, CODE)


def test_a_lost_answer_is_made_good_until_the_token_is_used_once(room):
    agent = room.register()
    room.introduce(agent.uid, CODE)
    room.verify(agent.agent_id, CODE)
    room.finish(agent.uid, CODE, "first" * 8)
    room.finish(agent.uid, CODE, "second" * 8)
    refused("unauthenticated", room.authenticate, "first" * 8)
    assert room.claim(room.authenticate("second" * 8).agent_id) == []
    assert room.finish(agent.uid, CODE, "third" * 8).state == "refused"
    refused("unauthenticated", room.authenticate, "third" * 8)


def test_a_removed_agent_is_nobody_at_once_and_its_work_ends(room):
    agent, server_id = room.enrolled(token=TOKEN)
    room.report(agent.agent_id, room.site())
    job_id = room.csr_requested(server_id)
    refused("not_found", room.remove, agent.agent_id, account="account-2")
    room.remove(agent.agent_id)
    refused("unauthenticated", room.authenticate, TOKEN)
    refused("unauthenticated", room.claim, agent.agent_id)
    refused("not_found", room.get, agent.agent_id)
    refused("not_found", room.introduce, agent.uid, CODE)
    assert room.last(job_id).reason == "The agent was removed."
    assert room.list_sites().items == []
    assert room.register("web").agent_id != agent.agent_id  # the name is free again


def test_a_name_is_unique_in_its_account_whatever_its_case(room):
    agent = room.register("Web  one")
    assert agent.name == "Web one"
    refused("conflict", room.register, "web ONE")
    room.register("web one", account="account-2")
    room.rename(agent.agent_id, "WEB ONE")
    refused("not_found", room.rename, agent.agent_id, "mine", account="account-2")
    for name in ("", " ", "x" * 101, "a\x00b"):
        refused("invalid", room.register, name)


def test_silence_and_age_show_with_their_cure(room):
    agent, _ = room.enrolled()
    room.clock.forward(seconds=91)
    seen = room.get(agent.agent_id)
    assert (seen.state, bool(seen.cure)) == ("not_connected", True)
    assert room.list_servers().items[0].state == "not_connected"
    room.claim(agent.agent_id)
    assert room.get(agent.agent_id).state == "connected"


def test_lists_are_the_accounts_own_and_come_in_pages(room):
    for number in range(5):
        room.register(f"agent {number}")
        room.clock.forward(seconds=1)
    room.register("theirs", account="account-2")
    names, cursor = [], None
    while True:
        page = room.list_agents(limit=2, cursor=cursor)
        names += [agent.name for agent in page.items]
        cursor = page.next_cursor
        assert page.total == 5
        if cursor is None:
            break
    assert names == [f"agent {number}" for number in range(5)]
    refused("invalid", room.list_agents, cursor="nonsense")
