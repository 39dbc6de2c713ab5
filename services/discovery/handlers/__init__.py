# SPDX-License-Identifier: Apache-2.0
"""What the room does: feeds the inventory, scans, checks; and who reads it."""
