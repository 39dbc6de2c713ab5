# SPDX-License-Identifier: Apache-2.0
"""Hashing, sealing and chance."""
