# SPDX-License-Identifier: Apache-2.0
"""What may happen to an authorization. Its state is in `state.py`, the methods in `methods.py`."""

from __future__ import annotations

from datetime import datetime, timedelta

from services.dcv.model.judging import ADVICE, Outcome, Reason, refused
from services.dcv.model.methods import FILE_METHODS, LOOKED_UP, mailboxes, options, options_by, usable
from services.dcv.model.state import Authorization, Need, Proof, authorization, id_of, need_of, stream_of
from shared.clock import from_text, to_text
from shared.contracts.dcv import (
    ACME_METHODS,
    MAIL_METHODS,
    METHODS,
    AuthorizationExpired,
    AuthorizationRequested,
    ChallengeMailSent,
    DCVFileRequested,
    DCVPassed,
    MailContactLookedUp,
    MethodChosen,
    PlacementFailed,
    ValidationAttempted,
    ValidationEnded,
    ValidationRequested,
)
from shared.contracts.orders import ACMEOrderOpened, CSRSubmitted
from shared.errors import Code, ServiceError, invalid
from shared.eventsourcing.event import Event
from shared.pki.rules import Rules

__all__ = (
    "FILE_METHODS", "LOOKED_UP", "Authorization", "Need", "Proof", "authorization", "id_of", "mailboxes", "need_of",
    "options", "options_by", "stream_of", "usable",
)  # fmt: skip

# Quick at first, since people wait; then as Let's Encrypt advises: 1, 10, 100 minutes, then daily.
RETRY_DELAYS = (5, 15, 30, 60, 600, 6000, 86_400)
GIVE_UP_AFTER = 40
# An ACME client waits and watches: it is told after three looks, twenty seconds, that the answer is not there.
ACME_LOOKS = 3


def request(state: Authorization, csr: CSRSubmitted, fqdn: str, now: datetime) -> list[Event]:
    """An order needs this FQDN for a CSR. A proof that still holds is used again at once (BR 4.2.1)."""
    known = state.needs.get(csr.order_id)
    if known is not None and known.csr_version >= csr.csr_version:
        return []
    rules = Rules.at(now)
    method = known.method if known is not None else csr.dcv_method
    if method in ACME_METHODS or not usable(method, fqdn, rules):
        method = ""
    wanted = AuthorizationRequested(
        authorization_id=id_of(csr.account_id, fqdn),
        account_id=csr.account_id,
        fqdn=fqdn,
        order_id=csr.order_id,
        csr_version=csr.csr_version,
        method=method,
        md5=csr.md5,
        sha256=csr.sha256,
        unique_value=csr.unique_value,
    )
    return [wanted, *_used_again(state, wanted, rules, now)]


def request_acme(state: Authorization, opened: ACMEOrderOpened, fqdn: str, now: datetime, *, token: str) -> list[Event]:
    """An ACME order needs this FQDN for a CSR that is still to come. A proof that holds is used again at once."""
    known = state.needs.get(opened.order_id)
    if known is not None and known.csr_version >= opened.csr_version:
        return []
    wanted = AuthorizationRequested(
        authorization_id=id_of(opened.account_id, fqdn),
        account_id=opened.account_id,
        fqdn=fqdn,
        order_id=opened.order_id,
        csr_version=opened.csr_version,
        method="",
        md5="",
        sha256="",
        unique_value="",
        token=token,
        thumbprint=opened.thumbprint,
    )
    return [wanted, *_used_again(state, wanted, Rules.at(now), now)]


def _used_again(state: Authorization, wanted: AuthorizationRequested, rules: Rules, now: datetime) -> list[Event]:
    proof = state.proof
    if proof is None or proof.expired or not rules.dcv_usable(from_text(proof.at), proof.method, now):
        return []
    return [
        DCVPassed(
            authorization_id=wanted.authorization_id,
            account_id=wanted.account_id,
            order_id=wanted.order_id,
            csr_version=wanted.csr_version,
            fqdn=wanted.fqdn,
            method=proof.method,
            rules_version=rules.version,
            expires_at=to_text(rules.dcv_expires(from_text(proof.at), proof.method)),
            reused=True,
            proved_at=proof.at,
        )
    ]


