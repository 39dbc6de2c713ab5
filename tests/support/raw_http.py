# SPDX-License-Identifier: Apache-2.0
"""HTTP as bytes on a socket, for what a client library would not send."""

PATIENCE_S = 30


def read_all(connection):
    received = b""
    while part := connection.recv(65536):
        received += part
    return received


def read_until(connection, end):
    received = b""
    while end not in received:
        part = connection.recv(65536)
        assert part, received
        received += part
    return received
