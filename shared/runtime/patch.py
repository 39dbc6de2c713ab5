# SPDX-License-Identifier: Apache-2.0
"""Makes the standard library cooperative. Call `patch()` before anything else is imported: a lock that was made before
stays a real one and stops the whole process (docs/adr/0001-nameko-on-eventlet-at-the-edge.md).
"""

from __future__ import annotations

import os
import sys
import time
import warnings

STARTED = time.monotonic()  # nearly the start of the process: this module is imported first


def patch() -> None:
    """Monkey-patches for eventlet, once. Raises RuntimeError when it comes too late to be sound."""
    done = sys.modules.get("eventlet.patcher")
    late = sorted({"kombu", "nameko", "sqlalchemy", "requests", "flask"} & set(sys.modules))
    if late and not (done and done.is_monkey_patched("socket")):
        raise RuntimeError(f"patched too late: {', '.join(late)} imported already")
    # psycopg waits in C and would stop every greenlet; this makes it wait in Python, where eventlet can switch.
    os.environ.setdefault("PSYCOPG_WAIT_FUNC", "wait_selector")
    # eventlet's own resolver knows neither nsswitch.conf nor search lists as the system does. Names that customers give
    # are looked up by dnspython with set servers, which is cooperative; only broker, database and mail hosts remain.
    os.environ.setdefault("EVENTLET_NO_GREENDNS", "yes")
    # Threads serve for password hashes only, and the C library keeps for each thread what its largest hash took.
    os.environ.setdefault("EVENTLET_THREADPOOL_SIZE", "2")
    with warnings.catch_warnings():
        # known, and answered in the ADR
        warnings.filterwarnings("ignore", message=r"(?s).*[Ee]ventlet is deprecated.*")
        import eventlet  # noqa: PLC0415 - importing it is what this function is about

        eventlet.monkey_patch()
