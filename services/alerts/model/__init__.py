# SPDX-License-Identifier: Apache-2.0
"""When an alert is due, what it says, and how an event looks outside; pure."""
