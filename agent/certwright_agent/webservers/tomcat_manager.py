# SPDX-License-Identifier: Apache-2.0
"""Tomcat's manager application and its text commands, on the loopback: `serverinfo` and `sslReload`.

`sslReload` has a running Tomcat read certificate, key and keystore anew from the paths, and with the password, that it
has in memory since its start; it does not read server.xml again. User and password are the host's own: the name and a
password file are in agent.json.
"""

from __future__ import annotations

import base64
import http.client
import ssl
import stat
from pathlib import Path
from urllib.parse import quote, urlsplit

from certwright_agent.errors import Refused, StepFailed

DEFAULT_URL = "http://127.0.0.1:8080/manager/text"
_TIMEOUT_S = 30.0
_CURES = {
    401: "it does not know the user, or the password is another one: see tomcat-users.xml",
    403: "the user lacks the role manager-script, or the application does not answer this host",
    404: "the manager application is not there: install it (Debian: tomcat10-admin), or correct manager_url",
}


class Manager:
    """The manager at `url`. Without a user nothing can be asked of it."""

    def __init__(self, url: str, user: str, password_file: Path | None) -> None:
        self.url = url.rstrip("/")
        self._user = user
        self._password_file = password_file

    def missing(self) -> str:
        """What the host's settings lack; empty when they lack nothing."""
        if not self._user or self._password_file is None:
            return (
                "the agent has no user of Tomcat's manager application, so that Tomcat could not be reloaded: give one "
                "the role manager-script, and set manager_user and manager_password_file in agent.json"
            )
        try:
            mode = self._password_file.stat().st_mode
        except OSError as error:
            return f"the password file {self._password_file} cannot be read: {error.strerror}"
        if stat.S_IMODE(mode) & 0o077:
            return f"the password file {self._password_file} can be read by others: chmod 600 it"
        return ""

    def check(self) -> None:
        """Has the manager answer as this user. Raises Refused."""
        lacking = self.missing()
        if lacking:
            raise Refused(lacking, "no_manager")
        try:
            self.ask("serverinfo")
        except StepFailed as problem:
            raise Refused(str(problem), "no_manager") from None

    def ask(self, command: str, **query: str) -> str:
        """One text command; its answer after `OK`. Raises StepFailed, with nothing of the password in it."""
        parts = urlsplit(self.url)
        path = f"{parts.path}/{command}" + "".join(
            f"{'&' if number else '?'}{name}={quote(value, safe='')}"
            for number, (name, value) in enumerate(query.items())
        )
        connection = self._connection(parts.scheme, parts.hostname or "", parts.port)
        try:
            connection.request("GET", path, headers={"Authorization": self._authorization(), "Host": parts.netloc})
            answer = connection.getresponse()
            said = answer.read(4096).decode("utf-8", "replace").strip()
        except (OSError, http.client.HTTPException) as problem:
            raise StepFailed(
                f"Tomcat's manager at {self.url} does not answer ({type(problem).__name__})", "reload_failed"
            ) from None
        finally:
            connection.close()
        if answer.status != 200:
            cure = _CURES.get(answer.status, "Tomcat's log says why")
            raise StepFailed(f"Tomcat's manager at {self.url} says {answer.status}: {cure}", "reload_failed")
        if not said.startswith("OK"):
            raise StepFailed(f"Tomcat's manager says: {said[:300]}", "reload_failed")
        return said

    def _authorization(self) -> str:
        try:
            password = self._password_file.read_text("utf-8").rstrip("\r\n") if self._password_file else ""
        except (OSError, ValueError):
            raise StepFailed(f"the password file {self._password_file} cannot be read", "reload_failed") from None
        return "Basic " + base64.b64encode(f"{self._user}:{password}".encode()).decode("ascii")

    @staticmethod
    def _connection(scheme: str, host: str, port: int | None) -> http.client.HTTPConnection:
        if scheme == "http":
            return http.client.HTTPConnection(host, port, timeout=_TIMEOUT_S)
        # It never leaves this host, and its certificate may be the one that is being replaced.
        trust = ssl.create_default_context()
        trust.check_hostname, trust.verify_mode = False, ssl.CERT_NONE
        return http.client.HTTPSConnection(host, port, timeout=_TIMEOUT_S, context=trust)
