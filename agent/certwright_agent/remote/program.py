# SPDX-License-Identifier: Apache-2.0
"""The agent's own program on a server: brought there when it is not there yet, checked by its SHA-256, then run.

The command is a constant. What it is to do comes on standard input: a line with the hash and the size, the program if
it says `missing`, then what `on_behalf` reads. It lies in the home folder of whoever runs it, root with sudo, in a
folder that nobody else may enter, and is named after its hash, so that one that still runs is never replaced.
"""

from __future__ import annotations

import hashlib
import sys
import zipfile
from pathlib import Path

from certwright_agent.errors import AgentError, StepFailed
from certwright_agent.remote.conversation import Conversation
from certwright_agent.remote.trouble import KEYS_MISSING, NOT_CONNECTED, OUTDATED, ServerTrouble

FOLDER = ".certwright-agent"
PROGRAM_LIMIT = 8 * 1024 * 1024
_SECONDS = 60.0
# No single quote and no backslash in it: the login shell takes it between single quotes.
_BOOTSTRAP = """
import hashlib, json, os, pwd, stat, sys, time
def say(word):
    os.write(1, json.dumps({"program": word, "python": sys.version.split()[0]}).encode() + bytes([10]))
def read(size, ends=None):
    content = bytearray()
    while len(content) < size and (ends is None or not content.endswith(ends)):
        part = os.read(0, 1 if ends else size - len(content))
        if not part:
            sys.exit(1)
        content += part
    return bytes(content)
wanted = json.loads(read(1000, bytes([10])))
if sys.version_info < (3, 9):
    say("python_too_old")
    sys.exit(0)
os.umask(0o077)
os.environ["HOME"] = home = pwd.getpwuid(os.geteuid()).pw_dir
folder = os.path.join(home, ".certwright-agent")
os.makedirs(folder, 0o700, exist_ok=True)
seen = os.lstat(folder)
if not stat.S_ISDIR(seen.st_mode) or seen.st_uid != os.geteuid():
    say("folder_not_own")
    sys.exit(0)
os.chmod(folder, 0o700)
os.chdir(folder)
def name(digest):
    return "program-" + digest[:32] + ".pyz"
try:
    with open(name(wanted["sha256"]), "rb") as file:
        there = hashlib.sha256(file.read()).hexdigest()
except OSError:
    there = ""
if there != wanted["sha256"]:
    say("missing")
    content = read(wanted["size"])
    if hashlib.sha256(content).hexdigest() != wanted["sha256"]:
        say("damaged")
        sys.exit(0)
    new = ".new-" + str(os.getpid())
    with open(new, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.replace(new, name(wanted["sha256"]))
    for other in os.listdir("."):
        old = other.startswith(("program-", ".new-")) and other != name(wanted["sha256"])
        if old and os.lstat(other).st_mtime < time.time() - 86400:
            os.unlink(other)
say("ready")
os.execv(sys.executable, [sys.executable, "-I", os.path.join(folder, name(wanted["sha256"])), "on-behalf"])
"""
COMMAND = f"python3 -I -c '{_BOOTSTRAP}'"
COMMAND_AS_ROOT = f"sudo -n -- {COMMAND}"
_NOT_FOUND = 127  # what a shell says of a command that is not there
_SAID = {
    "python_too_old": (OUTDATED, "its Python is older than 3.9: install a newer one as python3"),
    "folder_not_own": (NOT_CONNECTED, f"~/{FOLDER} on it belongs to somebody else or is a link: take it away"),
    "damaged": (NOT_CONNECTED, "the agent's program did not arrive whole"),
}


def own() -> bytes:
    """The file that runs now. Raises AgentError when the agent does not run from its one file."""
    path = Path(sys.argv[0])
    if not (path.is_file() and zipfile.is_zipfile(path)):
        raise AgentError("servers need the agent's one file, certwright-agent.pyz: start it from there")
    return path.read_bytes()


def start(talk: Conversation, program: bytes) -> str:
    """Has the program run at the other end; returns the version of Python there. Raises ServerTrouble, StepFailed."""
    talk.say(sha256=hashlib.sha256(program).hexdigest(), size=len(program))
    said = talk.line(_SECONDS)
    if said is not None and said.get("program") == "missing":
        talk.send(program)
        said = talk.line(_SECONDS)
    if said is None:
        raise EOFError
    word = said.get("program")
    if word != "ready":
        state, detail = _SAID.get(str(word)[:40], (NOT_CONNECTED, "it says something that is not understood"))
        raise ServerTrouble(state, detail)
    return str(said.get("python"))[:20]


def why_not(code: int, errors: str, *, as_root: bool) -> ServerTrouble:
    """Why the program did not begin, from how ssh ended. The host key is looked at elsewhere."""
    said = _one_line(errors)
    if "Permission denied (" in errors and code == 255:
        return ServerTrouble(KEYS_MISSING, f"it does not accept the agent's key ({said})")
    if code == _NOT_FOUND:
        return ServerTrouble(OUTDATED, "it has no python3: install Python 3.9 or later")
    if as_root and code == 1 and "sudo" in errors:
        return ServerTrouble(NOT_CONNECTED, f"its user may not run python3 as root without a password ({said})")
    return ServerTrouble(NOT_CONNECTED, said or f"the connection ended with {code}")


def check_end(talk: Conversation) -> StepFailed:
    """What to say of a connection that ended in the middle."""
    code, errors = talk.ended()
    return StepFailed(f"the connection ended in the middle ({code}) {_one_line(errors)}".strip(), "program_failed")


def _one_line(errors: str) -> str:
    """The end of what ssh said, for people."""
    return " ".join("".join(char if char.isprintable() else " " for char in errors).split())[-300:]
