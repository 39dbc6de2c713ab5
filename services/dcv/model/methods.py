# SPDX-License-Identifier: Apache-2.0
"""The ways to prove control of a name: which there are, and what the rules of a day allow for a name."""

from __future__ import annotations

from datetime import datetime

from services.dcv.model.tokens import CONSTRUCTED_MAILBOXES
from shared.contracts.dcv import ACME_METHODS, METHODS, MethodOption
from shared.pki.fqdn import FQDN
from shared.pki.rules import Rules

FILE_METHODS = ("http_csr_hash", "https_csr_hash")
LOOKED_UP = (*FILE_METHODS, "cname_csr_hash", "txt_csr_hash", "dns_persist", *ACME_METHODS)


def options(fqdn: str, now: datetime) -> list[MethodOption]:
    """Every method with whether it may be used for this FQDN today, and why not."""
    return options_by(fqdn, Rules.at(now))


def options_by(fqdn: str, rules: Rules) -> list[MethodOption]:
    """Every method with whether the rules of a day allow it for this FQDN, and why not."""
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


def usable(method: str, fqdn: str, rules: Rules) -> bool:
    """Whether a proof by this method counts for this FQDN by the rules of a day."""
    rule = rules.methods.get(method)
    known = method in METHODS or method in ACME_METHODS
    return rule is not None and known and rule.allowed and (rule.wildcard or not fqdn.startswith("*."))


def mailboxes(fqdn: str) -> list[str]:
    """The constructed addresses (BR 3.2.2.4.4): at the name itself and at its registrable name."""
    name = FQDN.parse(fqdn)
    hosts = dict.fromkeys((name.registrable, name.base.text))
    return [f"{mailbox}@{host}" for host in hosts for mailbox in CONSTRUCTED_MAILBOXES]
