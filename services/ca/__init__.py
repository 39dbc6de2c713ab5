# SPDX-License-Identifier: Apache-2.0
"""Issuers behind one port; the only room that ever holds a CA key."""
