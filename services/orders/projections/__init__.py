# SPDX-License-Identifier: Apache-2.0
"""The read model of orders: the list, the keys in use, and the counter of order numbers.

An order itself is always shown from its events; these tables are for finding orders and for what spans them.
"""

from services.orders.projections import acme, folding, replacement, trying_again
from services.orders.projections.tables import projections

__all__ = ["acme", "folding", "projections", "replacement", "trying_again"]  # where tools look for it
