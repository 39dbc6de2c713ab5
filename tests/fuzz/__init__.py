# SPDX-License-Identifier: Apache-2.0
"""Fuzzing of everything in `shared/probe` that reads what a server says: `make fuzz`."""
