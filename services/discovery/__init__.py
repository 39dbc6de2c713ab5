# SPDX-License-Identifier: Apache-2.0
"""The inventory: every certificate that an account has, however it came to be known."""
