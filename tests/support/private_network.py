# SPDX-License-Identifier: Apache-2.0
"""A program of a test in a network of its own: 127.0.0.0/8 and nothing else, with the rights of root in it."""

import fcntl
import os
import socket
import struct
import subprocess
import sys

_IFF_UP, _SIOCSIFFLAGS = 1, 0x8914


def run_alone(module, *arguments, without_raw=False):
    """What `python -m module` prints there; `without_raw` takes CAP_NET_RAW away. Whoever is not root needs a kernel
    that lets users make namespaces."""
    argv = ["unshare", "--net"] if os.geteuid() == 0 else ["unshare", "--net", "--map-root-user"]
    if without_raw:
        argv += ["setpriv", "--bounding-set", "-net_raw", "--inh-caps", "-net_raw"]
    argv += [sys.executable, "-m", module, *arguments]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def loopback_up():
    """To be called in there first: a new network has its loopback down."""
    with socket.socket() as one:
        fcntl.ioctl(one, _SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", _IFF_UP))
