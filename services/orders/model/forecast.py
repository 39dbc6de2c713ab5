# SPDX-License-Identifier: Apache-2.0
"""Every order in use, played forward by the dated rules: what will be due, when, and what it will cost.

Assumes what the product does when nobody changes anything: certificates are replaced at the moment of their window that
`renewal` gives, a proof is used again as long as the rules of that day allow, by all orders of its account, and a term
that ends is bought again. A name whose method is forbidden by then is counted once as such, and goes on with the CNAME
method.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from services.orders.model.order import years_later
from services.orders.model.renewal import last_of_term, renewed_at
from shared.pki.rules import Rules

INSTEAD = "cname_csr_hash"  # the method that every name allows and that has no end


class Kind(StrEnum):
    """What may become due. Closed list."""

    REISSUE = "reissue"
    RENEWAL = "renewal"
    VALIDATION = "validation"
    ORGANIZATION = "organization_validation"
    METHOD_ENDS = "method_ends"


@dataclass(slots=True)
class Proof:
    """Control over one FQDN was proved at `at`; `expires` is what was known of its end then."""

    method: str
    at: datetime
    expires: datetime


@dataclass(slots=True)
class Standing:
    """An order in use, and how it stands at a moment of the play. `price` is that of the next term, None unknown."""

    order_id: str
    account_id: str
    number: int
    common_name: str
    names: tuple[str, ...]
    product_name: str
    term_years: int
    begins: datetime
    ends: datetime
    term_ends: datetime
    price: int | None
    renewed: bool = False
    organization_proved: datetime | None = None
    methods: dict[str, str] = field(default_factory=dict)  # by FQDN


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that is due at a moment."""

    at: datetime
    kind: Kind
    names: tuple[str, ...] = ()
    method: str = ""
    not_after: datetime | None = None
    cost: int = 0


Proofs = dict[tuple[str, str], Proof]  # by account and FQDN


def play(
    standings: Iterable[Standing], proofs: Proofs, *, now: datetime, until: datetime
) -> Iterator[tuple[Standing, Step]]:
    """Each step of each order in the order of time, up to `until`. Changes the standings and proofs given."""
    due = [(max(_next(each), now), index, each) for index, each in enumerate(standings)]
    heapq.heapify(due)
    while due and due[0][0] < until:
        at, index, standing = due[0]
        if standing.renewed and _term_is_over(standing):
            heapq.heappop(due)  # the order that continues it is in the play too
            continue
        for step in _replace(standing, proofs, at):
            yield standing, step
        # Without the bound a certificate that lasts no time at all would be replaced for ever.
        heapq.heapreplace(due, (max(_next(standing), at + timedelta(hours=1)), index, standing))


def _next(standing: Standing) -> datetime:
    return renewed_at(standing.begins, standing.ends, standing.term_ends, standing.order_id)


def _term_is_over(standing: Standing) -> bool:
    """Whether the certificate in use is the last of its term."""
    return last_of_term(standing.ends, standing.term_ends)


def _replace(standing: Standing, proofs: Proofs, at: datetime) -> Iterator[Step]:
    rules = Rules.at(at)
    renewal = _term_is_over(standing)
    yield from _organization(standing, rules, at, renewal=renewal)
    yield from _names(standing, proofs, rules, at)
    if renewal:
        standing.term_ends = years_later(at, standing.term_years)
    standing.begins, standing.ends = at, min(at + rules.issue_for, standing.term_ends)
    yield Step(
        at,
        Kind.RENEWAL if renewal else Kind.REISSUE,
        not_after=standing.ends,
        cost=(standing.price or 0) if renewal else 0,
    )


def _organization(standing: Standing, rules: Rules, at: datetime, *, renewal: bool) -> Iterator[Step]:
    """Each order is vouched for anew, and inside a long term when the validation has grown too old (BR 4.2.1)."""
    proved = standing.organization_proved
    if proved is not None and (renewal or at - proved >= timedelta(days=rules.identity_reuse_days)):
        standing.organization_proved = at
        yield Step(at, Kind.ORGANIZATION)


def _names(standing: Standing, proofs: Proofs, rules: Rules, at: datetime) -> Iterator[Step]:
    stale: dict[str, list[str]] = {}
    ended: dict[str, list[str]] = {}
    for name in standing.names:
        proof = proofs.get((standing.account_id, name))
        if proof is not None and at < proof.expires and rules.dcv_usable(proof.at, proof.method, at):
            continue
        method = standing.methods.get(name, INSTEAD)
        rule = rules.methods.get(method)
        if rule is None or not rule.allowed:
            ended.setdefault(method, []).append(name)
            method = standing.methods[name] = INSTEAD
        stale.setdefault(method, []).append(name)
        proofs[standing.account_id, name] = Proof(method, at, rules.dcv_expires(at, method))
    for method, names in ended.items():
        yield Step(at, Kind.METHOD_ENDS, tuple(names), method)
    for method, names in stale.items():
        yield Step(at, Kind.VALIDATION, tuple(names), method)
