# SPDX-License-Identifier: Apache-2.0
"""The forecast: what the dated rules will ask of an account, added up by month, order and method."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from services.orders.model.forecast import Kind, Proofs, Standing, Step, play
from services.orders.projections.standing import has_order, standings
from shared.clock import to_text
from shared.context import Context
from shared.contracts import billing
from shared.contracts import orders as c
from shared.errors import invalid, not_found
from shared.eventstore.room import Room
from shared.pki.rules import Rules, document, limits

FURTHEST = timedelta(days=10 * 366)
MOST_ORDERS, MOST_STEPS = 200, 1_000
CHANGING = ("validity", "dcv_reuse", "identity_reuse")


@dataclass(slots=True)
class _Sum:
    reissues: int = 0
    renewals: int = 0
    validations: int = 0
    organization_validations: int = 0
    cost: int = 0

    def add(self, step: Step) -> None:
        kind = step.kind
        if kind is Kind.REISSUE:
            self.reissues += 1
        elif kind is Kind.VALIDATION:
            self.validations += len(step.names)
        elif kind is Kind.RENEWAL:
            self.renewals += 1
            self.cost += step.cost
        elif kind is Kind.ORGANIZATION:
            self.organization_validations += 1

    def view(self) -> c.Effort:
        return c.Effort(**{name: getattr(self, name) for name in self.__slots__})


class _Share:
    """What one order adds to the forecast."""

    def __init__(self, standing: Standing) -> None:
        self.standing = standing
        self.sum = _Sum()
        self.first: Step | None = None
        self.method_ends: str | None = None

    def add(self, step: Step) -> None:
        self.first = self.first or step
        self.sum.add(step)
        if step.kind == Kind.METHOD_ENDS and self.method_ends is None:
            ends = Rules.at(step.at).methods[step.method].ends
            self.method_ends = ends.isoformat() if ends else None

    def view(self) -> c.ForecastOrder:
        standing, first = self.standing, self.first
        return c.ForecastOrder(
            order_id=standing.order_id,
            number=standing.number,
            common_name=standing.common_name,
            names=len(standing.names),
            product_name=standing.product_name,
            effort=self.sum.view(),
            next_at=to_text(first.at) if first else None,
            next_kind=first.kind if first else "",
            method_ends=self.method_ends,
            priced=standing.price is not None,
        )


def get_forecast(
    room: Room, request: c.GetForecast, context: Context, products: Sequence[billing.Product]
) -> c.ForecastView:
    """See the request. An operator's forecast is of every account. Raises invalid, not_found."""
    now = room.clock.now()
    until = _until(request.until, now)
    prices = _Prices(products)
    found: list[Standing] = []
    proofs: Proofs = {}
    if context.operator or context.account_id is not None:
        with room.query() as connection:
            account_id = None if context.operator else context.account_id
            if request.order_id is not None and not has_order(connection, account_id, request.order_id):
                raise not_found("order")
            found, proofs = standings(connection, account_id, request.order_id, prices.of)
    elif request.order_id is not None:
        raise not_found("order")
    methods = _ending_methods(found, now, until)
    months = [_Sum() for _ in range(_month(until - timedelta(microseconds=1)) - _month(now) + 1)]
    first_month = _month(now)
    shares = {each.order_id: _Share(each) for each in found}
    steps: list[Step] = []
    for standing, step in play(found, proofs, now=now, until=until):
        months[_month(step.at) - first_month].add(step)
        shares[standing.order_id].add(step)
        if request.order_id is not None and len(steps) < MOST_STEPS:
            steps.append(step)
    first_due = sorted(shares.values(), key=lambda each: (each.first.at if each.first else until, each.standing.number))
    return c.ForecastView(
        since=to_text(now),
        until=request.until,
        document=document(),
        currency=prices.currency,
        total=_total(months),
        months=[
            c.ForecastMonth(month=_name(number), effort=each.view()) for number, each in enumerate(months, first_month)
        ],
        changes=_changes(now, until),
        methods=methods,
        orders=[each.view() for each in first_due[:MOST_ORDERS]],
        orders_total=len(found),
        unpriced=sum(each.price is None for each in found),
        steps=[_said(step) for step in steps],
    )


class _Prices:
    def __init__(self, products: Sequence[billing.Product]) -> None:
        self._terms = {(product.code, term.years): term for product in products for term in product.terms}
        self.currency = products[0].currency if products else ""

    def of(self, product: str, years: int, names: tuple[str, ...]) -> int | None:
        """The list price; None when it is not sold so any more."""
        term = self._terms.get((product, years))
        wildcards = sum(name.startswith("*.") for name in names)
        return term.amount_for(len(names) - wildcards, wildcards) if term else None


def _until(text: str, now: datetime) -> datetime:
    """The end of the day asked for."""
    try:
        until = datetime.combine(date.fromisoformat(text), time(), UTC) + timedelta(days=1)
    except (ValueError, OverflowError):
        raise invalid("Give a day such as 2029-12-31.", "/until") from None
    if not now < until <= now + FURTHEST:
        raise invalid("The day lies between today and ten years from now.", "/until")
    return until


def _month(moment: datetime) -> int:
    """The number of a month, counted through the years."""
    return moment.year * 12 + moment.month - 1


def _name(month: int) -> str:
    return f"{month // 12:04d}-{month % 12 + 1:02d}"


def _total(months: list[_Sum]) -> c.Effort:
    return c.Effort(**{name: sum(getattr(each, name) for each in months) for name in _Sum.__slots__})


def _changes(now: datetime, until: datetime) -> list[c.RuleChange]:
    coming = [
        c.RuleChange(since=limit.since.isoformat(), table=table, days=limit.days, source=limit.source)
        for table in CHANGING
        for limit in limits(table, now.date())
        if now.date() < limit.since < until.date()
    ]
    return sorted(coming, key=lambda each: each.since)


def _ending_methods(found: list[Standing], now: datetime, until: datetime) -> list[c.EndingMethod]:
    """Of the methods in use, those that will be forbidden. Asked before the play, which replaces them."""
    ending = []
    for name, rule in Rules.at(now).methods.items():
        using = [sum(method == name for method in each.methods.values()) for each in found]
        if rule.ends is not None and rule.ends < until.date() and any(using):
            ending.append(
                c.EndingMethod(
                    name=name,
                    ends=rule.ends.isoformat(),
                    source=rule.source,
                    orders=sum(count > 0 for count in using),
                    names=sum(using),
                )
            )
    return sorted(ending, key=lambda each: each.ends)


def _said(step: Step) -> c.ForecastStep:
    return c.ForecastStep(
        at=to_text(step.at),
        kind=step.kind,
        names=list(step.names),
        method=step.method,
        not_after=to_text(step.not_after) if step.not_after else None,
        cost=step.cost,
    )
