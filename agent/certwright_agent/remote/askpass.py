# SPDX-License-Identifier: Apache-2.0
"""Gives ssh a password once. It goes from this process to ssh's asking program over a socket that only this user can
reach: it is in no file, no argument and no environment, and nobody gets it a second time.
"""

from __future__ import annotations

import contextlib
import os
import socket
import struct
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

from certwright_agent.errors import AgentError

_SECONDS = 60.0
# What ssh starts when it asks (SSH_ASKPASS): it has no secret, and knows only the way to the socket.
_ASKING = """#!{python} -I
import os, socket
with socket.socket(socket.AF_UNIX) as way:
    way.connect(os.environ["CERTWRIGHT_ASK"])
    os.write(1, way.makefile("rb").read() + b"\\n")
"""


@contextlib.contextmanager
def asked_once(folder: Path, password: str) -> Iterator[dict[str, str]]:
    """The environment for ssh; `folder` is fresh, of mode 0700, and goes afterwards. Raises AgentError."""
    if not password or not password.isprintable() or len(password) > 1000:
        raise AgentError("a password is needed, on one line")
    asking = folder / "ask"
    asking.write_text(_ASKING.format(python=sys.executable), "ascii")
    asking.chmod(0o700)
    # A socket's path is at most 108 bytes long, and the state folder's may be longer.
    with tempfile.TemporaryDirectory(prefix="certwright-") as short, socket.socket(socket.AF_UNIX) as listener:
        way = Path(short) / "way"
        listener.bind(str(way))
        listener.listen(1)
        listener.settimeout(_SECONDS)
        answering = threading.Thread(target=_answer, args=(listener, password), daemon=True)
        answering.start()
        try:
            yield {
                "SSH_ASKPASS": str(asking),
                "SSH_ASKPASS_REQUIRE": "force",  # OpenSSH 8.4
                "DISPLAY": "none",  # before: enough that there is one, and no terminal
                "CERTWRIGHT_ASK": str(way),
            }
        finally:
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            answering.join(1.0)


def _answer(listener: socket.socket, password: str) -> None:
    with contextlib.suppress(OSError):
        peer, _ = listener.accept()
        with peer:
            size = struct.calcsize("3i")
            _pid, uid, _gid = struct.unpack("3i", peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size))
            if uid == os.geteuid():
                peer.sendall(password.encode())
