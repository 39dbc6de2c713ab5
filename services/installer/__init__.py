# SPDX-License-Identifier: Apache-2.0
"""Agents, the servers and sites behind them, and the work that they do there."""
