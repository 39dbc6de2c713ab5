# SPDX-License-Identifier: Apache-2.0
"""Mail contacts that the owner of a name puts into the DNS (BR 3.2.2.4.13 and .14, Appendix A): a `contactemail`
property among the CAA records, or a TXT record at `_validation-contactemail`. Never WHOIS.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from services.dcv.model.judging import SHOWN_BYTES, Outcome, Reason, refused
from shared.contracts.dcv import DNSChallenge
from shared.pki.fqdn import FQDN, NameRefusedError

CAA_CONTACT, TXT_CONTACT = "email_caa", "email_txt"
CONTACT_METHODS = (CAA_CONTACT, TXT_CONTACT)
LABEL = "_validation-contactemail"
PROPERTY = "contactemail"
MOST_VALUES = 20  # of one name; more are not offered
MAX_ADDRESS, MAX_LOCAL = 254, 64  # RFC 5321 §4.5.3.1
# RFC 5321 §4.1.2, Dot-string
_LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")


class AskedContact(NamedTuple):
    """One question: where the record would stand, the question, its status, the values that name a contact, the
    standing of the answer by DNSSEC."""

    at: str
    name: str
    status: str
    values: list[str]
    dnssec: str = "indeterminate"


class Contact(NamedTuple):
    """An address with the name of the record that holds it; `usable` when it is an address and nothing else."""

    address: str
    at: str
    usable: bool


def record_name(base: str) -> str:
    """The name of the TXT record without a trailing dot; `base` is an FQDN without `*.`."""
    return f"{LABEL}.{base}"


def records_to_make(base: str) -> list[DNSChallenge]:
    """The two records of which one makes a contact, with an address to replace by one's own."""
    address = f"security@{base}"
    return [
        DNSChallenge(name=f"{base}.", type="CAA", value=f'0 {PROPERTY} "{address}"'),
        DNSChallenge(name=f"{record_name(base)}.", type="TXT", value=address),
    ]


def is_address(text: str) -> bool:
    """Whether a value is an address "with no additional padding or structure" (BR A.1.1, A.2.1). RFC 6532 would let it
    hold more than ASCII, which our mail does not carry."""
    local, _, host = text.rpartition("@")
    if len(text) > MAX_ADDRESS or len(local) > MAX_LOCAL or not _LOCAL.fullmatch(local):
        return False
    try:
        return FQDN.parse(host, wildcard=False).text == host.lower()
    except NameRefusedError:
        return False


def contacts_in(asked: Sequence[AskedContact]) -> list[Contact]:
    """Who stands in the records, nearest name first, each once."""
    found: dict[str, Contact] = {}
    for one in asked:
        for value in one.values[:MOST_VALUES] if one.dnssec != "bogus" else ():
            found.setdefault(value, Contact(value[:SHOWN_BYTES], one.at, is_address(value)))
    return list(found.values())


def judge(asked: Sequence[AskedContact], address: str, evidence: dict[str, Any]) -> Outcome:
    """Whether the very address stands in a record of the name. What is signed wrongly says nothing."""
    shown = [
        {
            "name": one.name,
            "status": one.status,
            "targets": [value[:SHOWN_BYTES] for value in one.values[:MOST_VALUES]],
            "dnssec": one.dnssec,
        }
        for one in asked
    ]
    found = evidence | {"address": address, "dns": shown}
    for one in asked:
        if one.dnssec != "bogus" and is_address(address) and address in one.values[:MOST_VALUES]:
            return Outcome(passed=True, evidence=found | {"name": one.name, "at": one.at, "dnssec": one.dnssec})
    if any(one.dnssec == "bogus" for one in asked):
        return refused(Reason.BOGUS, found | {"dnssec": "bogus"})
    if any(one.values for one in asked):
        return refused(Reason.WRONG_CONTACT, found)
    if any(one.status not in {"ok", "nxdomain", "nodata"} for one in asked):
        return refused(Reason.DNS_FAILED, found)
    return refused(Reason.NO_CONTACT, found)
