# SPDX-License-Identifier: Apache-2.0
"""Whether one CA may issue for a name by its CAA records: RFC 8659 §4, and RFC 8657 for accounts and methods."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

from shared.checker.caa import CAA, IODEF, ISSUE, ISSUE_WILD, Record
from shared.egress.resolver import BOGUS

ACCOUNT, METHODS = "accounturi", "validationmethods"


@dataclass(frozen=True, slots=True)
class Asking:
    """The CA that asks: the names that records know it by; the label of the method by which the name was proved and the
    URI of the account, both empty where there is none to go by."""

    identities: tuple[str, ...]
    method: str = ""
    account: str = ""


@dataclass(frozen=True, slots=True)
class CAAVerdict:
    """`allowed` is None where the DNS gave no answer to go by: then it has to be asked again.

    `code` is one of no_records, unrestricted, allowed; other_issuer, nobody, critical, malformed, account, method;
    bogus, lookup_failed; and of several perspectives perspectives_differ, perspectives_too_few,
    perspectives_one_region, dnssec_unchecked. `at` is the name where `record` stands, `cure` what would help, `iodef`
    where the owner wants to be told of requests (RFC 8659 §4.4). `evidence` is all that was asked and answered.
    """

    name: str
    allowed: bool | None
    code: str
    reason: str
    at: str = ""
    record: str = ""
    cure: str = ""
    iodef: tuple[str, ...] = ()
    dnssec: str = ""
    evidence: tuple[dict[str, Any], ...] = ()


class _Said(NamedTuple):
    """A verdict without what every verdict has."""

    allowed: bool | None
    code: str
    reason: str
    record: str = ""
    cure: str = ""


def judge_caa(caa: CAA, asking: Asking) -> CAAVerdict:
    """What the records that were found mean for the CA that asks."""
    shown = f"*.{caa.name}" if caa.wildcard else caa.name
    said = _unknown(caa, shown) or _unreadable(caa) or _unrestricted(caa, shown) or _restricted(caa, shown, asking)
    return CAAVerdict(
        name=shown,
        allowed=said.allowed,
        code=said.code,
        reason=said.reason,
        at=caa.at,
        record=said.record,
        cure=said.cure,
        iodef=tuple(one.value for one in caa.records if one.tag == IODEF),
        dnssec=caa.dnssec,
        evidence=tuple(each.evidence() for each in caa.answers),
    )


def _unknown(caa: CAA, shown: str) -> _Said | None:
    if caa.checked:
        return None
    if caa.dnssec == BOGUS:
        cure = "Sign the zone anew, or correct or remove the DS record at the registrar."
        return _Said(None, "bogus", f"The CAA records of {shown} cannot be trusted: {caa.reason}.", cure=cure)
    cure = "Mend the name servers; the question is asked again by itself."
    return _Said(None, "lookup_failed", f"The CAA records of {shown} are not known: {caa.reason}.", cure=cure)


def _unreadable(caa: CAA) -> _Said | None:
    """RFC 8659 §4.1: what is critical and not understood forbids; so does what is no record at all."""
    for one in caa.records:
        if one.critical and one.tag in caa.strange:
            words = f'The record {one} at {caa.at} is critical and of a kind ("{one.tag}") that is not known here'
            return _Said(False, "critical", f"{words}; then no certificate may be issued.", str(one), f"Remove {one}.")
        if not one.tag:
            words = f"A CAA record at {caa.at} cannot be read: {one.value}."
            return _Said(False, "malformed", words, one.value, "Remove it or write it anew.")
    return None


def _unrestricted(caa: CAA, shown: str) -> _Said | None:
    if not caa.records:
        return _Said(True, "no_records", f"No CAA record holds for {shown}: every CA may issue.")
    if not caa.restricting:
        return _Said(True, "unrestricted", f"The CAA records at {caa.at} keep no CA from issuing for {shown}.")
    return None


def _restricted(caa: CAA, shown: str, asking: Asking) -> _Said:
    ours = [one for one in caa.restricting if one.issuer and one.issuer in asking.identities]
    if not ours:
        return _others(caa, shown, asking)
    refusals = [_parameters(one, asking) for one in ours]
    for one, refusal in zip(ours, refusals, strict=True):
        if refusal is None:
            return _Said(True, "allowed", f"The record {one} at {caa.at} names this CA.", str(one))
    code, words, cure = next(refusal for refusal in refusals if refusal is not None)
    return _Said(False, code, f"The record {ours[0]} at {caa.at} names this CA, but {words}.", str(ours[0]), cure)


def _others(caa: CAA, shown: str, asking: Asking) -> _Said:
    """No record names the CA: who stands there instead."""
    first = caa.restricting[0]
    tag = ISSUE_WILD if first.tag == ISSUE_WILD else ISSUE
    cure = f'{caa.at}. IN CAA 0 {tag} "{asking.identities[0]}"' if asking.identities else ""
    malformed = next((one for one in caa.restricting if one.malformed), None)
    if malformed is not None:
        words = f"The record {malformed} at {caa.at} has not the form of RFC 8659 and so allows nobody to issue"
        return _Said(False, "malformed", f"{words} for {shown}.", str(malformed), cure)
    allowed = ", ".join(dict.fromkeys(one.issuer for one in caa.restricting if one.issuer))
    if not allowed:
        return _Said(
            False, "nobody", f"The record {first} at {caa.at} allows nobody to issue for {shown}.", str(first), cure
        )
    words = f"The record {first} at {caa.at} allows {allowed} to issue for {shown}, not this CA."
    return _Said(False, "other_issuer", words, str(first), cure)


def _parameters(record: Record, asking: Asking) -> tuple[str, str, str] | None:
    """RFC 8657 §3, §4: why the parameters of a record that names the CA keep it from issuing; None when they do not."""
    accounts = [said for key, said in record.parameters if key == ACCOUNT]
    if accounts and (len(accounts) > 1 or accounts[0] != asking.account):
        mine = f"{ACCOUNT}={asking.account}" if asking.account else "no account"
        return "account", f"only for the account {', '.join(accounts)}", f"Write {mine} there."
    lists = [said for key, said in record.parameters if key == METHODS]
    if lists:
        allowed = {label.strip().lower() for label in lists[0].split(",")}
        if len(lists) > 1 or not asking.method or asking.method not in allowed:
            mine = f"{METHODS}={asking.method}" if asking.method else "no methods"
            return "method", f"only for names proved by {', '.join(lists)}", f"Write {mine} there, or prove it so."
    return None


def method_label(method: str) -> str:
    """The label of one of our validation methods in `validationmethods` (RFC 8657 §4: `ca-` before a CA's own)."""
    return f"ca-{method.replace('_', '-')}" if method else ""
