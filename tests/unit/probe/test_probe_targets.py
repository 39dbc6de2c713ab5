# SPDX-License-Identifier: Apache-2.0
"""What people type becomes exactly the endpoints that are meant, in a fixed order, without being written out."""

import ipaddress
import itertools
import tracemalloc
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.probe.addresses import entries, read_ports
from shared.probe.targets import Endpoint, TargetError, read_targets


def addresses(typed, **options):
    return [one.address for one in read_targets(typed, **options).endpoints()]


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("10.0.0.0/30", ["10.0.0.0", "10.0.0.1", "10.0.0.2", "10.0.0.3"]),
        ("10.0.0.2/31", ["10.0.0.2", "10.0.0.3"]),
        ("10.0.0.3/30", ["10.0.0.0", "10.0.0.1", "10.0.0.2", "10.0.0.3"]),
        ("10.0.0.0 255.255.255.252", ["10.0.0.0", "10.0.0.1", "10.0.0.2", "10.0.0.3"]),
        ("10.0.0.0/255.255.255.252", ["10.0.0.0", "10.0.0.1", "10.0.0.2", "10.0.0.3"]),
        ("10.0.0.254-10.0.1.1", ["10.0.0.254", "10.0.0.255", "10.0.1.0", "10.0.1.1"]),
        ("10.0.0.1 - 10.0.0.2", ["10.0.0.1", "10.0.0.2"]),
        ("10.0.0.1-3", ["10.0.0.1", "10.0.0.2", "10.0.0.3"]),
        ("10.0.0.7", ["10.0.0.7"]),
        ("10.0.0.7, 10.0.0.7; 10.0.0.6/31\n10.0.0.9", ["10.0.0.6", "10.0.0.7", "10.0.0.9"]),
        ("2001:db8::/126", ["2001:db8::", "2001:db8::1", "2001:db8::2", "2001:db8::3"]),
        ("2001:db8::fffe-2001:db8::1:0", ["2001:db8::fffe", "2001:db8::ffff", "2001:db8::1:0"]),
        ("2001:db8::1-3", ["2001:db8::1", "2001:db8::2", "2001:db8::3"]),
        ("::1", ["::1"]),
        ("::ffff:10.0.0.1", ["10.0.0.1"]),
        ("::ffff:10.0.0.0/127", ["10.0.0.0", "10.0.0.1"]),
    ],
)
def test_forms(typed, expected):
    assert addresses(typed) == expected
    assert read_targets(typed).count == len(expected)


@pytest.mark.parametrize(
    ("typed", "cure"),
    [
        ("10.0.0.256", "0 to 255"),
        ("010.0.0.1", "leading zeros"),
        ("10.0.0", "four numbers"),
        ("10.0.0.0/33", "0 to 32"),
        ("10.0.0.0/-1", "0 to 32"),
        ("2001:db8::/129", "0 to 128"),
        ("10.0.0.0 255.0.255.0", "no network mask"),
        ("10.0.0.0 0.0.0.255", "no network mask"),
        ("10.0.0.9-10.0.0.1", "upwards"),
        ("10.0.0.9-3", "upwards"),
        ("10.0.0.9-300", "goes to 255"),
        ("10.0.0.9-b", "10.0.0.1-50"),
        ("10.0.0.9-2001:db8::1", "one IP version"),
        ("fe80::1%eth0", "zone"),
        ("10.0.0.1:443", "apart"),
        ("::ffff:0:0/90", "IPv4 block"),
        ("www.example.com/24/7", "without https"),
        ("https://www.example.com/", "without https"),
        ("*.example.com", "wildcard"),
        ("ops@example.com", "mailbox"),
        ("www..example.com", "host name"),
        ("-x.example.com", "host name"),
        ("www.example.com other.example.com", "comma"),
        ("x" * 64 + ".example.com", "host name"),
        ("a." * 200, "too long"),
        ("", "nothing to scan"),
        (" , ;\n", "nothing to scan"),
    ],
)
def test_mistakes_say_the_cure(typed, cure):
    with pytest.raises(TargetError, match=r".") as caught:
        read_targets(typed)
    assert cure in str(caught.value)
    assert caught.value.entry in {typed, "", typed[:40] + "…"}


def test_ports():
    assert read_ports("443, 8443,9000-9002;443") == (443, 8443, 9000, 9001, 9002)
    assert read_ports([443, "80-81"]) == (443, 80, 81)
    assert read_ports(443) == (443,)
    for wrong in ("0", "65536", "a", "", "9-1", "1-", "-1", "443 80", "٣"):
        with pytest.raises(TargetError):
            read_ports(wrong)


def test_consecutive_endpoints_are_different_hosts():
    found = list(read_targets("10.0.0.1-3", "443,8443").endpoints())
    assert [(one.address[-1], one.port) for one in found] == [
        ("1", 443),
        ("2", 443),
        ("3", 443),
        ("1", 8443),
        ("2", 8443),
        ("3", 8443),
    ]


