# SPDX-License-Identifier: Apache-2.0
"""The rules of agents and their jobs, pure: state and request in, events out."""
