# SPDX-License-Identifier: Apache-2.0
"""The file that another CA looks for (RFC 8555 §8.3): put below the web root of the site, seen there, taken away again.

The configuration of the web server is not touched. What is put there is written down first; what was forgotten, because
the agent or the gateway died, goes when its time is over. The folder is walked without following a link below the web
root, so that whoever may write there cannot lead this program, which is root on most hosts, to another place.
"""

from __future__ import annotations

import http.client
import json
import os
import secrets
import ssl
import stat
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from certwright_agent import arguments as check
from certwright_agent.crash import crash_here
from certwright_agent.errors import Refused, StepFailed
from certwright_agent.files import make_folder, write_atomic
from certwright_agent.saving import site_for, web_root
from certwright_agent.webservers.site import Listener, Site, WebServer

_FOLDERS = (".well-known", "acme-challenge")
_LIFE_S = 24 * 3600.0  # longer than any CA takes to look
_TIMEOUT_S = 5.0
_MOST_BYTES = 1024


class ChallengeFiles:
    """The challenge files of this host; `folder` holds one record for each."""

    def __init__(self, folder: Path) -> None:
        self._records = make_folder(folder)

    def place(self, servers: Sequence[WebServer], arguments: Mapping[str, Any]) -> tuple[str, str]:
        """Writes the file and asks the site for it as a CA would; its path, and where it was seen.

        Raises Refused, or StepFailed with the file gone again when the site answers with something else.
        """
        fqdn = check.fqdn(arguments.get("fqdn"))
        token, content = check.acme_token(arguments), check.acme_content(arguments)
        site = site_for(servers, fqdn)
        root = web_root(site)
        record = {"root": str(root), "token": token, "until": time.time() + _LIFE_S}
        write_atomic(self._record(token), json.dumps(record).encode(), mode=0o600)
        crash_here("challenge-recorded")
        try:
            with _folder(root, make=True) as folder:
                _write(folder, token, content.encode("ascii"))
            crash_here("challenge-written")
            seen = _seen(site, fqdn, f"/{'/'.join(_FOLDERS)}/{token}", content)
        except BaseException:
            self._take_away(self._record(token))
            raise
        return str(root.joinpath(*_FOLDERS, token)), seen

    def remove(self, arguments: Mapping[str, Any]) -> str:
        """Takes the file away, and folders that are empty then. Its path, empty when it is not there any more."""
        record = self._record(check.acme_token(arguments))
        return self._take_away(record) if record.exists() else ""

    def tidy(self) -> None:
        """Takes away what nobody asked to be taken away in time. What cannot be taken away now is tried again at the
        next round: a web root that is read-only for a while keeps this host from no other work.
        """
        for record in sorted(self._records.glob("*.json")):
            if json.loads(record.read_text("utf-8"))["until"] < time.time():
                with suppress(OSError):
                    self._take_away(record)

    def _record(self, token: str) -> Path:
        return self._records / f"{token}.json"

    @staticmethod
    def _take_away(record: Path) -> str:
        """The record goes last, so that a crash in between is only a second try."""
        said = json.loads(record.read_text("utf-8"))
        root = Path(said["root"])
        try:
            with _folder(root, make=False) as folder:
                os.unlink(said["token"], dir_fd=folder)
        except FileNotFoundError:
            pass
        except Refused:  # a link by now: what it leads to is not ours
            pass
        _drop_empty(root)
        record.unlink()
        return str(root.joinpath(*_FOLDERS, said["token"]))


@contextmanager
def _folder(root: Path, *, make: bool) -> Iterator[int]:
    """A handle of the challenge folder below `root`, reached without following a link. Raises Refused for a link,
    FileNotFoundError where it is missing and is not to be made.
    """
    handle = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    try:
        for name in _FOLDERS:
            if make:
                try:
                    os.mkdir(name, 0o755, dir_fd=handle)
                    os.chmod(name, 0o755, dir_fd=handle)  # noqa: S103  the web server reads there, whatever the umask
                except FileExistsError:
                    pass
            try:
                inner = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=handle)
            except NotADirectoryError:
                raise Refused(f"{name} below {root} is a link or a file", "no_web_root") from None
            os.close(handle)
            handle = inner
        yield handle
    finally:
        os.close(handle)


def _write(folder: int, name: str, content: bytes) -> None:
    """The whole file by one rename. Raises Refused where something else than a file has its name."""
    try:
        if not stat.S_ISREG(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode):
            raise Refused(f"{name} is no file")
    except FileNotFoundError:
        pass
    draft = f".{secrets.token_hex(8)}"
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600, dir_fd=folder)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
            os.fchmod(stream.fileno(), 0o644)
        os.rename(draft, name, src_dir_fd=folder, dst_dir_fd=folder)
    except BaseException:
        os.unlink(draft, dir_fd=folder)
        raise


def _drop_empty(root: Path) -> None:
    for depth in (2, 1):
        folder = root.joinpath(*_FOLDERS[:depth])
        try:
            if not folder.is_symlink():
                folder.rmdir()
        except OSError:
            return  # somebody else's files, or gone


def _seen(site: Site, fqdn: str, path: str, content: str) -> str:
    """Where the site answers with the file. Raises StepFailed with what every listener said instead."""
    said = []
    plain = [listener for listener in site.listeners if not listener.tls]
    for listener in plain:
        found = _ask(listener, fqdn, path)
        if found[0] in (301, 302, 303, 307, 308) and _same_place(found[2], fqdn, path):
            tls = [other for other in site.listeners if other.tls]
            found = next((answer for other in tls if (answer := _ask(other, fqdn, path))[0] == 200), found)
        if found[0] == 200 and found[1].strip() == content.encode("ascii"):
            return str(listener)
        said.append(f"{listener}: {found[0] or found[2]}")
    raise StepFailed(
        f"{fqdn} does not answer with the file from its web root ({'; '.join(said) or 'it has no plain HTTP'})",
        "file_not_served",
    )


def _same_place(location: str, fqdn: str, path: str) -> bool:
    """Whether a redirect leads to the same path of the same name over TLS, as many sites do (RFC 8555 §8.3)."""
    parts = urlsplit(location)
    return (parts.scheme, (parts.hostname or "").lower(), parts.path) == ("https", fqdn, path)


def _ask(listener: Listener, fqdn: str, path: str) -> tuple[int, bytes, str]:
    """Status, first bytes and Location of an answer from this host; status 0 and why, where there was none."""
    connection: http.client.HTTPConnection
    if listener.tls:  # a CA that follows a redirect does not look at the certificate either
        trust = ssl.create_default_context()
        trust.check_hostname, trust.verify_mode = False, ssl.CERT_NONE
        connection = _NamedTLS(listener.probe_address, listener.port, timeout=_TIMEOUT_S, context=trust)
        connection.trust, connection.name = trust, fqdn
    else:
        connection = http.client.HTTPConnection(listener.probe_address, listener.port, timeout=_TIMEOUT_S)
    try:
        connection.request("GET", path, headers={"Host": fqdn})
        answer = connection.getresponse()
        return answer.status, answer.read(_MOST_BYTES), answer.headers.get("Location") or ""
    except (OSError, http.client.HTTPException) as problem:
        return 0, b"", type(problem).__name__
    finally:
        connection.close()


class _NamedTLS(http.client.HTTPSConnection):
    """HTTPS to an address that is asked for a name."""

    trust: ssl.SSLContext
    name = ""

    def connect(self) -> None:
        """Connects by the address, asks for the name."""
        http.client.HTTPConnection.connect(self)
        self.sock = self.trust.wrap_socket(self.sock, server_hostname=self.name)
