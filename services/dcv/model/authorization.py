# SPDX-License-Identifier: Apache-2.0
"""An authorization: one account, one FQDN, the orders that need it, and the newest proof."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from services.dcv.model.judging import Outcome, Reason, refused
from services.dcv.model.tokens import CONSTRUCTED_MAILBOXES
from shared.clock import derived_id, from_text, to_text
from shared.contracts.dcv import (
    METHODS,
    AuthorizationExpired,
    AuthorizationRequested,
    ChallengeMailSent,
    DCVFileRequested,
    DCVPassed,
    MethodChosen,
    MethodOption,
    PlacementFailed,
    ValidationAttempted,
    ValidationEnded,
    ValidationRequested,
)
from shared.contracts.orders import CSRSubmitted
from shared.errors import Code, ServiceError, invalid, not_found
from shared.eventsourcing.event import Event
from shared.eventsourcing.fold import Fold
from shared.pki.fqdn import FQDN
from shared.pki.rules import Rules

FILE_METHODS = ("http_csr_hash", "https_csr_hash")
LOOKED_UP = (*FILE_METHODS, "cname_csr_hash")
# Quick at first, since people wait; then as Let's Encrypt advises: 1, 10, 100 minutes, then daily.
RETRY_DELAYS = (5, 15, 30, 60, 600, 6000, 86_400)
GIVE_UP_AFTER = 40


class Need(msgspec.Struct, frozen=True, kw_only=True):
    """What one order needs: its present CSR's token, the method, and how far it is; `ended` with the order."""

    order_id: str
    csr_version: int
    method: str
    md5: str
    sha256: str
    unique_value: str
    attempts: int = 0
    passed: bool = False
    ended: bool = False

    @property
    def waits(self) -> bool:
        """Whether a proof is still wanted."""
        return not (self.passed or self.ended)


class Proof(msgspec.Struct, frozen=True, kw_only=True):
    """The newest proof of control; `at` is RFC 3339."""

    at: str
    method: str
    expires_at: str
    expired: bool = False


class Authorization(msgspec.Struct, frozen=True, kw_only=True):
    """The state of one authorization stream. Without `authorization_id` it does not exist yet."""

    authorization_id: str = ""
    account_id: str = ""
    fqdn: str = ""
    needs: dict[str, Need] = {}
    proof: Proof | None = None


authorization: Fold[Authorization] = Fold(Authorization)


def stream_of(authorization_id: str) -> str:
    """The stream of an authorization."""
    return f"authorization-{authorization_id}"


def id_of(account_id: str, fqdn: str) -> str:
    """One authorization per account and FQDN, for ever."""
    return derived_id("authorization", account_id, fqdn)


# --- folding ---------------------------------------------------------------------------------------------------------


def _with_need(state: Authorization, need: Need) -> Authorization:
    return msgspec.structs.replace(state, needs={**state.needs, need.order_id: need})


@authorization.on(AuthorizationRequested)
def _requested(state: Authorization, event: AuthorizationRequested) -> Authorization:
    need = Need(
        order_id=event.order_id,
        csr_version=event.csr_version,
        method=event.method,
        md5=event.md5,
        sha256=event.sha256,
        unique_value=event.unique_value,
    )
    known = msgspec.structs.replace(
        state, authorization_id=event.authorization_id, account_id=event.account_id, fqdn=event.fqdn
    )
    return _with_need(known, need)


@authorization.on(MethodChosen)
def _chosen(state: Authorization, event: MethodChosen) -> Authorization:
    return _with_need(state, msgspec.structs.replace(state.needs[event.order_id], method=event.method))


@authorization.on(ValidationAttempted)
def _attempted(state: Authorization, event: ValidationAttempted) -> Authorization:
    need = state.needs[event.order_id]
    if event.csr_version != need.csr_version:
        return state
    return _with_need(state, msgspec.structs.replace(need, attempts=need.attempts + 1))


@authorization.on(DCVPassed)
def _passed(state: Authorization, event: DCVPassed) -> Authorization:
    need = state.needs[event.order_id]
    if event.csr_version == need.csr_version:
        state = _with_need(state, msgspec.structs.replace(need, passed=True))
    if event.reused:
        return state
    return msgspec.structs.replace(
        state, proof=Proof(at=event.proved_at, method=event.method, expires_at=event.expires_at)
    )


@authorization.on(ValidationEnded)
def _ended(state: Authorization, event: ValidationEnded) -> Authorization:
    return _with_need(state, msgspec.structs.replace(state.needs[event.order_id], ended=True))


@authorization.on(AuthorizationExpired)
def _expired(state: Authorization, _event: AuthorizationExpired) -> Authorization:
    if state.proof is None:
        return state
    return msgspec.structs.replace(state, proof=msgspec.structs.replace(state.proof, expired=True))