def choose(state: Authorization, order_id: str, method: str, now: datetime) -> list[Event]:
    """Chooses a method, or takes the choice back with an empty word. Errors: invalid, action_not_allowed."""
    need = need_of(state, order_id)
    _refuse_settled(need)
    if need.token:
        raise ServiceError(Code.ACTION_NOT_ALLOWED, "The ACME client proves this name; there is nothing to choose.")
    if method == need.method:
        return []
    if method:
        option = next((each for each in options(state.fqdn, now) if each.method == method), None)
        if option is None:
            raise invalid(f"There is no method {method!r}. Choose one of {', '.join(METHODS)}.", "/method")
        if not option.allowed:
            raise invalid(option.reason, "/method")
    return [MethodChosen(authorization_id=state.authorization_id, order_id=order_id, method=method)]


def answer_acme(state: Authorization, order_id: str, method: str, now: datetime) -> list[Event]:
    """An ACME client says that the answer stands where `method` looks. Raises invalid, action_not_allowed.

    What is proved, given up, or looked for in vain stays as it is.
    """
    need = need_of(state, order_id)
    if not need.token:
        raise ServiceError(Code.ACTION_NOT_ALLOWED, "No ACME client is to prove this name.")
    if not need.waits or failed(need):
        return []
    if method not in ACME_METHODS or not usable(method, state.fqdn, Rules.at(now)):
        raise invalid(f"The challenge {method!r} does not prove {state.fqdn}.", "/method")
    chosen: list[Event] = []
    if method != need.method:
        chosen = [MethodChosen(authorization_id=state.authorization_id, order_id=order_id, method=method)]
    return [
        *chosen,
        ValidationRequested(
            authorization_id=state.authorization_id,
            order_id=order_id,
            csr_version=need.csr_version,
            attempt=need.attempts + 1,
        ),
    ]


def failed(need: Need) -> bool:
    """Whether an ACME client has been looked for in vain as often as is done."""
    return bool(need.token) and not need.passed and need.attempts >= ACME_LOOKS


def ask_for_file(
    state: Authorization, order_id: str, *, server_id: str, placement_id: str, path: str, content: str
) -> DCVFileRequested:
    """Has the agent of a server place the file. Errors: action_not_allowed when the method is none with a file."""
    need = need_of(state, order_id)
    _refuse_settled(need)
    if need.method not in FILE_METHODS:
        detail = "Only the methods http_csr_hash and https_csr_hash use a file. Choose one of them first."
        raise ServiceError(Code.ACTION_NOT_ALLOWED, detail)
    return DCVFileRequested(
        authorization_id=state.authorization_id,
        account_id=state.account_id,
        order_id=order_id,
        placement_id=placement_id,
        server_id=server_id,
        fqdn=state.fqdn,
        path=path,
        content=content,
    )


def ask_again_for_file(
    state: Authorization, order_id: str, *, placement_id: str, path: str, content: str
) -> list[Event]:
    """The file of a new CSR, without anybody asking, on whichever hosts serve the name: where the name was proved by a
    file before and that proof is too old now. Nothing where another method is chosen, or no proof is wanted.
    """
    need, proof = need_of(state, order_id), state.proof
    if not need.waits or need.method not in FILE_METHODS or proof is None or proof.method not in FILE_METHODS:
        return []
    return [ask_for_file(state, order_id, server_id="", placement_id=placement_id, path=path, content=content)]


def ask_to_look(state: Authorization, order_id: str) -> list[Event]:
    """Somebody wants a look now. Errors: action_not_allowed when there is nothing that can be looked up."""
    need = need_of(state, order_id)
    if need.passed:
        return []
    _refuse_settled(need)
    if need.method not in LOOKED_UP:
        detail = (
            "This name is proved by the link or the code in the mail."
            if need.method in MAIL_METHODS
            else "Choose a validation method for this name first."
        )
        raise ServiceError(Code.ACTION_NOT_ALLOWED, detail)
    return [
        ValidationRequested(
            authorization_id=state.authorization_id,
            order_id=order_id,
            csr_version=need.csr_version,
            attempt=need.attempts + 1,
        )
    ]


