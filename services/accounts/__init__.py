# SPDX-License-Identifier: Apache-2.0
"""Who may do what: accounts, users, permissions, agreements, sign-in, sessions, API tokens. Owns all contact data."""
