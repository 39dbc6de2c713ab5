# SPDX-License-Identifier: Apache-2.0
"""Measurements, each beside its peer or physical limit in the same run: `make bench`."""
