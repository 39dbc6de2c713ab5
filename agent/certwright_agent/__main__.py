# SPDX-License-Identifier: Apache-2.0
"""`python -m certwright_agent`."""

import sys

from certwright_agent.cli import main

sys.exit(main())
