# SPDX-License-Identifier: Apache-2.0
"""What people and programs are told: the feed of every event, expiry alerts, mails."""
