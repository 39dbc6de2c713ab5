# SPDX-License-Identifier: Apache-2.0
"""Looking at what a TLS server serves. Standard library only, Python 3.9: the agent ships it (see agent/README.md)."""
