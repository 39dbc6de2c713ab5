# SPDX-License-Identifier: Apache-2.0
"""The installer's read model: one function per event, and the queries over it."""

from services.installer.projections.folding import projections

__all__ = ["projections"]  # where tools look for it
