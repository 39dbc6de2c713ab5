# SPDX-License-Identifier: Apache-2.0
"""The targets of `make fuzz` without a fuzzer: what sound servers say, whole and damaged, and what once broke them."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz.parsers import TARGETS
from tests.fuzz.seeds import seeds_of

# Each broke its target once: (target, input in hexadecimal).
BROKE: list[tuple[str, str]] = []


@pytest.mark.parametrize("name", TARGETS)
def test_what_sound_servers_say_is_read(name):
    for seed in seeds_of(name):
        TARGETS[name](seed)
    assert any(TARGETS[name](seed) is not None for seed in seeds_of(name))


@pytest.mark.parametrize("name", TARGETS)
@given(data=st.data())
@settings(max_examples=15, deadline=None)
def test_what_is_damaged_ends_in_a_reason(name, data):
    seed = bytearray(data.draw(st.sampled_from(seeds_of(name))))
    for _ in range(data.draw(st.integers(1, 6))):
        seed[data.draw(st.integers(0, len(seed) - 1))] = data.draw(st.integers(0, 255))
    end = data.draw(st.integers(0, len(seed)))
    TARGETS[name](bytes(seed[:end] + seed[data.draw(st.integers(0, end)) :]))
