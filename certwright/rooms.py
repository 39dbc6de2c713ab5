# SPDX-License-Identifier: Apache-2.0
"""The names of the rooms, in the order in which they are started."""

from __future__ import annotations

ROOMS = ("accounts", "billing", "orders", "dcv", "ca", "installer", "discovery", "alerts")
GATEWAY = "gateway"
