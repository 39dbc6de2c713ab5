# SPDX-License-Identifier: Apache-2.0
"""A real OpenSSH server on a free port of 127.0.0.1, with its own host keys and a throw-away user of the machine.

Only root may make users and let sshd become one.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

from certwright.servers.process import free_port, stop

PASSWORD = "Wrong-Horse-9-Nail"
_CONFIG = """ListenAddress 127.0.0.1
Port {port}
HostKey {host_key}
PidFile none
UsePAM no
PasswordAuthentication yes
PubkeyAuthentication yes
StrictModes no
AllowUsers {user}
PrintMotd no
MaxStartups 100
MaxSessions 100
LogLevel VERBOSE
{more}
"""


class ThrowAwayUser:
    """A user whose home is a folder below /tmp; both go with `remove`."""

    def __init__(self, shell="/bin/sh"):
        self.name = f"cw{secrets.token_hex(4)}"
        self.folder = Path(tempfile.mkdtemp(prefix="certwright-ssh-"))
        self.folder.chmod(0o755)
        self.home = self.folder / "home"
        self.home.mkdir()
        command = ["useradd", "--no-create-home", "--no-log-init", "--home-dir", str(self.home), "--shell", shell]
        subprocess.run([*command, self.name], check=True, capture_output=True)
        subprocess.run(["chpasswd"], input=f"{self.name}:{PASSWORD}\n".encode(), check=True, capture_output=True)
        self.own(self.home)

    @property
    def uid(self):
        return pwd.getpwnam(self.name).pw_uid

    def own(self, path):
        """Makes the user the owner of a folder and all below it."""
        subprocess.run(["chown", "-hR", f"{self.name}:", str(path)], check=True)

    def processes(self):
        """The ids of all processes of this user."""
        found = []
        for entry in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if entry.stat().st_uid == self.uid:
                    found.append(int(entry.name))
        return found

    def remove(self):
        for _ in range(100):
            left = self.processes()
            for each in left:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(each, signal.SIGKILL)
            if not left:
                break
            time.sleep(0.02)
        subprocess.run(["userdel", "--force", self.name], check=False, capture_output=True)
        shutil.rmtree(self.folder, ignore_errors=True)


class SSHD:
    """`start` again with another `host_key` is what a man in the middle looks like."""

    def __init__(self, user, folder):
        self.user, self.folder, self.port = user, folder, free_port()
        self.process = None
        self.settings = ""
        folder.mkdir(exist_ok=True)
        for name in ("first", "second"):
            command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)]
            subprocess.run(command, check=True)

    def fingerprint(self, name="first"):
        said = subprocess.run(
            ["ssh-keygen", "-lf", str(self.folder / f"{name}.pub")], check=True, capture_output=True, text=True
        )
        return said.stdout.split()[1]

    def start(self, host_key="first", *, environment=None):
        """`environment` is what sessions get: a crash at a step, say."""
        self.stop()
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # its place to be nobody in; the package's unit makes it
        config = self.folder / "sshd_config"
        words = "".join(f"SetEnv {name}={value}\n" for name, value in (environment or {}).items())
        config.write_text(
            _CONFIG.format(
                port=self.port, host_key=self.folder / host_key, user=self.user.name, more=words + self.settings
            )
        )
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(["/usr/sbin/sshd", "-D", "-e", "-f", str(config)], stdout=log, stderr=log)
        deadline = time.monotonic() + 20
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return self
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError((self.folder / "log").read_text()[-2000:])
            time.sleep(0.02)

    def sessions(self):
        """The processes that serve connections: children of this server, and theirs that are sshd's too."""
        found, parents = [], {self.process.pid}
        for entry in sorted(Path("/proc").glob("[0-9]*"), key=lambda one: int(one.name)):
            with contextlib.suppress(OSError):
                name, _, rest = (entry / "stat").read_text().rpartition(") ")
                if int(rest.split()[1]) in parents and "sshd" in name:
                    found.append(int(entry.name))
                    parents.add(int(entry.name))
        return found

    def cut(self):
        """Ends every connection as a dead network does: without a word."""
        for each in self.sessions():
            with contextlib.suppress(ProcessLookupError):
                os.kill(each, signal.SIGKILL)

    def stop(self):
        if self.process is not None:
            self.cut()
            stop(self.process)
            self.process = None
