# SPDX-License-Identifier: Apache-2.0
"""Money: the catalogue and its prices, quotes, payments, deposit accounts and the ledger."""
