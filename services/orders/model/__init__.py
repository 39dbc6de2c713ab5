# SPDX-License-Identifier: Apache-2.0
"""The rules of an order, pure: state and request in, events out. No clock, no randomness, no input or output."""
