# SPDX-License-Identifier: Apache-2.0
"""What a name of a certificate may look like."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.pki.fqdn import FQDN, NameFault, NameRefusedError, read_names


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("www.example.com", "www.example.com"),
        (" WWW.Example.COM. ", "www.example.com"),
        ("*.example.com", "*.example.com"),
        ("Bücher.example", "xn--bcher-kva.example"),
        ("*.BÜCHER.example", "*.xn--bcher-kva.example"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("faß.de", "xn--fa-hia.de"),
        ("a。b．example．com", "a.b.example.com"),
        ("3com.com", "3com.com"),
        ("a" * 63 + ".example.com", "a" * 63 + ".example.com"),
        ("github.io", "github.io"),
        ("*.github.io", "*.github.io"),
        ("localhost.test", "localhost.test"),
        ("1.2.3.4.example.com", "1.2.3.4.example.com"),
    ],
)
def test_a_name_has_one_form_however_it_was_typed(typed, read):
    assert FQDN.parse(typed).text == read


@pytest.mark.parametrize(
    ("typed", "fault"),
    [
        ("", NameFault.EMPTY),
        ("   ", NameFault.EMPTY),
        ("https://example.com/", NameFault.URL),
        ("example.com/path", NameFault.URL),
        ("admin@example.com", NameFault.EMAIL),
        ("example.com:443", NameFault.IP_ADDRESS),
        ("127.0.0.1", NameFault.IP_ADDRESS),
        ("127.1", NameFault.IP_ADDRESS),
        ("1.2.3.0x7f", NameFault.IP_ADDRESS),
        ("::1", NameFault.IP_ADDRESS),
        ("[::1]", NameFault.IP_ADDRESS),
        ("localhost", NameFault.SINGLE_LABEL),
        ("*.com", NameFault.SINGLE_LABEL),
        ("_dmarc.example.com", NameFault.UNDERSCORE),
        ("a_b.example.com", NameFault.UNDERSCORE),
        ("-a.example.com", NameFault.BAD_LABEL),
        ("a-.example.com", NameFault.BAD_LABEL),
        ("ab--cd.example.com", NameFault.BAD_LABEL),
        ("a..example.com", NameFault.BAD_LABEL),
        (".example.com", NameFault.BAD_LABEL),
        ("xn--zzzz.example.com", NameFault.BAD_IDN),
        ("\u0628a.example.com", NameFault.BAD_IDN),
        ("a" * 64 + ".example.com", NameFault.TOO_LONG),
        ("a." * 125 + "example.com", NameFault.TOO_LONG),
        ("x" * 5000, NameFault.TOO_LONG),
        ("co.uk", NameFault.PUBLIC_SUFFIX),
        ("*.co.uk", NameFault.PUBLIC_SUFFIX),
        ("a.*.example.com", NameFault.WILDCARD_PLACE),
        ("w*.example.com", NameFault.WILDCARD_PLACE),
        ("*.*.example.com", NameFault.WILDCARD_PLACE),
        ("exa mple.com", NameFault.NOT_A_NAME),
        ("example.com\r\nBcc: x", NameFault.NOT_A_NAME),
        ("example.com\x00.evil.org", NameFault.NOT_A_NAME),
        ("$(id).example.com", NameFault.BAD_LABEL),
        ("%00.example.com", NameFault.BAD_LABEL),
    ],
)
def test_what_is_no_name_is_refused_with_its_own_reason(typed, fault):
    with pytest.raises(NameRefusedError) as refused:
        FQDN.parse(typed)
    assert refused.value.fault == fault
    assert refused.value.detail


def test_a_wildcard_is_refused_where_the_product_has_none():
    with pytest.raises(NameRefusedError) as refused:
        FQDN.parse("*.example.com", wildcard=False)
    assert refused.value.fault == NameFault.WILDCARD_NOT_ALLOWED


def test_a_wildcard_is_proved_by_its_base():
    assert FQDN.parse("*.shop.example.co.uk").base.text == "shop.example.co.uk"


@pytest.mark.parametrize(
    ("name", "steps"),
    [
        ("a.b.example.co.uk", ["a.b.example.co.uk", "b.example.co.uk", "example.co.uk"]),
        ("*.example.com", ["example.com"]),
        ("someone.github.io", ["someone.github.io"]),
        ("github.io", ["github.io"]),
        ("www.someone.github.io", ["www.someone.github.io", "someone.github.io"]),
        ("www.ck", ["www.ck"]),
        ("shop.example.test", ["shop.example.test", "example.test"]),
    ],
)
def test_the_walk_ends_at_the_registrable_name_and_never_at_a_public_suffix(name, steps):
    assert [step.text for step in FQDN.parse(name).walk()] == steps


def test_people_see_unicode():
    assert FQDN.parse("*.bücher.example").unicode == "*.bücher.example"
    assert FQDN.parse("www.example.com").unicode == "www.example.com"


def test_a_wildcard_covers_exactly_one_label():
    wildcard = FQDN.parse("*.example.com")
    assert wildcard.covers(FQDN.parse("www.example.com"))
    assert not wildcard.covers(FQDN.parse("example.com"))
    assert not wildcard.covers(FQDN.parse("a.b.example.com"))


def test_a_list_is_read_without_repetition_and_says_what_it_refused():
    names, refused = read_names("www.example.com, Example.com\nlocalhost; www.example.com")
    assert [name.text for name in names] == ["www.example.com", "example.com"]
    assert [(word, error.fault) for word, error in refused] == [("localhost", NameFault.SINGLE_LABEL)]


@given(st.one_of(st.text(), st.from_regex(r"[a-z0-9.*_\-]{1,80}", fullmatch=True)))
def test_any_text_is_a_name_or_refused_and_reading_twice_changes_nothing(text):
    try:
        name = FQDN.parse(text)
    except NameRefusedError:
        return
    assert FQDN.parse(name.text) == name
    assert name.text.isascii()
    assert name.text == name.text.lower()
    assert FQDN.parse(name.unicode) == name
    assert all(step.text.endswith(name.registrable) for step in name.walk())
