# SPDX-License-Identifier: Apache-2.0
"""An alerts room on a scratch SQLite file."""

import pytest

from shared.settings import Settings
from tests.support.alerts_room import AlertsRoom


@pytest.fixture
def alerts(tmp_path):
    with AlertsRoom.on(Settings(data_dir=tmp_path, public_url="https://cw.example")) as room:
        yield room
