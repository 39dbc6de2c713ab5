# SPDX-License-Identifier: Apache-2.0
"""Every promise is tried on both databases."""

from tests.support.databases import postgres_server, settings

__all__ = ["postgres_server", "settings"]
