# SPDX-License-Identifier: Apache-2.0
"""One function per request and per foreign event."""
