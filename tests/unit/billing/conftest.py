# SPDX-License-Identifier: Apache-2.0
"""A billing room on a scratch SQLite file, with a clock and a provider that tests own."""

import pytest

from tests.support.billing_room import BillingRoom


@pytest.fixture
def billing(tmp_path):
    with BillingRoom.on_sqlite(tmp_path) as room:
        yield room
