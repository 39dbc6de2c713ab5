# SPDX-License-Identifier: Apache-2.0
"""The only way out to an address that somebody else named: resolved once, every answer checked, that address
dialled."""
