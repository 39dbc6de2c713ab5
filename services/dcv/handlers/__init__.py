# SPDX-License-Identifier: Apache-2.0
"""One function per command and per foreign event: load, decide, append."""
