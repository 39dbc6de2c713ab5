# SPDX-License-Identifier: Apache-2.0
"""Pure event sourcing: event types with stable names, envelopes, folding, upcasting. No I/O."""
