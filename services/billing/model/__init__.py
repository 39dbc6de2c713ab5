# SPDX-License-Identifier: Apache-2.0
"""The rules of money, pure: prices, quotes, charges, double entries."""
