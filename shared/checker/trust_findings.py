# SPDX-License-Identifier: Apache-2.0
"""Findings about weak keys, revocation, certificate transparency and CAA."""

from __future__ import annotations

from collections.abc import Iterator

from shared.checker.caa import CAA, IDENTIFIERS
from shared.checker.evidence import Evidence
from shared.checker.revocation import UNKNOWN, moment
from shared.checker.stamps import INVALID, RETIRED_LOG, UNKNOWN_LOG
from shared.probe.survey import Survey

Found = tuple[str, dict[str, object]]
_STATES = ((INVALID, "sct_invalid"), (UNKNOWN_LOG, "sct_unknown_log"), (RETIRED_LOG, "sct_retired_log"))


def of_evidence(evidence: Evidence, survey: Survey, *, trusted: bool) -> Iterator[Found]:
    """Codes of the table with the values of their sentences. `trusted`: some store trusts the chain."""
    if evidence.debian.value:
        yield "debian_key", {}
    if evidence.shared_prime.value:
        yield "shared_prime", {}
    yield from _of_revocation(evidence, survey)
    yield from _of_stamps(evidence, trusted=trusted)
    yield from _of_caa(evidence.said.caa, evidence.brand)


def _of_revocation(evidence: Evidence, survey: Survey) -> Iterator[Found]:
    if evidence.revoked is not None:
        source, found = evidence.revoked
        at = moment(found.revoked_at) if found.revoked_at else "–"
        yield "revoked", {"at": at, "cause": found.cause or "–", "source": source}
    if evidence.said.ocsp.status == UNKNOWN:
        yield "ocsp_unknown", {}
    if survey.stapled_ocsp and not evidence.stapled.checked:
        yield "staple_invalid", {"reason": evidence.stapled.reason}
    stapling = survey.features.get("stapling")
    if evidence.must_staple and not survey.stapled_ocsp and stapling is not None and stapling.value is False:
        yield "staple_missing", {}


def _of_stamps(evidence: Evidence, *, trusted: bool) -> Iterator[Found]:
    # A private CA keeps no log: stamps are expected of publicly trusted certificates only.
    if trusted and not evidence.stamps and not evidence.unreadable:
        yield "no_scts", {}
    if evidence.unreadable:
        yield "sct_unreadable", {"sources": ", ".join(evidence.unreadable)}
    for state, code in _STATES:
        logs = dict.fromkeys(one.log for one in evidence.stamps if one.state == state)
        if logs:
            yield code, {"logs": ", ".join(logs)}


def _of_caa(caa: CAA, brand: str) -> Iterator[Found]:
    if not caa.checked:
        return
    if not caa.records:
        yield "no_caa", {"name": caa.name, "ca": IDENTIFIERS.get(brand, ("ca.example.net",))[0]}
    if caa.strange:
        yield "caa_strange", {"tags": ", ".join(caa.strange), "name": caa.at}
    if caa.allows(brand) is False:
        allowed = dict.fromkeys(one.issuer or "nobody" for one in caa.restricting)
        yield "caa_other_issuer", {
            "name": caa.at, "allowed": ", ".join(allowed), "brand": brand, "ca": IDENTIFIERS[brand][0],
        }  # fmt: skip
