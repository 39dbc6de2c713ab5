# SPDX-License-Identifier: Apache-2.0
"""The agent's web page on loopback (guide §3.1): its state, its enrolment, SSH keys, servers and sites."""
