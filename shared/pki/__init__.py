# SPDX-License-Identifier: Apache-2.0
"""Names, requests, certificates and the dated rules of the field. Pure: no network, no files but its own data."""
