# SPDX-License-Identifier: Apache-2.0
"""A CA in a process of its own, to be killed: `python -m tests.support.ca_worker FOLDER NAMES UPSTREAM`.

Asks for one certificate when its log is empty, and works until that has ended. `UPSTREAM` is JSON, `null` for the
built-in CA. Its clock is ahead by `CA_WORKER_AHEAD_S`, so that the leases of a dead process have run out.
"""

import json
import os
import sys
import time
from datetime import timedelta
from functools import partial
from pathlib import Path

from services.ca import bootstrap, handlers
from services.ca.model.issuance import stream
from services.ca.projections import projections
from services.ca.settings import CASettings
from shared.clock import RandomIds, SystemClock
from shared.contracts.ca import CertificateSigned, IssuanceRefused
from shared.eventstore.migrations import upgrade
from shared.settings import Settings
from tests.support.ca_room import CARoom
from tests.support.pebble import Pebble
from tests.support.upstream_room import upstream

PATIENCE_S = 60


class Ahead(SystemClock):
    def now(self):
        return super().now() + timedelta(seconds=float(os.environ.get("CA_WORKER_AHEAD_S", "0")))


class Named:
    """The name server, by address."""

    def __init__(self, nameserver):
        self.nameserver = nameserver


def main(folder, names, server):
    """Works."""
    issuer = None
    if server is not None:
        server["trust"] = Path(server["trust"])
        nameserver = server.pop("nameserver")
        (folder / "account").mkdir(parents=True, exist_ok=True)
        issuer = upstream(folder / "account", Pebble(**server), Named(nameserver))
    settings = Settings(data_dir=folder, public_url="http://certwright.test")
    app = bootstrap.build(settings, ca=CASettings(), clock=Ahead(), ids=RandomIds(), upstream=issuer)
    upgrade(app.room.database, projections)
    room = CARoom(app, app.room.clock)
    if not app.room.events(stream("issuance-1")):
        handler = partial(handlers.on_issuance_requested, policy=app.policy)
        request = room.envelope(room.request(names=names), event_id="asked")
        app.room.react(handler, request, name="ca.on_issuance_requested")
    deadline = time.monotonic() + PATIENCE_S
    while not isinstance(room.facts()[-1], CertificateSigned | IssuanceRefused):
        if time.monotonic() > deadline:
            sys.exit(f"not done: {room.facts()[-1]}")
        app.room.queue.run_due(app)
        time.sleep(0.02)
    print(json.dumps({"facts": [type(fact).__name__ for fact in room.facts()], "serial": room.facts()[-1].serial}))
    app.room.database.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), json.loads(sys.argv[2]), json.loads(sys.argv[3]))
