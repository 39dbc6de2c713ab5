# SPDX-License-Identifier: Apache-2.0
"""Credentials from the operating system's chance."""

from __future__ import annotations

import secrets


class RandomTokens:
    """`cwa_` and 256 random bits: the prefix lets secret scanners find a token that leaked."""

    def new(self) -> str:
        """A fresh token."""
        return "cwa_" + secrets.token_urlsafe(32)
