# SPDX-License-Identifier: Apache-2.0
"""How people write addresses that nobody outside may reach through us: hosts as they are typed, and answers of DNS."""

SPELLINGS = [
    # loopback, as inet_aton and browsers take it: short, decimal, octal, hexadecimal, mixed
    "127.0.0.1", "127.0.0.2", "127.255.255.254", "127.1", "127.0.1", "0", "0.0.0.0", "2130706433", "0x7f000001",
    "0x7f.0.0.1", "0x7f.1", "0177.0.0.1", "017700000001", "127.0.0.01", "127.0.0.1.",
    "127.000.000.001", "0x7F.0x0.0x0.0x1",
    # private, shared, link local, documentation, benchmarking, multicast, reserved
    "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "169.254.169.254", "100.64.0.1", "192.0.0.8",
    "192.0.2.1", "198.18.0.1", "198.51.100.1", "224.0.0.1", "239.255.255.250", "240.0.0.1",
    "255.255.255.255", "192.88.99.1", "2886729729", "0xa9fea9fe", "0250.0376.0251.0376",
    # IPv6: loopback, unspecified, mapped, compatible, NAT64, 6to4, Teredo, zones, local, multicast
    "::1", "::", "0:0:0:0:0:0:0:1", "::ffff:127.0.0.1", "::ffff:7f00:1", "::ffff:10.0.0.1", "::127.0.0.1",
    "64:ff9b::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a00:1", "64:ff9b:1::1", "2002:7f00:1::",
    "2002:a9fe:a9fe::1",
    "2002:c0a8:101::1", "2001:0:7f00:1::1", "2001:0:102:304:0:0:80ff:fffe", "fe80::1",
    "fe80::1%eth0", "::1%lo", "fe80::1%25eth0",
    "fc00::1", "fd12:3456::1", "fec0::1", "ff02::1", "2001:db8::1", "3fff::1", "5f00::1", "100::1",
    "4000::1", "::ffff:0:127.0.0.1",
    "[::1]", "[::ffff:127.0.0.1]", "[fe80::1%eth0]",
    # names, dots and digits of other scripts
    "localhost", "localhost.", "LOCALHOST", "inner.shop-demo.com", "inner.shop-demo.com.",
    "127.0.0.1.nip.shop-demo.com",
    "127。0。0。1", "①②⑦.0.0.1", "１２７.0.0.1", "١٢٧.٠.٠.١", "127｡0.0.1",
    # what parsers disagree about
    "user@127.0.0.1", "example.com%00.inner.shop-demo.com", "inner%2eshop-demo.com",
    "127.0.0.1:443", "[::1]:443",
    "example.com\\@127.0.0.1", "127.0.0.1/32", "127.0.0.1 ", "\t127.0.0.1", "127.0.0.1\x00",
    "127.0.0.1#", "..", "",
]  # fmt: skip

# Each is the answer that a name may get; some stand beside a public address, for one bad answer spoils all.
ANSWERS = {
    "A": ["127.0.0.1", "127.8.8.8", "0.0.0.0", "10.1.2.3", "172.20.0.1", "192.168.0.1", "169.254.169.254",
          "100.100.0.1", "192.0.2.7", "198.18.0.9", "224.0.0.251", "255.255.255.255"],
    "AAAA": ["::1", "::", "::ffff:127.0.0.1", "::ffff:169.254.169.254", "::127.0.0.1", "64:ff9b::7f00:1",
             "2002:7f00:1::", "2001:0:7f00:1::1", "fe80::1", "fd00::1", "ff02::1", "2001:db8::5"],
}  # fmt: skip
