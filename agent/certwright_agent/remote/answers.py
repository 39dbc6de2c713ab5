# SPDX-License-Identifier: Apache-2.0
"""What a server says is checked before it is passed on: known fields of the right form and size, everything else is
dropped. A host that somebody else took over can lie about itself, and about nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from certwright_agent.errors import CODES, Refused
from certwright_agent.outcome import Outcome, moment
from certwright_agent.remote import told_plans

MOST_SITES = 2000
_MOST_STEPS = 60
_MOST_BINDINGS = 400
_MOST_FINDINGS = 10  # of one site
_FINDING = {
    "kind": 40, "since": 40, "path": 1000, "mode": 8, "by": 40, "evidence": 1000, "owner": 64, "serial": 64,
    "spki_sha256": 64,
}  # fmt: skip
_STATUSES = ("running", "done", "failed", "undone")
_CSR = re.compile(
    r"-----BEGIN CERTIFICATE REQUEST-----\n(?:[A-Za-z0-9+/=]{1,76}\n){1,200}-----END CERTIFICATE REQUEST-----\s*\Z"
)
_PEM = re.compile(r"-----BEGIN CERTIFICATE-----\n(?:[A-Za-z0-9+/=]{1,76}\n){1,400}-----END CERTIFICATE-----\s*\Z")
_HEX = re.compile(r"[0-9A-Fa-f]{1,64}\Z")
_HEX64 = re.compile(r"[0-9a-f]{64}\Z")
_MOMENT = re.compile(r"[0-9]{4}(?:-[0-9]{2}){2}T[0-9:.]{8,15}Z\Z")
_TEXT = 4096
_SHAPELESS = (Refused, KeyError, TypeError, AttributeError)  # what reading a value of the wrong shape ends in


def step(value: object) -> dict[str, str] | None:
    """One step of a job; None for what is none."""
    if not isinstance(value, Mapping) or value.get("status") not in _STATUSES:
        return None
    at = value.get("at")
    return {
        "name": words(value.get("name"), 80),
        "status": str(value["status"]),
        "at": at if isinstance(at, str) and _MOMENT.match(at) else moment(),
        "detail": words(value.get("detail"), 1000),
    }


def outcome(value: object, kind: str) -> Outcome:
    """How a job of `kind` ended. Never raises: what does not say what it must say is a failure."""
    try:
        return _outcome(value, kind)
    except _SHAPELESS as problem:
        reason = f"the server's answer is not what it must be: {problem}"
        return Outcome(succeeded=False, reason=reason[:2000], code="program_failed")


def _outcome(value: object, kind: str) -> Outcome:
    if not isinstance(value, Mapping):
        raise Refused("it is no object")
    raw = value.get("steps")
    steps = [one for one in map(step, raw[:_MOST_STEPS] if isinstance(raw, list) else []) if one is not None]
    if value.get("succeeded") is True:
        return Outcome(succeeded=True, result=_result(value.get("result"), kind), steps=steps)
    code = value.get("code")
    return Outcome(
        succeeded=False,
        result=_tried(value.get("result")) if kind == "install_certificate" else {},
        reason=words(value.get("reason"), 2000) or "the server gave no reason",
        rolled_back=value.get("rolled_back") is True,
        steps=steps,
        code=code if code in CODES else "",
    )


def facts(value: object) -> dict[str, Any]:
    """Version, system, name and web servers."""
    raw = value if isinstance(value, Mapping) else {}
    listed = raw.get("web_servers")
    named = [words(each, 100) for each in (listed[:20] if isinstance(listed, list) else [])]
    return {
        "version": words(raw.get("version"), 40),
        "os": words(raw.get("os"), 200),
        "hostname": words(raw.get("hostname"), 255),
        "web_servers": [each for each in named if each],
    }


def sites(value: object) -> list[dict[str, Any]]:
    """The sites that have a form; what has none is left out."""
    found = []
    for raw in value[:MOST_SITES] if isinstance(value, list) else []:
        try:
            found.append(_site(raw))
        except _SHAPELESS:  # noqa: PERF203  one site's nonsense must not hide the others
            continue
    return found


def words(value: object, limit: int) -> str:
    """Text for people on one line; what cannot be printed becomes a blank. Raises Refused for a private key."""
    if not isinstance(value, str):
        return ""
    if "PRIVATE KEY" in value:
        raise Refused("it holds a private key; keys stay on their host")
    return "".join(char if char.isprintable() else " " for char in value[:limit])


def _result(value: object, kind: str) -> dict[str, Any]:
    raw: Mapping[str, Any] = value if isinstance(value, Mapping) else {}
    if kind == "make_csr":
        return {"csr_pem": _text(raw, "csr_pem", _CSR, 32768), "spki_sha256": _text(raw, "spki_sha256", _HEX64)}
    if kind == "plan_installation":
        return {"plan": told_plans.plan(raw["plan"])}
    if kind == "install_certificate":
        return {"served_serial": _text(raw, "served_serial", _HEX), "site": words(raw.get("site"), 255), **_tried(raw)}
    if kind == "check_installation":
        bindings = [_checked_binding(each) for each in raw["bindings"][:_MOST_BINDINGS]]
        expected = _text(raw, "expected_serial", _HEX)
        return {"correct": raw["correct"] is True, "expected_serial": expected, "bindings": bindings}
    if kind == "report_sites":
        return {}
    more = {"seen": words(raw.get("seen"), _TEXT)} if kind == "place_acme_file" else {}
    return {"path": words(raw["path"], _TEXT), **more}


def _tried(value: object) -> dict[str, Any]:
    """What an installation set out to change. One that cannot be read is left out: how it ended counts for more."""
    try:
        return {"plan": told_plans.plan(value["plan"])} if isinstance(value, Mapping) and value.get("plan") else {}
    except _SHAPELESS:
        return {}


def _checked_binding(raw: Mapping[str, Any]) -> dict[str, Any]:
    shown = {"address": words(raw["address"], 64), "port": _port(raw), "correct": raw["correct"] is True}
    if raw.get("served"):
        return {**shown, "served": _certificate(raw["served"]), "protocol": words(raw.get("protocol"), 40)}
    return {**shown, "failure": words(raw.get("failure"), 80), "detail": words(raw.get("detail"), 1000)}


def _site(raw: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "web_server": words(raw["web_server"], 40),
        "name": words(raw["name"], 255),
        "names": _names(raw["names"], 250),
        "bindings": [_binding(each) for each in raw["bindings"][:_MOST_BINDINGS]],
        "document_root": words(raw["document_root"], _TEXT),
        "config_path": words(raw["config_path"], _TEXT),
        "writable": raw["writable"] is True,
        "reason": words(raw.get("reason"), 500),
        "findings": _findings(raw.get("findings")),
    }


def _findings(raw: object) -> list[dict[str, Any]]:
    """What was found amiss there; the gateway takes what it knows of it."""
    found = []
    for each in raw[:_MOST_FINDINGS] if isinstance(raw, list) else []:
        if isinstance(each, Mapping) and each.get("kind"):
            told: dict[str, Any] = {name: words(each.get(name), limit) for name, limit in _FINDING.items()}
            found.append({**told, "served": each.get("served") is True})
    return found


def _binding(raw: Mapping[str, Any]) -> dict[str, Any]:
    served = raw.get("certificate")
    return {
        "address": words(raw["address"], 64),
        "port": _port(raw),
        "tls": raw["tls"] is True,
        "names": _names(raw["names"], 100),
        "certificate": _certificate(served) if served else None,
    }


def _certificate(raw: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "serial": _text(raw, "serial", _HEX),
        "fingerprint_sha256": _text(raw, "fingerprint_sha256", _HEX64),
        "subject": words(raw["subject"], 2000),
        "issuer": words(raw["issuer"], 2000),
        "names": _names(raw["names"], 250),
        "not_before": _text(raw, "not_before", _MOMENT),
        "not_after": _text(raw, "not_after", _MOMENT),
        "spki_sha256": _text(raw, "spki_sha256", _HEX64),
        "pem": _text(raw, "pem", _PEM, 32768),
    }


def _names(raw: object, most: int) -> list[str]:
    if not isinstance(raw, list):
        raise Refused("names are no list")
    return [words(each, 255) for each in raw[:most]]


def _port(raw: Mapping[str, Any]) -> int:
    value = raw["port"]
    if not isinstance(value, int) or not 0 <= value <= 65535:
        raise Refused("a port is no number from 0 to 65535")
    return int(value)


def _text(raw: Mapping[str, Any], name: str, pattern: re.Pattern[str], limit: int = 255) -> str:
    value = raw.get(name)
    if not isinstance(value, str) or len(value) > limit or not pattern.match(value):
        raise Refused(f"{name} does not have its form")
    return value
