# SPDX-License-Identifier: Apache-2.0
"""Every room's revisions make exactly the tables that its code declares, on either database."""

import pytest

from certwright.rooms import ROOMS
from shared.eventstore import migrations
from shared.eventstore.database import Database


@pytest.mark.parametrize("service", ROOMS)
def test_the_revisions_of_a_room_make_its_declared_tables(settings, service):
    database = Database.open(service, settings)
    projections = migrations.projections_of(service)
    assert migrations.folder_of(service) is not None
    newest = migrations.upgrade(database, projections)
    assert migrations.differences(database, projections) == []
    assert migrations.upgrade(database, projections) == newest
    database.close()
