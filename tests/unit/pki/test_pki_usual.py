# SPDX-License-Identifier: Apache-2.0
"""The quick reader says what `cryptography` says, or nothing."""

import random
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.pki import usual
from shared.pki.usual import UsualReader
from tests.support.usual_certificates import (
    ISSUER,
    STAMPS_OID,
    START,
    damaged,
    make,
    name,
    octets,
    reader_that_knows,
    slowly,
)

NAME = "a.example.com"
READ = {
    "public": make(NAME, "*.example.com", "A.Example.com"),
    "rsa 2048": make(NAME, key="rsa 2048"),
    "rsa 3072": make(NAME, key="rsa 3072"),
    "P-384": make(NAME, key="ecdsa P-384", policy="2.23.140.1.1"),
    "organization": make(
        NAME,
        subject=name(COUNTRY_NAME="DE", LOCALITY_NAME="Köln", ORGANIZATION_NAME="Müller GmbH", COMMON_NAME=NAME),
        policy="2.23.140.1.2.2",
    ),
    "no subject": make(NAME, subject=x509.Name([])),
    "two common names": make(NAME, subject=x509.Name([*name(COMMON_NAME="First"), *name(COMMON_NAME="second")])),
    "addresses": make(NAME, addresses=["192.0.2.1", "2001:db8::1"]),
    "address alone": make(subject=name(COMMON_NAME="printer"), addresses=["192.0.2.1"]),
    "no SAN": make(subject=name(COMMON_NAME="Printer")),
    "inner": make(NAME, public=False, issuer=name(COMMON_NAME="Inner CA")),
    "long serial": make(NAME, serial=2**159 - 1),
    "serial with its first bit set": make(NAME, serial=0x80),
    "of the last century": make(NAME, start=datetime(1999, 12, 31, tzinfo=UTC)),
    "other policy": make(NAME, policy="1.3.6.1.4.1.44947.1.1.1"),
}
LEFT = {
    "ends after 2049": make(NAME, start=datetime(2040, 1, 1, tzinfo=UTC), days=4100),
    "P-521": make(NAME, key="ecdsa P-521"),
    "ed25519": make(NAME, key="ed25519"),
    "exponent 3": make(NAME, key="rsa 2048, 3"),
    "escaped": make(NAME, subject=name(ORGANIZATION_NAME='Say "a, b"', COMMON_NAME=NAME)),
    "begins with a blank": make(NAME, subject=name(COMMON_NAME=" a")),
    "ends with a blank": make(NAME, subject=name(COMMON_NAME="a ")),
    "attribute of its own": make(NAME, subject=name(SERIAL_NUMBER="HRB 1", COMMON_NAME=NAME)),
    "two in one part": make(
        NAME, subject=x509.Name([x509.RelativeDistinguishedName([*name(COMMON_NAME="a"), *name(COUNTRY_NAME="DE")])])
    ),
    "mail address": make(
        subject=name(COMMON_NAME="a"), more=[x509.SubjectAlternativeName([x509.RFC822Name("a@example.com")])]
    ),
    "stamps that are none": make(
        NAME, public=False, more=[x509.UnrecognizedExtension(STAMPS_OID, octets(b"\x00\x01"))]
    ),
    "large": make(*(f"{number}.example.com" for number in range(1000))),
}


@pytest.mark.parametrize("der", READ.values(), ids=READ)
def test_the_usual_is_read_as_cryptography_reads_it(der):
    said = slowly(der)
    assert said is not None
    assert UsualReader().read(der) is None, "nothing is known of its issuer yet"
    assert reader_that_knows(der).read(der) == said


@pytest.mark.parametrize("der", LEFT.values(), ids=LEFT)
def test_what_is_unusual_is_left_to_it(der):
    assert reader_that_knows(*READ.values(), der).read(der) is None


def test_an_issuer_is_known_by_all_that_it_writes():
    known, other = make(NAME, policy="2.23.140.1.2.1"), make(NAME, policy="2.23.140.1.2.2")
    reader = reader_that_knows(known)
    assert reader.read(other) is None
    found = reader_that_knows(known, other)
    levels = [said.level for der in (known, other) if (said := found.read(der)) is not None]
    assert levels == ["DV", "OV"]


def test_what_it_knows_is_bounded(monkeypatch):
    monkeypatch.setattr(usual, "_MOST_KNOWN", 16)
    reader = reader_that_knows(*(make(NAME, issuer=name(COMMON_NAME=f"CA {number}")) for number in range(40)))
    last = make(NAME, issuer=name(COMMON_NAME="CA 39"))
    assert len(reader._issuers) <= 16
    assert reader.read(last) == slowly(last)


def test_nothing_is_learned_from_what_is_no_certificate():
    reader = UsualReader()
    reader.learn(b"\x30\x00", issuer="a", brand="b", level="")
    reader.learn(b"", issuer="a", brand="b", level="")
    assert not reader._issuers


TEXT = st.characters(blacklist_categories=("Cs",))
MADE = st.builds(
    lambda labels, organization, common_name, days_on, **more: make(
        *labels,
        subject=name(ORGANIZATION_NAME=organization, COMMON_NAME=common_name),
        start=START + timedelta(days=days_on),
        **more,
    ),
    labels=st.lists(st.from_regex(r"[A-Za-z0-9-]{1,20}\.[a-z]{2,6}", fullmatch=True), min_size=1, max_size=5),
    organization=st.text(TEXT, min_size=1, max_size=16),  # 64 bytes at most, as X.520 has it
    common_name=st.text(TEXT, min_size=1, max_size=16),
    serial=st.integers(1, 2**159 - 1),
    days_on=st.integers(-25_000, 15_000),
    days=st.integers(1, 4000),
    key=st.sampled_from(["ecdsa P-256", "ecdsa P-384", "rsa 2048"]),
    public=st.booleans(),
)


@given(der=MADE)
@settings(max_examples=60, deadline=timedelta(seconds=5))
def test_whatever_it_reads_it_reads_rightly(der):
    assert KNOWING.read(der) in (None, slowly(der))


KNOWING = reader_that_knows(*READ.values())


@given(of=st.sampled_from(list(READ.values())), seed=st.integers(0, 2**32))
@settings(max_examples=400, deadline=timedelta(seconds=5))
def test_damage_is_never_read_otherwise(of, seed):
    der = damaged(of, random.Random(seed))
    said = KNOWING.read(der)
    assert said is None or said == slowly(der)


def test_most_certificates_are_read_by_it():
    """The rule of the hypothesis tests would also hold of a reader that reads nothing."""
    assert reader_that_knows(make(NAME)).read(make(NAME, serial=99, issuer=ISSUER)) is not None
