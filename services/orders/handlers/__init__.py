# SPDX-License-Identifier: Apache-2.0
"""What orders do when asked or told: load, decide, append. One transaction each; nothing here calls out."""
