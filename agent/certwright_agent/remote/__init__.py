# SPDX-License-Identifier: Apache-2.0
"""Servers that this agent reaches over OpenSSH: its own program runs there for it, keys are made and stay there."""
