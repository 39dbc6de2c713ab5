# SPDX-License-Identifier: Apache-2.0
"""What the services share: contracts, event store, messaging, runtime, PKI, probe."""
