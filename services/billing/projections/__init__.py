# SPDX-License-Identifier: Apache-2.0
"""Billing's read model, folded from its events: what is owed and was paid, vouchers, invoices."""

from services.billing.projections.invoices import find_invoice, last_invoice
from services.billing.projections.money import (
    check_ledger,
    check_sums,
    count_statement,
    find_charge,
    find_deposit,
    order_of_intent,
    order_of_quote,
    statement,
)
from services.billing.projections.vouchers import count_vouchers, find_voucher, list_vouchers
from services.billing.tables import projections

__all__ = [
    "check_ledger",
    "check_sums",
    "count_statement",
    "count_vouchers",
    "find_charge",
    "find_deposit",
    "find_invoice",
    "find_voucher",
    "last_invoice",
    "list_vouchers",
    "order_of_intent",
    "order_of_quote",
    "projections",
    "statement",
]
