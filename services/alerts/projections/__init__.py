# SPDX-License-Identifier: Apache-2.0
"""Reading and writing the tables of alerts."""

from services.alerts.tables import projections

__all__ = ["projections"]  # where tools look for it
