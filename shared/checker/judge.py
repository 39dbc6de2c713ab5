# SPDX-License-Identifier: Apache-2.0
"""Makes the verdict of a survey: rows, grade, findings, and what was not checked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from shared.checker.evidence import Asks, Evidence, Lists, gather
from shared.checker.findings import findings
from shared.checker.grade import grade
from shared.checker.leaf_facts import (
    ChainUnreadableError,
    ReadChain,
    alternative_names,
    read_chain,
    strength_as_rsa,
)
from shared.checker.trust import MICROSOFT, Store, Trust, is_for, mozilla, trust_of
from shared.checker.trust_rows import NO_LOGS, caa_view, rows_of, stamp_views
from shared.checker.verdict import Row, Verdict
from shared.clock import to_text
from shared.probe.survey import FEATURES, HOLES, Fact, Survey

_NO_ROOTS = "no roots of that name are loaded"
_NO_LISTS = Lists()


def judge(
    survey: Survey,
    *,
    at: datetime,
    stores: Sequence[Store] = (),
    lists: Lists = _NO_LISTS,
    others: Asks | None = None,
    moduli: Iterable[int] | None = None,
) -> Verdict:
    """Judges a survey as of `at`. `stores` come beside Mozilla's roots, which are always asked. `others` are asked
    about revocation and CAA: without them these are not checked, and nothing here does I/O. `moduli` are
    those of the RSA keys of an inventory: a prime that one of them shares is found."""
    try:
        chain = read_chain(survey)
    except ChainUnreadableError:
        chain = None
    known = [mozilla(), *stores]
    trusts = [trust_of(chain.certificates, store, at) for store in known] if chain else []
    evidence = None
    if chain:
        evidence = gather(survey, chain, trusts, at=at, lists=lists, others=others, moduli=moduli)
    host = survey.server_name or survey.address
    letter = grade(
        survey,
        key_bits=strength_as_rsa(chain.certificates[0]) if chain else 0,
        trusted=any(one.trusted for one in trusts) if chain else None,
        right_name=chain is not None and is_for(host, alternative_names(chain.certificates[0])),
        chain_complete=chain is not None and (chain.self_signed or len(chain.facts) > 1),
        revoked=evidence is not None and evidence.revoked is not None,
    )
    rows = [*_rows(chain, trusts, evidence), *rows_of(evidence)] if chain and evidence else []
    return Verdict(
        at=to_text(at),
        grade=letter,
        rows=tuple(rows),
        findings=tuple(findings(survey, chain, trusts, evidence, at)),
        not_checked=tuple(_not_checked(survey, rows, evidence)),
        stamps=stamp_views(evidence) if evidence else (),
        caa=caa_view(evidence) if evidence else None,
    )


def _rows(chain: ReadChain, trusts: Sequence[Trust], evidence: Evidence) -> Iterator[Row]:
    """The rows of the basic check (guide §9)."""
    leaf = chain.leaf
    brand, level = chain.brand, chain.level
    size = leaf.curve or (f"{leaf.key_size} bits" if leaf.key_size else "")
    yield Row("common_name", "Common Name", leaf.common_name)
    yield Row("subject", "Subject Name", leaf.subject)
    yield Row("names", "Names", ", ".join(leaf.names))
    yield Row("organization", "Organization", leaf.organization)
    yield Row("serial", "Serial Number", leaf.serial)
    yield Row("sha256", "SHA-256 Fingerprint", leaf.sha256)
    yield Row("valid_from", "Valid From", f"{leaf.not_before:%Y-%m-%d %H:%M:%S} UTC")
    yield Row("valid_to", "Valid To", f"{leaf.not_after:%Y-%m-%d %H:%M:%S} UTC")
    yield Row("key", "Key", f"{leaf.key_kind.upper()} {size}".strip())
    yield _row("weak_key_debian", "Weak key (Debian)", evidence.debian)
    yield _row("shared_prime", "Shares a prime with another key", evidence.shared_prime)
    yield Row("signature", "Signature", leaf.signature_hash.upper())
    yield Row("issuer", "Issuer Name", leaf.issuer)
    yield Row("issuer_brand", "Issuer Brand", brand)
    yield Row("validation", "Validation Type", level, checked=bool(level), reason="" if level else "no policy says it")
    by_name = {one.store: one for one in trusts}
    for code, label, store in (
        ("trusted_microsoft", "Trusted by Microsoft?", MICROSOFT),
        ("trusted_mozilla", "Trusted by Mozilla?", "Mozilla"),
    ):
        trust = by_name.get(store, Trust(store, None, _NO_ROOTS))
        yield Row(code, label, _yes(trust.trusted), trust.trusted is not None, trust.reason)
    yield Row("trusted", "Trusted", _yes(any(one.trusted for one in trusts)))


def _row(code: str, label: str, fact: Fact) -> Row:
    return Row(code, label, _yes(fact.value), fact.value is not None, fact.reason)


def _yes(value: bool | None) -> str:
    return "" if value is None else "yes" if value else "no"


def _not_checked(survey: Survey, rows: Sequence[Row], evidence: Evidence | None) -> Iterator[Row]:
    if survey.failure:
        yield Row("endpoint", "Endpoint", "", checked=False, reason=survey.failure_detail or survey.failure)
        return
    yield from (row for row in rows if not row.checked and row.reason)
    if evidence is not None and evidence.stamps and not evidence.has_logs:
        yield Row("ct_signatures", "Signatures of stamps", "", checked=False, reason=NO_LOGS.partition(": ")[2])
    if survey.depth == "basic":
        yield Row("advanced", "Protocols, suites, holes", "", checked=False, reason="this is a basic check")
        return
    for name, offer in survey.protocols.items():
        if offer.offered is None:
            yield Row(name, name, "", checked=False, reason=offer.reason)
    for names, facts in ((FEATURES, survey.features), (HOLES, survey.holes)):
        for name in names:
            fact = facts.get(name)
            if fact is None or fact.value is None:
                reason = fact.reason if fact else "it was not looked at"
                yield Row(name, name.replace("_", " ").capitalize(), "", checked=False, reason=reason)
