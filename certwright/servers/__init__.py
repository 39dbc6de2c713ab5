# SPDX-License-Identifier: Apache-2.0
"""Private servers for the cluster on one machine, the demo and the tests: own data, own free ports on 127.0.0.1."""
