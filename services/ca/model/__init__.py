# SPDX-License-Identifier: Apache-2.0
"""What may be signed, and what became of it. Pure."""
