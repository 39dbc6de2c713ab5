# SPDX-License-Identifier: Apache-2.0
"""The private Apache of the tests: the one that the demonstration uses."""

from certwright.servers.apache import Apache
from certwright.servers.webserver import TLSFiles

__all__ = ["Apache", "TLSFiles"]
