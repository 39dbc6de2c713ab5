# SPDX-License-Identifier: Apache-2.0
"""What an inventory entry is, pure."""
