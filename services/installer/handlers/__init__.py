# SPDX-License-Identifier: Apache-2.0
"""One function per command, query and foreign event: load, decide, append."""
