# SPDX-License-Identifier: Apache-2.0
"""The private PostgreSQL server of the tests: the one that the cluster on one machine uses."""

from certwright.servers.postgresql import Server, bin_folder, running

__all__ = ["Server", "bin_folder", "running"]
