# SPDX-License-Identifier: Apache-2.0
"""`openssl s_server` on a free port of 127.0.0.1, with the options of a test; ended by its own process id."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from tests.support.key_files import KeyFiles


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return int(sock.getsockname()[1])


@contextlib.contextmanager
def s_server(files: KeyFiles, *options: str, port: int = 0) -> Iterator[int]:
    """Runs it while the block runs and gives its port."""
    port = port or free_port()
    argv = ["openssl", "s_server", "-accept", f"127.0.0.1:{port}", "-cert", str(files.pem), "-key", str(files.key)]
    argv += ["-quiet", *options]
    with running(argv, port):
        yield port


@contextlib.contextmanager
def running(argv: list[str], port: int, cwd: Path | None = None) -> Iterator[None]:
    """A server that is up when its port answers; ended at the end of the block, with the workers that it may have."""
    process = subprocess.Popen(
        argv, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, cwd=cwd
    )
    try:
        deadline = time.monotonic() + 20
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            if process.poll() is not None or time.monotonic() > deadline:
                said = process.stderr.read() if process.poll() is not None and process.stderr else ""
                raise RuntimeError(f"{argv[0]} did not start: {said}")
            time.sleep(0.02)
        yield
    finally:
        process.terminate()  # who is killed leaves its workers behind, as nginx does
        try:
            process.communicate(timeout=5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
