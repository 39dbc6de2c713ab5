# SPDX-License-Identifier: Apache-2.0
"""For those who run this installation: first run, accounts, mails, health, parked work, the ledger."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from gateway.exchange import Exchange
from gateway.route import Route
from shared.contracts import accounts, alerts, billing, operations
from shared.contracts.base import View
from shared.errors import ServiceError

OPERATOR = "Operator"
SERVICES = ("accounts", "billing", "orders", "dcv", "ca", "installer", "discovery", "alerts")
LETTERS = "/api/v1/operator/services/{service}/dead-letters"


class Services(View):
    """Every service's view of itself. One that does not answer is not ready, and `parts.rpc` says why."""

    ready: bool
    services: list[operations.Health]


def _health_of_all(exchange: Exchange, request: Any) -> Services:
    def one(service: str) -> operations.Health:
        try:
            health: operations.Health = exchange.send(request, service=service)
        except ServiceError as error:
            return operations.Health(
                service=service, ready=False, version="", parts={"rpc": error.detail}, lags=[], dead_letters=0
            )
        return health

    with ThreadPoolExecutor(len(SERVICES)) as pool:
        found = list(pool.map(one, SERVICES))
    return Services(ready=all(health.ready for health in found), services=found)


ROUTES = (
    Route(
        method="POST", path="/api/v1/operator/claim", request=accounts.ClaimOperator, tag=OPERATOR, status=204,
        summary="First run: become the operator with the one-time token of the log",
    ),
    Route(
        method="GET", path="/api/v1/operator/accounts", request=accounts.ListAccounts, tag=OPERATOR,
        summary="Every account",
    ),
    Route(
        method="GET", path="/api/v1/operator/mails", request=alerts.ListMails, tag=OPERATOR,
        summary="Mails in the folder, newest first",
    ),
    Route(
        method="GET", path="/api/v1/operator/mails/{mail_id}", request=alerts.GetMail, tag=OPERATOR,
        summary="One mail with its text",
    ),
    Route(
        method="GET", path="/api/v1/operator/vouchers", request=billing.ListVouchers, tag=OPERATOR,
        summary="Vouchers, newest first",
    ),
    Route(
        method="POST", path="/api/v1/operator/vouchers", request=billing.MakeVoucher, tag=OPERATOR, status=201,
        summary="Make a voucher",
    ),
    Route(
        method="DELETE", path="/api/v1/operator/vouchers/{code}", request=billing.EndVoucher, tag=OPERATOR,
        status=204, summary="End a voucher: no further order can use it",
    ),
    Route(
        method="GET", path="/api/v1/operator/ledger", request=billing.CheckLedger, tag=OPERATOR,
        summary="Prove that every transaction balances",
    ),
    Route(
        method="GET", path="/api/v1/operator/services", request=operations.GetHealth, tag=OPERATOR,
        summary="Health of every service", call=_health_of_all, reply=Services,
    ),
    Route(
        method="GET", path=LETTERS, request=operations.ListDeadLetters, tag=OPERATOR, service_in_path=True,
        summary="Parked events and jobs of a service",
    ),
    Route(
        method="GET", path=f"{LETTERS}/{{id}}", request=operations.GetDeadLetter, tag=OPERATOR, service_in_path=True,
        summary="One parked event or job with its payload and traceback",
    ),
    Route(
        method="POST", path=f"{LETTERS}/{{id}}/replay", request=operations.ReplayDeadLetter, tag=OPERATOR, status=204,
        service_in_path=True, summary="Put it back to work",
    ),
    Route(
        method="POST", path=f"{LETTERS}/{{id}}/discard", request=operations.DiscardDeadLetter, tag=OPERATOR,
        status=204, service_in_path=True, summary="Give it up for good",
    ),
)  # fmt: skip
