# SPDX-License-Identifier: Apache-2.0
"""Cursors come back as they were given; whatever else is sent as one is refused, never an error of ours."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.contracts.paging import cursor_at, number_after, pair_after
from shared.errors import ServiceError

STORED = st.text(st.characters(exclude_characters="\0\x1f", exclude_categories=["Cs"]))


@given(st.integers(0, 10**18 - 1))
def test_a_number_comes_back(number):
    assert number_after(cursor_at(number)) == number


@given(STORED, STORED)
def test_a_pair_comes_back(first, second):
    assert pair_after(cursor_at(first, second)) == (first, second)


@given(st.text())
def test_made_up_text_is_refused_or_read(text):
    for read in (number_after, pair_after):
        with contextlib.suppress(ServiceError):
            read(text)


@pytest.mark.parametrize("text", ["", "?", "2000001", "a", cursor_at("a\0", "b"), cursor_at(10**18), cursor_at("٣")])
def test_what_is_no_cursor_of_ours_is_refused_at_its_place(text):
    for read in (number_after, pair_after):
        with pytest.raises(ServiceError) as refused:
            read(text)
        assert (refused.value.code, refused.value.pointer) == ("invalid", "/cursor")
