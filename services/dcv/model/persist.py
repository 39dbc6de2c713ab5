# SPDX-License-Identifier: Apache-2.0
"""Persistent validation records (BR 3.2.2.4.22, ballot SC-088v3; draft-ietf-acme-dns-persist): one TXT record that
names the CA and an account, stands as long as its owner likes, and proves the name whenever it is looked up.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from services.dcv.model.judging import SHOWN_BYTES, Outcome, Reason, refused
from shared.pki.issue_value import read_issue_value

LABEL = "_validation-persist"
ACCOUNT, POLICY, UNTIL = "accounturi", "policy", "persistuntil"
WILDCARD = "wildcard"
MOST_RECORDS = 20
_SECONDS = re.compile("[0-9]{1,15}")


class AskedTXT(NamedTuple):
    """One question: the name without the label in front, the question, status and texts of the answer, its standing by
    DNSSEC."""

    base: str
    name: str
    status: str
    texts: list[str]
    dnssec: str = "indeterminate"


def record_name(base: str) -> str:
    """The name of the record, with the trailing dot; `base` is an FQDN without `*.`."""
    return f"{LABEL}.{base}."


def account_uri(ca_name: str, account_id: str) -> str:
    """The URI of an account at this CA (RFC 8657 §3): unique, and the same whatever the server is called."""
    return f"https://{ca_name}/accounts/{account_id}"


def record_value(ca_name: str, account: str, *, wildcard: bool) -> str:
    """The text of the record as it is shown. The policy lets it prove names below, too."""
    return f"{ca_name}; {ACCOUNT}={account}" + (f"; {POLICY}={WILDCARD}" if wildcard else "")


def fault_of(text: str, *, ca_name: str, account: str, below: bool, at: int) -> str:
    """Why a text proves nothing, empty when it proves. `below`: what is to be proved lies below the record's name, or
    is a wildcard, which asks for the policy. `at` is the moment of the look in seconds of the Unix epoch.

    Faults: shape, issuer, account, policy, ended.
    """
    read = read_issue_value(text)
    if read is None or not read[0]:
        return "shape"
    issuer, parameters = read
    said = dict(parameters)
    if len(said) != len(parameters):  # which of two would count?
        return "shape"
    if issuer != ca_name.lower():
        return "issuer"
    if said.get(ACCOUNT) != account:  # a URI compares exactly (RFC 8657 §3)
        return "account"
    until = said.get(UNTIL)
    if until is not None and not _SECONDS.fullmatch(until):
        return "shape"
    if until is not None and at > int(until):
        return "ended"
    if below and said.get(POLICY, "").lower() != WILDCARD:
        return "policy"
    return ""


def judge(
    asked: Sequence[AskedTXT], fqdn: str, *, ca_name: str, account: str, at: int, evidence: dict[str, Any]
) -> Outcome:
    """`asked` goes from the FQDN up to the registrable name; one right record proves, others beside it are no fault."""
    wildcard = fqdn.startswith("*.")
    host = fqdn.removeprefix("*.")
    shown = [
        {
            "name": one.name,
            "status": one.status,
            "targets": [text[:SHOWN_BYTES] for text in one.texts[:MOST_RECORDS]],
            "dnssec": one.dnssec,
        }
        for one in asked
    ]
    found = evidence | {"dns": shown}
    faults: list[str] = []
    for one in asked:
        below = wildcard or one.base != host
        for text in one.texts[:MOST_RECORDS] if one.dnssec != "bogus" else ():
            fault = fault_of(text, ca_name=ca_name, account=account, below=below, at=at)
            if not fault:
                return Outcome(passed=True, evidence=found | {"name": one.name, "record": text, "dnssec": one.dnssec})
            faults.append(fault)
    if any(one.dnssec == "bogus" for one in asked):
        return refused(Reason.BOGUS, found | {"dnssec": "bogus"})
    if "ended" in faults:
        return refused(Reason.PERSIST_ENDED, found)
    if "policy" in faults:
        return refused(Reason.PERSIST_POLICY, found)
    if faults:
        return refused(Reason.WRONG_PERSIST, found)
    if any(one.status not in {"ok", "nxdomain", "nodata"} for one in asked):
        return refused(Reason.DNS_FAILED, found)
    return refused(Reason.NO_SUCH_NAME, found)
