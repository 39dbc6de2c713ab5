# SPDX-License-Identifier: Apache-2.0
"""What the tests of validation share."""

import pytest

from shared.eventstore import rebuild, verify
from tests.support.dcv_room import World


@pytest.fixture
def world(tmp_path):
    made = World(tmp_path)
    yield made
    assert rebuild.check(made.room).differences == []
    assert verify.verify(made.room.database).ok
    made.room.database.close()
