# SPDX-License-Identifier: Apache-2.0
"""`certwright verify` and `rebuild --check` look at data and leave nothing behind."""

import shutil

from certwright.commands.history import room_of
from certwright.rooms import ROOMS
from shared.eventstore import rebuild, verify
from shared.eventstore.database import Database
from shared.eventstore.migrations import projections_of, upgrade
from shared.settings import Settings


def test_a_look_makes_no_keys_and_no_files(tmp_path):
    made, looked_at = tmp_path / "made", tmp_path / "copy"
    for name in ROOMS:
        database = Database.open(name, Settings(data_dir=made))
        upgrade(database, projections_of(name))
        database.close()
    shutil.copytree(made, looked_at)
    for name in ROOMS:
        room, checks = room_of(name, Settings(data_dir=looked_at))
        assert verify.verify(room.database, checks).ok
        assert rebuild.check(room).equal
        room.database.close()
    assert {path.name for path in looked_at.iterdir()} <= {path.name for path in made.iterdir()}
