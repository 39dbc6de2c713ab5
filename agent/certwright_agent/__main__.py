# SPDX-License-Identifier: Apache-2.0
"""`python -m certwright_agent`, and the zipapp."""

import sys

# On a server, for another host's agent: each visit begins with it, so that it loads little.
if sys.argv[1:] == ["on-behalf"]:
    from certwright_agent.remote.on_behalf import main
else:
    from certwright_agent.cli import main

sys.exit(main())
