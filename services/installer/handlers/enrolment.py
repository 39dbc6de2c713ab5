# SPDX-License-Identifier: Apache-2.0
"""How an agent and an account come to trust each other, from both sides (guide §3.1)."""

from __future__ import annotations

from functools import partial

import msgspec

from services.installer.handlers.views import agent_view
from services.installer.model import agent as model
from services.installer.model.enrolment import (
    CODE_LIFE,
    OPEN_CODES,
    TRIES,
    check_hash,
    code_hash,
    nobody_waits,
    token_hash,
    wrong_code,
)
from services.installer.model.policy import Policy
from services.installer.projections.finding import find_agent
from services.installer.tables import (
    count_wrong_code,
    credential_of,
    forget_codes,
    holder_of,
    introduce,
    introduction,
    mark_verified,
    meet,
    store_credential,
    waiting_codes,
)
from shared.clock import to_text
from shared.context import Context
from shared.contracts import installer as contract
from shared.contracts.base import Done
from shared.contracts.tenancy import account_of
from shared.errors import Code, ServiceError, not_found
from shared.eventstore.room import Room
from shared.eventstore.unit_of_work import UnitOfWork

_facts = msgspec.json.Decoder(contract.AgentFacts)


def introduce_agent(uow: UnitOfWork, request: contract.IntroduceAgent) -> contract.Introduction:
    """An agent says hello, again and again, until its code was typed or has ended."""
    check_hash(request.code_sha256)
    agent = find_agent(uow.connection, uid=request.uid)
    if agent is None:
        raise not_found("agent")
    now = to_text(uow.now)
    known = introduction(uow.connection, request.uid, request.code_sha256)
    if known is None:
        if len(waiting_codes(uow.connection, agent.agent_id, now)) >= OPEN_CODES:
            raise ServiceError(Code.RATE_LIMITED, "This agent has shown too many codes. Wait ten minutes.")
        introduce(
            uow.connection,
            uid=request.uid,
            code_sha256=request.code_sha256,
            agent_id=agent.agent_id,
            expires_at=to_text(uow.now + CODE_LIFE),
            address=request.remote_address,
            facts=msgspec.json.encode(request.facts).decode(),
        )
        state = "waiting"
    else:
        state = known.state if known.expires_at > now else "refused"
    # The name goes to whoever proved to hold a code that the customer typed; before, the UID alone opens nothing.
    name = agent.name if state == "verified" else ""
    return contract.Introduction(state=state, agent_id=agent.agent_id, name=name)


def verify_agent(room: Room, request: contract.VerifyAgent, context: Context, *, policy: Policy) -> contract.AgentView:
    """The customer typed a code. A wrong one is counted, though its transaction is refused."""
    try:
        return room.execute(partial(accept_code, policy=policy), request, context)
    except ServiceError as refused:
        if refused.code == Code.INVALID:
            room.execute(count_try, request, msgspec.structs.replace(context, command_id=None))
        raise


def accept_code(uow: UnitOfWork, request: contract.VerifyAgent, *, policy: Policy) -> contract.AgentView:
    """The right code of a waiting agent of this account. Raises ServiceError `invalid`, `action_not_allowed`."""
    loaded = uow.load(model.stream(request.agent_id), model.AGENT)
    agent = model.present(loaded.state, account_of(uow.context))
    waiting = waiting_codes(uow.connection, agent.agent_id, to_text(uow.now))
    if not waiting:
        raise nobody_waits()
    typed = code_hash(request.code)
    if typed not in waiting:
        raise wrong_code()
    mark_verified(uow.connection, agent.uid, typed, to_text(uow.now + CODE_LIFE))
    uow.append(loaded, model.verify(agent))
    row = find_agent(uow.connection, agent_id=agent.agent_id)
    met = introduction(uow.connection, agent.uid, typed)
    return msgspec.structs.replace(agent_view(row, uow.now, policy), address=met.address if met else "")


def count_try(uow: UnitOfWork, request: contract.VerifyAgent) -> Done:
    """Takes down a wrong code; the fifth ends the codes that wait."""
    agent = model.present(uow.load(model.stream(request.agent_id), model.AGENT).state, account_of(uow.context))
    count_wrong_code(uow.connection, agent.agent_id, TRIES)
    return Done(id=agent.agent_id)


def finish_enrolment(uow: UnitOfWork, request: contract.FinishEnrolment, *, token: str) -> contract.Introduction:
    """Gives the credential. Repeated before its first use, because the answer was lost, it gives another one instead.

    `token` is fresh; only its hash is kept, and the reply must not be stored (no command id).
    """
    check_hash(request.code_sha256)
    row = find_agent(uow.connection, uid=request.uid)
    if row is None:
        raise not_found("agent")
    uow.lock(model.stream(row.agent_id))  # of those who ask at once each ends the credential of the one before
    known = introduction(uow.connection, request.uid, request.code_sha256)
    if known is None:
        raise not_found("agent")
    held = credential_of(uow.connection, row.agent_id)
    spent = held is not None and held.code_sha256 == request.code_sha256 and held.used
    if known.state != "verified" or known.expires_at <= to_text(uow.now) or spent:
        return contract.Introduction(state="refused", agent_id=row.agent_id, name="")
    store_credential(uow.connection, row.agent_id, token_hash(token), request.code_sha256)
    meet(uow.connection, row.agent_id, to_text(uow.now), known.address, known.facts)
    loaded = uow.load(model.stream(row.agent_id), model.AGENT)
    uow.append(loaded, model.enroll(loaded.state, _facts.decode(known.facts)))
    return contract.Introduction(
        state="verified", agent_id=row.agent_id, name=row.name, token=token, address=known.address
    )


def authenticate_agent(room: Room, request: contract.AuthenticateAgent) -> contract.AgentIdentity:
    """Who holds this token. Raises ServiceError `unauthenticated`."""
    with room.query() as connection:
        holder = holder_of(connection, token_hash(request.token))
    if holder is None:
        raise ServiceError(Code.UNAUTHENTICATED, "This agent is not known, or was removed.")
    return contract.AgentIdentity(agent_id=holder[0], account_id=holder[1])


def tidy(uow: UnitOfWork, _request: None) -> Done:
    """Forgets codes that ended an hour ago."""
    forget_codes(uow.connection, to_text(uow.now - 6 * CODE_LIFE))
    return Done()
