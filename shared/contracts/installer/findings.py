# SPDX-License-Identifier: Apache-2.0
"""What may be amiss with a site, in words that say what to do. A closed list: agents' words beyond it are not kept."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from shared.contracts.installer.views import ShownFinding, SiteFinding

REPLACED, TUG_OF_WAR, STUCK = "replaced", "tug_of_war", "serves_other_than_file"
KEY_READABLE, MISMATCH, NO_ORDER = "key_readable", "mismatch_key", "expires_without_order"
# The worst first: lists and texts follow this order.
SEVERITIES = {
    MISMATCH: "critical", KEY_READABLE: "critical", TUG_OF_WAR: "warning", REPLACED: "warning", STUCK: "warning",
    NO_ORDER: "notice",
}  # fmt: skip
BY_AGENTS = (MISMATCH, KEY_READABLE, TUG_OF_WAR, REPLACED, STUCK)
# Under these a site may serve another certificate than the one that was installed there.
OF_THE_CERTIFICATE = (REPLACED, STUCK)
TOOLS = {
    "certbot": "Certbot",
    "acme.sh": "acme.sh",
    "caddy": "Caddy",
    "lego": "lego",
    "dehydrated": "dehydrated",
    "certwright": "another installation of Certwright",
    "unknown": "a tool that is not known",
}


def shown(findings: Sequence[SiteFinding]) -> list[ShownFinding]:
    """The findings of one site as people read them, the worst first."""
    kinds = list(SEVERITIES)
    return [_shown(one) for one in sorted(findings, key=lambda each: kinds.index(each.kind))]


def _shown(one: SiteFinding) -> ShownFinding:
    text, cure = _words(one)
    facts = msgspec.structs.asdict(one)
    return ShownFinding(**facts, severity=SEVERITIES[one.kind], text=text, cure=cure)


def _words(one: SiteFinding) -> tuple[str, str]:
    """Text and cure. No command to copy: a path may hold anything."""
    who = TOOLS.get(one.by, TOOLS["unknown"])
    trace = f" {one.evidence} shows it." if one.evidence else ""
    if one.kind == REPLACED:
        text = f"The certificate that Certwright installed here (serial {one.serial}) was replaced by {who}"
        text += f", in {one.path}.{trace}" + (" It is still served, until the next reload." if one.served else "")
        cure = f"Decide who looks after this site: take it out of {who} and install the certificate again, or leave it."
    elif one.kind == TUG_OF_WAR:
        text = f"The certificate of this site was replaced again and again, by Certwright and by {who}, in {one.path}."
        text += trace
        cure = f"Two tools renew one site. Take it out of {who}, or install on it no longer from here."
    elif one.kind == KEY_READABLE:
        text = f"Others than its owner ({one.owner}) and its group can read or change the private key {one.path}: "
        text += f"its mode is {one.mode}."
        cure = "Take the rights of others away (chmod o-rwx), then have the certificate reissued with a new key."
    elif one.kind == MISMATCH:
        text = f"The key in {one.path} is not that of the certificate. The server cannot be started with the two."
        cure = "Install the certificate again, or bring its key back, before the server is restarted."
    elif one.kind == STUCK:
        text = f"{one.evidence} goes on serving an older certificate than the one in {one.path}."
        cure = "Reload the web server. If that changes nothing, its log says why it does not take the new file."
    else:
        text = f"The certificate of this site ends on {one.until[:10]}, and no order of yours covers its names."
        cure = "Buy a certificate for the site, or renew the order that it came from."
    return text, cure