# --- deciding --------------------------------------------------------------------------------------------------------


def need_of(state: Authorization, order_id: str) -> Need:
    """The need of an order. Raises not_found."""
    try:
        return state.needs[order_id]
    except KeyError:
        raise not_found("authorization") from None


def request(state: Authorization, csr: CSRSubmitted, fqdn: str, now: datetime) -> list[Event]:
    """An order needs this FQDN for a CSR. A proof that still holds is used again at once (BR 4.2.1)."""
    known = state.needs.get(csr.order_id)
    if known is not None and known.csr_version >= csr.csr_version:
        return []
    rules = Rules.at(now)
    authorization_id = id_of(csr.account_id, fqdn)
    method = known.method if known is not None else csr.dcv_method
    if not _usable(method, fqdn, rules):
        method = ""
    events: list[Event] = [
        AuthorizationRequested(
            authorization_id=authorization_id,
            account_id=csr.account_id,
            fqdn=fqdn,
            order_id=csr.order_id,
            csr_version=csr.csr_version,
            method=method,
            md5=csr.md5,
            sha256=csr.sha256,
            unique_value=csr.unique_value,
        )
    ]
    proof = state.proof
    if proof is not None and not proof.expired and rules.dcv_usable(from_text(proof.at), proof.method, now):
        expires = rules.dcv_expires(from_text(proof.at), proof.method)
        events.append(
            DCVPassed(
                authorization_id=authorization_id,
                account_id=csr.account_id,
                order_id=csr.order_id,
                csr_version=csr.csr_version,
                fqdn=fqdn,
                method=proof.method,
                rules_version=rules.version,
                expires_at=to_text(expires),
                reused=True,
                proved_at=proof.at,
            )
        )
    return events


def options(fqdn: str, now: datetime) -> list[MethodOption]:
    """Every method with whether it may be used for this FQDN today, and why not."""
    rules = Rules.at(now)
    found = []
    for name in (*METHODS, "whois_email"):
        rule = rules.methods[name]
        code = reason = ""
        if not rule.allowed:
            code = "forbidden"
            reason = f"The rules forbid this method ({rule.source})."
        elif fqdn.startswith("*.") and not rule.wildcard:
            code = "one_host"
            reason = f"A file proves one host, not all names below it ({rule.source}). Use CNAME or e-mail."
        ends = rule.ends.isoformat() if rule.ends is not None else None
        found.append(
            MethodOption(
                method=name, allowed=not reason, reason=reason, ends=ends, code=code, source=rule.source if code else ""
            )
        )
    return found


def _usable(method: str, fqdn: str, rules: Rules) -> bool:
    rule = rules.methods.get(method)
    return rule is not None and method in METHODS and rule.allowed and (rule.wildcard or not fqdn.startswith("*."))


def choose(state: Authorization, order_id: str, method: str, now: datetime) -> list[Event]:
    """Chooses a method, or takes the choice back with an empty word. Errors: invalid, action_not_allowed."""
    need = need_of(state, order_id)
    _refuse_settled(need)
    if method == need.method:
        return []
    if method:
        option = next((each for each in options(state.fqdn, now) if each.method == method), None)
        if option is None:
            raise invalid(f"There is no method {method!r}. Choose one of {', '.join(METHODS)}.", "/method")
        if not option.allowed:
            raise invalid(option.reason, "/method")
    return [MethodChosen(authorization_id=state.authorization_id, order_id=order_id, method=method)]


def mailboxes(fqdn: str) -> list[str]:
    """The constructed addresses (BR 3.2.2.4.4): at the name itself and at its registrable name."""
    name = FQDN.parse(fqdn)
    hosts = dict.fromkeys((name.registrable, name.base.text))
    return [f"{mailbox}@{host}" for host in hosts for mailbox in CONSTRUCTED_MAILBOXES]


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


def ask_to_look(state: Authorization, order_id: str) -> list[Event]:
    """Somebody wants a look now. Errors: action_not_allowed when there is nothing that can be looked up."""
    need = need_of(state, order_id)
    if need.passed:
        return []
    _refuse_settled(need)
    if need.method not in LOOKED_UP:
        detail = (
            "This name is proved by the link or the code in the mail."
            if need.method == "email"
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
    if outcome.passed and not _usable(method, state.fqdn, rules):
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


def next_look(attempts: int) -> timedelta | None:
    """How long to wait after so many looks without success; None = give up until somebody asks again."""
    if attempts >= GIVE_UP_AFTER:
        return None
    return timedelta(seconds=RETRY_DELAYS[min(attempts, len(RETRY_DELAYS)) - 1])


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
