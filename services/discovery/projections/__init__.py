# SPDX-License-Identifier: Apache-2.0
"""The read and written state of the room: the inventory, scans, checks."""

from services.discovery.tables import projections

__all__ = ["projections"]  # where tools look for it
