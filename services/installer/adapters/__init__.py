# SPDX-License-Identifier: Apache-2.0
"""The outside world as this room's ports want it."""
