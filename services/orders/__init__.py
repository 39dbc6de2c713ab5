# SPDX-License-Identifier: Apache-2.0
"""Certificate orders: what was bought, what it waits for, and what became of it. Owns every fact about an order."""
