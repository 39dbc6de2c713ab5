# SPDX-License-Identifier: Apache-2.0
"""The installer on SQLite."""

import pytest

from tests.support.installer_room import InstallerRoom


@pytest.fixture
def room(tmp_path):
    with InstallerRoom.on_sqlite(tmp_path) as made:
        yield made
