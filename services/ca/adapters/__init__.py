# SPDX-License-Identifier: Apache-2.0
"""Issuers: the built-in CA."""
