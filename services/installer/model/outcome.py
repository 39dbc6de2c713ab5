# SPDX-License-Identifier: Apache-2.0
"""What a job's end means to the room that asked for it, and what of an agent's answer is fit to be kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import msgspec

from services.installer.model import plan as plans
from shared.contracts.installer import (
    ACMEFileFailed,
    ACMEFilePlaced,
    AgentScanFailed,
    CertificateSaved,
    CertificateSaveFailed,
    CSRGenerated,
    CSRGenerationFailed,
    DCVFileFailed,
    DCVFilePlaced,
    DeploymentFailed,
    DeploymentSucceeded,
)
from shared.errors import invalid
from shared.eventsourcing.event import Event

RESULT_LIMIT = 256 * 1024  # bytes of JSON; a check of many bindings carries a certificate for each
_FIELDS: Mapping[str, tuple[str, ...]] = {
    "make_csr": ("csr_pem", "spki_sha256"),
    "place_dcv_file": ("path",),
    "remove_dcv_file": ("path",),
    "place_acme_file": ("path", "seen"),
    "remove_acme_file": ("path",),
    "save_certificate": ("path",),
    "plan_installation": (),
    "install_certificate": ("served_serial", "site"),
    "check_installation": ("correct", "expected_serial", "bindings"),
}


class Party(Protocol):
    """For whom and where the job was."""

    @property
    def account_id(self) -> str:
        """The tenant."""

    @property
    def agent_id(self) -> str:
        """Who does it."""

    @property
    def server_id(self) -> str:
        """The host."""

    @property
    def order_id(self) -> str:
        """The order, or empty."""


def fit_to_keep(answer: Any, limit: int = RESULT_LIMIT) -> None:
    """Raises ServiceError `invalid` for an answer that is too large or looks like a key: it is not kept (S10)."""
    text = msgspec.json.encode(answer)
    if len(text) > limit:
        raise invalid("What the agent sent is too large.")
    if b"PRIVATE KEY" in text:
        raise invalid("What the agent sent holds a private key. It was not stored. Keys stay on their host.")


def checked_result(kind: str, arguments: Mapping[str, Any], result: Mapping[str, Any]) -> tuple[dict[str, Any], str]:
    """The known fields of a result, and what is wrong with it, or an empty text."""
    kept = {name: result[name] for name in _FIELDS.get(kind, ()) if name in result}
    if kind in {"plan_installation", "install_certificate"}:
        plan = plans.told_in(result)
        kept |= plans.noted(plan) if plan else {}
        if kind == "plan_installation" and plan is None:
            return {}, "The agent told no plan that can be read."
    if kind == "make_csr" and not _text(kept.get("csr_pem")).startswith("-----BEGIN "):
        return {}, "The agent's answer holds no CSR."
    if kind in {"place_dcv_file", "place_acme_file", "save_certificate"} and not _text(kept.get("path")):
        return {}, "The agent did not say where the file is."
    if kind == "install_certificate" and not _same(kept.get("served_serial"), arguments.get("serial")):
        return {}, "The agent saw another certificate served than the one to be installed."
    return kept, ""


def succeeded(kind: str, arguments: Mapping[str, Any], party: Party, result: Mapping[str, Any]) -> list[Event]:
    """The published event of a success; none for jobs whose result is their own."""
    common = {"order_id": party.order_id, "account_id": party.account_id}
    match kind:
        case "make_csr":
            return [
                CSRGenerated(
                    **common,
                    request_id=arguments["request_id"],
                    server_id=party.server_id,
                    csr_pem=result["csr_pem"],
                )
            ]
        case "place_dcv_file":
            return [DCVFilePlaced(**common, **_placement(arguments), written_path=result["path"])]
        case "place_acme_file":
            where = _challenge(arguments, party)
            return [ACMEFilePlaced(**common, **where, written_path=result["path"], seen=_text(result.get("seen")))]
        case "install_certificate":
            served = str(result["served_serial"])
            return [DeploymentSucceeded(**common, **_deployment(arguments, party), served_serial=served)]
        case "save_certificate":
            saved = CertificateSaved(
                **common, save_id=arguments["save_id"], server_id=party.server_id, path=result["path"]
            )
            return [saved]
        case _:
            return []


def failed(
    kind: str, arguments: Mapping[str, Any], party: Party, reason: str, *, code: str = "", rolled_back: bool = False
) -> list[Event]:
    """The published event of a failure; none for jobs whose result is their own."""
    common = {"order_id": party.order_id, "account_id": party.account_id}
    match kind:
        case "make_csr":
            return [CSRGenerationFailed(**common, request_id=arguments["request_id"], reason=reason, code=code)]
        case "place_dcv_file":
            return [DCVFileFailed(**common, **_placement(arguments), reason=reason, code=code)]
        case "place_acme_file":
            return [ACMEFileFailed(**common, **_challenge(arguments, party), reason=reason, code=code)]
        case "install_certificate":
            where = _deployment(arguments, party)
            return [DeploymentFailed(**common, **where, reason=reason, rolled_back=rolled_back, code=code)]
        case "save_certificate":
            save_id = arguments["save_id"]
            return [
                CertificateSaveFailed(**common, save_id=save_id, server_id=party.server_id, reason=reason, code=code)
            ]
        case "run_scan":
            who = {"account_id": party.account_id, "agent_id": party.agent_id}
            return [AgentScanFailed(**who, scan_id=arguments["scan_id"], reason=reason, code=code)]
        case _:
            return []


def _placement(arguments: Mapping[str, Any]) -> dict[str, Any]:
    return {name: arguments[name] for name in ("authorization_id", "placement_id", "fqdn")}


def _challenge(arguments: Mapping[str, Any], party: Party) -> dict[str, Any]:
    where = {name: arguments[name] for name in ("issuance_id", "fqdn")}
    return {**where, "server_id": party.server_id}


def _deployment(arguments: Mapping[str, Any], party: Party) -> dict[str, Any]:
    where = {name: arguments[name] for name in ("installation_id", "site_id")}
    return {**where, "server_id": party.server_id}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _same(seen: object, wanted: object) -> bool:
    """Whether two serial numbers in hexadecimal are the same number."""
    try:
        return int(str(seen), 16) == int(str(wanted), 16)
    except ValueError:
        return False
