# SPDX-License-Identifier: Apache-2.0
"""The accounts room that the tests of this folder share."""

import pytest

from tests.support import account_builders as given


@pytest.fixture
def house(tmp_path):
    found = given.House(tmp_path)
    yield found
    found.database.close()
