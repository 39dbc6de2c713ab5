# SPDX-License-Identifier: Apache-2.0
"""The log of a service and what shares its transactions: read models, inbox, jobs, stored replies."""
