# SPDX-License-Identifier: Apache-2.0
"""Which IP addresses may be dialled on somebody else's word.

The table is that of the IANA IPv4 and IPv6 Special-Purpose Address Registries (RFC 6890 and its updates), plus
multicast and
everything outside global unicast. The standard library's `is_global` is not enough: it takes NAT64, 6to4 and multicast
addresses for global (quality bar, fact 8).
"""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_SPECIAL_4 = tuple(
    (IPv4Network(network), name)
    for network, name in (
        ("0.0.0.0/8", "this network, RFC 791"),
        ("10.0.0.0/8", "private use, RFC 1918"),
        ("100.64.0.0/10", "shared address space, RFC 6598"),
        ("127.0.0.0/8", "loopback, RFC 1122"),
        ("169.254.0.0/16", "link local, RFC 3927"),
        ("172.16.0.0/12", "private use, RFC 1918"),
        ("192.0.0.0/24", "IETF protocol assignments, RFC 6890"),
        ("192.0.2.0/24", "documentation, RFC 5737"),
        ("192.31.196.0/24", "AS112, RFC 7535"),
        ("192.52.193.0/24", "AMT, RFC 7450"),
        ("192.88.99.0/24", "6to4 relay anycast, RFC 7526"),
        ("192.168.0.0/16", "private use, RFC 1918"),
        ("192.175.48.0/24", "AS112, RFC 7534"),
        ("198.18.0.0/15", "benchmarking, RFC 2544"),
        ("198.51.100.0/24", "documentation, RFC 5737"),
        ("203.0.113.0/24", "documentation, RFC 5737"),
        ("224.0.0.0/4", "multicast, RFC 5771"),
        ("240.0.0.0/4", "reserved, RFC 1112"),
    )
)
_SPECIAL_6 = tuple(
    (IPv6Network(network), name)
    for network, name in (
        ("::1/128", "loopback, RFC 4291"),
        ("::/128", "unspecified, RFC 4291"),
        ("64:ff9b:1::/48", "local-use NAT64, RFC 8215"),
        ("100::/64", "discard only, RFC 6666"),
        ("100:0:0:1::/64", "dummy prefix, RFC 9780"),
        ("2001::/23", "IETF protocol assignments, RFC 2928"),
        ("2001:db8::/32", "documentation, RFC 3849"),
        ("2620:4f:8000::/48", "AS112, RFC 7534"),
        ("3fff::/20", "documentation, RFC 9637"),
        ("5f00::/16", "segment routing, RFC 9602"),
        ("fc00::/7", "unique local, RFC 4193"),
        ("fe80::/10", "link local, RFC 4291"),
        ("fec0::/10", "site local, RFC 3879"),
        ("ff00::/8", "multicast, RFC 4291"),
    )
)
_GLOBAL_UNICAST = IPv6Network("2000::/3")
_NAT64 = IPv6Network("64:ff9b::/96")
_6TO4 = IPv6Network("2002::/16")
_TEREDO = IPv6Network("2001::/32")
# Never a peer, whatever an operator allows.
_NEVER = (
    IPv4Network("0.0.0.0/32"),
    IPv4Network("255.255.255.255/32"),
    IPv4Network("224.0.0.0/4"),
    IPv6Network("ff00::/8"),
)


class AddressPolicy:
    """Public addresses, and private ones only inside the networks that the operator allowed."""

    def __init__(self, allowed: Sequence[Network] = ()) -> None:
        self._allowed = tuple(allowed)

    def refusal(self, text: str) -> str:
        """Why this address must not be dialled, such as `loopback, RFC 1122`; empty when it may be."""
        try:
            address = ip_address(text.partition("%")[0])
        except ValueError:
            return "not an IP address"
        faces = (address, *embedded(address))
        if any(_inside(face, _NEVER) for face in faces):
            return "never a single host"
        if _inside(faces[-1], self._allowed) or _inside(address, self._allowed):
            return ""
        return next((reason for face in faces if (reason := _special(face, wrapped=len(faces) > 1))), "")


def embedded(address: Address) -> tuple[Address, ...]:
    """The IPv4 addresses that an IPv6 address leads to: mapped, NAT64, 6to4, Teredo (server and client)."""
    if isinstance(address, IPv4Address):
        return ()
    if address.ipv4_mapped is not None:
        return (address.ipv4_mapped,)
    if address in _NAT64:
        return (IPv4Address(int(address) & 0xFFFFFFFF),)
    if address in _6TO4:
        return (IPv4Address(int(address) >> 80 & 0xFFFFFFFF),)
    if address in _TEREDO:
        return (IPv4Address(int(address) >> 64 & 0xFFFFFFFF), IPv4Address(~int(address) & 0xFFFFFFFF))
    return ()


def _special(address: Address, *, wrapped: bool) -> str:
    if isinstance(address, IPv4Address):
        return next((name for network, name in _SPECIAL_4 if address in network), "")
    found = next((name for network, name in _SPECIAL_6 if address in network), "")
    if found:
        return found
    if address not in _GLOBAL_UNICAST and not wrapped:
        return "outside global unicast, RFC 4291"
    return ""


def _inside(address: Address, networks: Sequence[Network]) -> bool:
    return any(network.version == address.version and address in network for network in networks)
