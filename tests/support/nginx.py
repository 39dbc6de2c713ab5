# SPDX-License-Identifier: Apache-2.0
"""The private Nginx of the tests: the one that the demonstration uses."""

from certwright.servers.nginx import Nginx
from certwright.servers.webserver import TLSFiles

__all__ = ["Nginx", "TLSFiles"]
