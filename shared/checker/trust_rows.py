# SPDX-License-Identifier: Apache-2.0
"""Rows about revocation, certificate transparency and CAA, and the same as values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from shared.checker.evidence import Evidence
from shared.checker.revocation import Revocation
from shared.checker.stamps import UNCHECKED
from shared.checker.verdict import CAAView, Row, StampView
from shared.clock import to_text

_STATES = {"unknown_log": "of a log that is not known", "retired_log": "of a retired log"}
NO_LOGS = "signatures not checked: no log list is loaded"


def rows_of(evidence: Evidence) -> Iterator[Row]:
    """One row for each source of revocation, one for stamps, one for CAA."""
    yield _revocation("ocsp", "Revocation by OCSP", evidence.said.ocsp)
    yield _revocation("crl", "Revocation by CRL", evidence.said.crl)
    yield _revocation("stapled", "Stapled OCSP answer", evidence.stapled)
    yield Row("must_staple", "Demands a stapled answer", "yes" if evidence.must_staple else "no")
    yield _stamps(evidence)
    yield _caa(evidence)


def stamp_views(evidence: Evidence) -> tuple[StampView, ...]:
    """Every stamp."""
    return tuple(
        StampView(
            log="" if one.log == one.stamp.log_id.hex() else one.log,
            log_id=one.stamp.log_id.hex(),
            source=one.stamp.source,
            state=one.state,
            at=to_text(one.stamp.at),
        )
        for one in evidence.stamps
    )


def caa_view(evidence: Evidence) -> CAAView | None:
    """The records that hold; None where the DNS said nothing."""
    caa = evidence.said.caa
    if not caa.checked:
        return None
    return CAAView(
        name=f"*.{caa.name}" if caa.wildcard else caa.name,
        at=caa.at,
        records=tuple(map(str, caa.records)),
        allows=caa.allows(evidence.brand),
        authenticated=caa.authenticated,
    )


def _revocation(code: str, label: str, found: Revocation) -> Row:
    return Row(code, label, found.status, found.checked, found.reason)


def _stamps(evidence: Evidence) -> Row:
    label = "Certificate transparency stamps"
    if evidence.unreadable and not evidence.stamps:
        return Row("ct", label, "", checked=False, reason="the stamps cannot be read")
    if not evidence.stamps:
        return Row("ct", label, "none")
    if not evidence.has_logs:
        ids = ", ".join(one.log[:16] for one in evidence.stamps)
        return Row("ct", label, f"{len(evidence.stamps)} of the logs {ids}", reason=NO_LOGS)
    states = Counter(_STATES.get(one.state, one.state) for one in evidence.stamps)
    unchecked = states.pop(UNCHECKED, 0)
    words = [f"{count} {state}" for state, count in states.items()]
    return Row("ct", label, ", ".join([*words, *([f"{unchecked} not checked"] if unchecked else [])]))


def _caa(evidence: Evidence) -> Row:
    caa, label = evidence.said.caa, "CAA records"
    if not caa.checked:
        return Row("caa", label, "", checked=False, reason=caa.reason)
    if not caa.records:
        return Row("caa", label, "none")
    allows = caa.allows(evidence.brand)
    words = {True: "they allow the issuer", False: "they do not allow the issuer", None: ""}[allows]
    return Row("caa", label, f"at {caa.at}: {'; '.join(map(str, caa.records))}", reason=words)
