# SPDX-License-Identifier: Apache-2.0
"""Domain control validation: authorizations of accounts over FQDNs, and the challenges that earn them."""
