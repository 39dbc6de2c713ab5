# SPDX-License-Identifier: Apache-2.0
"""What the dated rules will ask of the orders that are in use: certificates, proofs, money."""

from __future__ import annotations

from shared.contracts.base import View


class Effort(View):
    """What happens in a span of time. `cost` is in minor units, by today's price list.

    `reissues` are certificates inside a paid term, `renewals` new orders for the next term, `validations` proofs of
    control over one FQDN, `organization_validations` those of OV and EV orders.
    """

    reissues: int
    renewals: int
    validations: int
    organization_validations: int
    cost: int


class ForecastMonth(View):
    """One calendar month (UTC), such as 2027-03."""

    month: str
    effort: Effort


class RuleChange(View):
    """A rule that changes on a day. `table` is validity, dcv_reuse or identity_reuse; `days` holds from then on."""

    since: str
    table: str
    days: int
    source: str


class EndingMethod(View):
    """A method of validation in use that will be forbidden from `ends` on: so many orders and FQDNs rely on it."""

    name: str
    ends: str
    source: str
    orders: int
    names: int


class ForecastOrder(View):
    """One order's share. `method_ends` is the day from which a method that it uses is forbidden.

    `priced` is False when the price list no longer sells the product for this term: its renewals cost nothing here.
    """

    order_id: str
    number: int
    common_name: str
    names: int
    product_name: str
    effort: Effort
    next_at: str | None
    next_kind: str
    method_ends: str | None
    priced: bool


class ForecastStep(View):
    """One thing that will be due. `kind` is reissue, renewal, validation, organization_validation or method_ends.

    `not_after` is the end of the certificate that a reissue or renewal brings; `names` are those to prove.
    """

    at: str
    kind: str
    names: list[str] = []
    method: str = ""
    not_after: str | None = None
    cost: int = 0


class ForecastView(View):
    """From `since` until `until`, by the rules known today (`document`) if nobody changes anything.

    `orders` are the first that something is due for, at most 200 of `orders_total`; `steps` are given when one order
    was asked for, at most 1,000.
    """

    since: str
    until: str
    document: str
    currency: str
    total: Effort
    months: list[ForecastMonth]
    changes: list[RuleChange]
    methods: list[EndingMethod]
    orders: list[ForecastOrder]
    orders_total: int
    unpriced: int
    steps: list[ForecastStep] = []
