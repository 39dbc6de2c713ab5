# SPDX-License-Identifier: Apache-2.0
"""What private servers have in common: a free port, another user's rights, and an end that is sure to come."""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
from pathlib import Path

STOP_TIMEOUT_S = 30
PORTS = range(12_000, 32_000)  # Linux' ip_local_port_range begins at 32,768


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on now. Somebody else may take it before it is used.

    From below the range that outgoing connections get theirs from, which take one in between far more often.
    """
    for _ in range(100):
        port = PORTS.start + secrets.randbelow(len(PORTS))  # whoever seeds `random` gets no port twice
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise OSError(f"no free port of 127.0.0.1 was found from {PORTS.start} to {PORTS.stop - 1}")


def find_program(name: str, *folders: str) -> Path | None:
    """A program on PATH or in one of the folders where distributions put servers; None when it is not installed."""
    found = shutil.which(name, path=os.pathsep.join([os.environ.get("PATH", os.defpath), *folders, "/usr/sbin"]))
    return Path(found) if found else None


def reachable_by_all(folder: Path) -> bool:
    """Whether any user of the machine may walk to `folder`, its parents permitting."""
    return all(parent.stat().st_mode & 0o001 for parent in folder.resolve().parents)


def as_user(user: str, argv: list[str], *, folder: Path) -> list[str]:
    """The argument list that runs `argv` as `user` when this process is root; unchanged for anyone else.

    A server whose data lies in a private place of root, such as a home folder of mode 0700, gets the one capability to
    walk there; opening that place to everybody would be the worse way.
    """
    if os.geteuid() != 0:
        return argv
    become = ["setpriv", "--reuid", user, "--regid", user, "--init-groups"]
    if not reachable_by_all(folder):
        become += ["--inh-caps", "+dac_override", "--ambient-caps", "+dac_override"]
    return [*become, *argv]


def give(path: Path, user: str) -> None:
    """Makes `user` the owner of `path` when this process is root."""
    if os.geteuid() == 0:
        account = pwd.getpwnam(user)
        os.chown(path, account.pw_uid, account.pw_gid)


def stop(process: subprocess.Popen[bytes], *, sig: int = signal.SIGTERM, timeout: float = STOP_TIMEOUT_S) -> int:
    """Ends a process of this program by its id, by force when it takes too long. Returns its status."""
    if process.poll() is None:
        process.send_signal(sig)
        try:
            process.wait(timeout)
        except subprocess.TimeoutExpired:
            process.kill()
    return process.wait()
