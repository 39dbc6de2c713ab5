# SPDX-License-Identifier: Apache-2.0
"""The rules of accounts, pure: what may be typed into each field, who may give what to whom, when to wait."""
