# SPDX-License-Identifier: Apache-2.0
"""What `standalone` says to people: a site, what it serves, how an installation ended."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from certwright_agent.outcome import Outcome
from certwright_agent.report import place


def site_words(site: Mapping[str, Any]) -> str:
    """A site in one line and its bindings in one each."""
    lines = [
        f"{site['web_server']:<8} {site['name']}" + ("" if site["writable"] else f"  (not writable: {site['reason']})")
    ]
    for binding in site["bindings"]:
        known = binding["certificate"]
        what = "no TLS" if not binding["tls"] else _certificate(known) if known else "TLS, certificate unknown"
        lines.append(f"         {place(binding)}  {what}")
    return "\n".join(dict.fromkeys(lines))


def served_words(found: Mapping[str, Any]) -> str:
    """What each binding serves, beside what is expected."""
    lines = [
        f"{place(binding)}  {'as expected' if binding['correct'] else 'NOT as expected'}: "
        + (
            _certificate(binding["served"])
            if "served" in binding
            else f"{binding['failure']} {binding['detail']}".strip()
        )
        for binding in found["bindings"]
    ]
    return (
        "\n".join([*lines, f"expected: serial {found['expected_serial']}"]) if lines else "The site has no TLS binding."
    )


def installed_words(outcome: Outcome, site: str) -> str:
    """The last line of an installation."""
    if outcome.succeeded:
        return f"Installed on {site}: serial {outcome.result.get('served_serial', '')} is served."
    if outcome.rolled_back:
        return f"Not installed: {outcome.reason}. {site} serves what it served before."
    return f"Not installed, and the old state is not back: {outcome.reason}"


def _certificate(certificate: Mapping[str, Any]) -> str:
    return f"serial {certificate['serial']}, until {certificate['not_after'][:10]}"
