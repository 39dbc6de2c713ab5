# SPDX-License-Identifier: Apache-2.0
"""The tables of accounts and the statements on them. They hold state: contact data may be corrected and erased."""
