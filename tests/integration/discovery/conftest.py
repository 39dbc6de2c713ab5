# SPDX-License-Identifier: Apache-2.0
"""The room on both of its databases."""

from tests.support.databases import postgres_server, settings

__all__ = ["postgres_server", "settings"]
