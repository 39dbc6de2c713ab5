# SPDX-License-Identifier: Apache-2.0
"""What `rebuild` and migrations look for. Nothing is folded here: all tables of this room hold state."""

from services.accounts.tables.schema import projections

__all__ = ["projections"]
