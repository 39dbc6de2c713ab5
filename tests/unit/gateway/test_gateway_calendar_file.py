# SPDX-License-Identifier: Apache-2.0
"""The ends of certificates as a calendar file that every reader takes."""

import re

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from gateway.calendar_file import LONGEST, escaped, event, folded
from gateway.examples import example
from shared.contracts import discovery

ANY = st.text(st.characters(exclude_categories=["Cs"]))


@given(ANY)
def test_a_long_line_is_folded_and_comes_back_whole(text):
    lines = folded(f"SUMMARY:{escaped(text)}").split(b"\r\n")
    assert lines.pop() == b""
    assert all(len(line) <= LONGEST for line in lines)
    assert b"".join([lines[0], *(line[1:] for line in lines[1:])]).decode() == f"SUMMARY:{escaped(text)}"


@given(ANY)
def test_no_text_begins_a_line_of_its_own(text):
    said = escaped(text)
    assert "\n" not in said
    assert "\r" not in said
    assert not re.search(r"(?<!\\)(\\\\)*[;,]", said)


def test_an_event_says_what_ends_and_when():
    found = msgspec.convert(example(discovery.InventoryCertificate), discovery.InventoryCertificate)
    lines = event(found, "https://certwright.example/")
    assert f"UID:{found.fingerprint_sha256}@certwright" in lines
    assert any(re.fullmatch(r"DTSTART:\d{8}T\d{6}Z", line) for line in lines)
    if found.order_id:
        assert f"URL:https://certwright.example/console/orders/{found.order_id}" in lines