def record(
    state: Authorization, order_id: str, outcome: Outcome, now: datetime, *, csr_version: int, method: str
) -> list[Event]:
    """A look is over. What it proved counts only for the CSR and method that it was made for, and only once."""
    need = need_of(state, order_id)
    if not need.waits or need.csr_version != csr_version or need.method != method:
        return []
    rules = Rules.at(now)
    if outcome.passed and not usable(method, state.fqdn, rules):
        # Begun in time, proved too late: the rules of the day of the proof count (BR 3.2.2.4).
        outcome = refused(Reason.METHOD_ENDED, outcome.evidence)
    events: list[Event] = [
        ValidationAttempted(
            authorization_id=state.authorization_id,
            order_id=order_id,
            csr_version=csr_version,
            attempt=need.attempts + 1,
            method=method,
            passed=outcome.passed,
            reason=outcome.reason,
            advice=outcome.advice,
            evidence={**outcome.evidence, "rules": rules.version},
        )
    ]
    if outcome.passed:
        events.append(
            DCVPassed(
                authorization_id=state.authorization_id,
                account_id=state.account_id,
                order_id=order_id,
                csr_version=csr_version,
                fqdn=state.fqdn,
                method=method,
                rules_version=rules.version,
                expires_at=to_text(rules.dcv_expires(now, method)),
                reused=False,
                proved_at=to_text(now),
            )
        )
    return events


def next_look(attempts: int, *, most: int = GIVE_UP_AFTER) -> timedelta | None:
    """How long to wait after so many looks without success; None = give up until somebody asks again."""
    if attempts >= most:
        return None
    return timedelta(seconds=RETRY_DELAYS[min(attempts, len(RETRY_DELAYS)) - 1])


def contact_looked_up(
    state: Authorization, order_id: str, address: str, outcome: Outcome, now: datetime, *, csr_version: int, method: str
) -> list[MailContactLookedUp]:
    """A contact in the DNS was looked up before a mail goes to it. Counts only while it is still wanted."""
    need = need_of(state, order_id)
    if not need.waits or need.csr_version != csr_version or need.method != method:
        return []
    rules = Rules.at(now)
    if outcome.passed and not usable(method, state.fqdn, rules):
        outcome = refused(Reason.METHOD_ENDED, outcome.evidence)
    found = outcome.passed
    return [
        MailContactLookedUp(
            authorization_id=state.authorization_id,
            order_id=order_id,
            csr_version=csr_version,
            method=method,
            address=address,
            found=found,
            reason=str(Reason.CONTACT_FOUND) if found else outcome.reason,
            advice=ADVICE[Reason.CONTACT_FOUND] if found else outcome.advice,
            evidence={**outcome.evidence, "rule": rules.methods[method].source, "rules": rules.version},
        )
    ]


def mail_sent(state: Authorization, order_id: str, address: str, expires_at: str) -> ChallengeMailSent:
    """The mail with link and code is out."""
    return ChallengeMailSent(
        authorization_id=state.authorization_id, order_id=order_id, address=address, expires_at=expires_at
    )


def placement_failed(state: Authorization, order_id: str, placement_id: str, reason: str) -> PlacementFailed:
    """The agent could not place the file."""
    return PlacementFailed(
        authorization_id=state.authorization_id, order_id=order_id, placement_id=placement_id, reason=reason
    )


def end(state: Authorization, order_id: str) -> list[Event]:
    """The order is over and needs the name no more; once is enough."""
    need = state.needs.get(order_id)
    if need is None or need.ended:
        return []
    return [ValidationEnded(authorization_id=state.authorization_id, order_id=order_id)]


def expire(state: Authorization, now: datetime) -> list[Event]:
    """The proof is too old by now, by the rules of today."""
    proof = state.proof
    if proof is None or proof.expired or Rules.at(now).dcv_usable(from_text(proof.at), proof.method, now):
        return []
    return [AuthorizationExpired(authorization_id=state.authorization_id, account_id=state.account_id, fqdn=state.fqdn)]


def _refuse_settled(need: Need) -> None:
    if need.ended:
        raise ServiceError(Code.ACTION_NOT_ALLOWED, "The order has ended: its names are not validated any more.")
    if need.passed:
        raise ServiceError(Code.ACTION_NOT_ALLOWED, "This name is proved already; nothing has to be done.")