def test_names_wait_for_their_addresses():
    targets = read_targets(
        ["WWW.Example.com.", "bücher.example", "10.0.0.1"], "443", exclude="gone.example, 10.9.0.0/16"
    )
    assert targets.names == ("www.example.com", "xn--bcher-kva.example")
    assert targets.excluded_names == ("gone.example",)
    found = targets.resolved(
        {
            "www.example.com": ["10.0.0.1", "10.9.0.1", "2001:db8::1", "10.0.0.1"],
            "gone.example": ["10.0.0.1", "10.0.0.2"],
            "xn--bcher-kva.example": ["10.0.0.3"],
        }
    )
    assert list(found.endpoints()) == [
        Endpoint("2001:db8::1", 443, "www.example.com"),
        Endpoint("10.0.0.3", 443, "xn--bcher-kva.example"),
    ]
    assert found.count == 2
    assert read_targets("a.example", exclude="b.example").resolved({}).count == 0
    with pytest.raises(TargetError):
        read_targets("a.example").resolved({"a.example": ["not an address"]})


def test_exclusions_that_hold_everything_are_a_mistake():
    with pytest.raises(TargetError, match="nothing is left"):
        read_targets("10.0.0.0/24, a.example", exclude="10.0.0.0/8, a.example")


def test_the_limit_counts_ports_and_names():
    assert read_targets("10.0.0.0/24", "1-4", limit=1024).count == 1024
    with pytest.raises(TargetError, match="1,028 endpoints are more than 1,024"):
        read_targets("10.0.0.0/24, a.example", "1-4", limit=1024)
    with pytest.raises(TargetError, match="more than"):
        read_targets("::/0")
    with pytest.raises(TargetError, match="more than"):
        read_targets("a.example", limit=1).resolved({"a.example": ["10.0.0.1", "10.0.0.2"]})


def test_millions_take_no_memory():
    tracemalloc.start()
    targets = read_targets("10.0.0.0/8", "443", exclude="10.128.0.0/9")
    assert targets.count == 2**23
    assert next(targets.endpoints(2**23 - 1)).address == "10.127.255.255"
    assert sum(1 for _ in itertools.islice(targets.endpoints(), 10_000)) == 10_000
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 200_000


BASE = int(ipaddress.ip_address("10.0.0.0"))


@st.composite
def typed_blocks(draw):
    """A form, and the addresses that `ipaddress` says it means."""
    start = ipaddress.ip_address(BASE + draw(st.integers(0, 300)))
    form = draw(st.sampled_from(["cidr", "mask", "slash mask", "range", "short", "one"]))
    if form in {"cidr", "mask", "slash mask"}:
        block = ipaddress.ip_network((str(start), draw(st.integers(24, 32))), strict=False)
        text = {"cidr": f"{start}/{block.prefixlen}", "mask": f"{start} {block.netmask}"}
        return text.get(form, f"{start}/{block.netmask}"), {int(one) for one in block}
    if form == "one":
        return str(start), {int(start)}
    room = 255 - int(start) % 256 if form == "short" else 100
    last = start + draw(st.integers(0, room))
    text = str(last).rsplit(".", 1)[1] if form == "short" else str(last)
    return f"{start}-{text}", set(range(int(start), int(last) + 1))


@given(
    include=st.lists(typed_blocks(), min_size=1, max_size=4),
    exclude=st.lists(typed_blocks(), max_size=3),
    ports=st.lists(st.integers(1, 9), min_size=1, max_size=3, unique=True),
    start=st.integers(0, 800),
)
def test_agrees_with_ipaddress(include, exclude, ports, start):
    meant = set().union(*(numbers for _, numbers in include)) - set().union(*(numbers for _, numbers in exclude))
    typed, holes = [text for text, _ in include], [text for text, _ in exclude]
    if not meant:
        with pytest.raises(TargetError):
            read_targets(typed, ports, holes)
        return
    targets = read_targets(typed, ports, holes)
    expected = [(str(ipaddress.ip_address(number)), port) for port in ports for number in sorted(meant)]
    assert [(one.address, one.port) for one in targets.endpoints()] == expected
    assert targets.count == len(expected)
    assert [(one.address, one.port) for one in targets.endpoints(start)] == expected[start:]


@given(st.integers(0, 7))
def test_starts_anywhere_also_among_names(start):
    targets = read_targets("10.0.0.1-2, a.example", "1,2").resolved({"a.example": ["10.0.0.3", "10.0.0.4"]})
    assert list(targets.endpoints(start)) == list(targets.endpoints())[start:]


@given(st.text(max_size=40) | st.text("0123456789.:/- abcf\n,%*", max_size=30))
def test_anything_typed_is_read_or_refused(text):
    with suppress(TargetError):
        targets = read_targets(text, limit=1 << 128)
        assert targets.count + len(targets.names) > 0
        assert list(entries(text))
