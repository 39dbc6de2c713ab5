# SPDX-License-Identifier: Apache-2.0
"""What the page shows and does. Whatever it does is a command of the agent's command line, with a form's fields."""

from __future__ import annotations

import argparse
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

from certwright_agent.config import Settings
from certwright_agent.errors import AgentError, Refused
from certwright_agent.lock import is_held
from certwright_agent.page import body
from certwright_agent.page.enrolling import Enrolling
from certwright_agent.page.guard import RefusedRequest
from certwright_agent.page.shown import Question, Shown
from certwright_agent.remote import commands, program
from certwright_agent.remote.destination import destination
from certwright_agent.remote.host_key import shown
from certwright_agent.remote.keys import KEY_LIMIT, Keys
from certwright_agent.remote.register import Register
from certwright_agent.remote.trouble import CONNECTED, ServerTrouble
from certwright_agent.remote.visit import Visitor
from certwright_agent.status import status


class PageSite:
    """One agent's page. Forms are answered one after the other; looking waits for none of them."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._enrolling = Enrolling(settings)
        self._alone = threading.Lock()
        self._shown = Shown()
        self._doing: dict[str, Callable[[Mapping[str, str]], str]] = {
            "do/enroll": lambda _: self._begin(),
            "do/finish": self._finish,
            "do/make-keys": lambda _: self._command({"command": "keys", "way": "make"}),
            "do/bring-keys": self._bring,
            "do/ask-copy": lambda form: self._ask("copy", form),
            "do/copy": self._copy,
            "do/ask-add": lambda form: self._ask("add", form),
            "do/add": self._add,
            "do/remove": self._remove,
            "do/look": lambda _: self._look(),
            "do/cancel": lambda _: "",
        }

    def show(self) -> str:
        """The whole page as HTML."""
        now = self._shown
        self._shown = Shown(question=now.question, seen=now.seen)
        enrolling = self._enrolling
        try:
            told = status(self._settings)
        except (AgentError, OSError) as problem:
            return body.failure(str(problem))
        return body.page(
            told,
            running=is_held(self._settings.state) and not enrolling.under_way,
            public_key=Keys(self._settings.state).public() or "",
            enrolling=enrolling,
            shown=now,
        )

    def do(self, place: str, form: Mapping[str, str]) -> None:
        """One form. Raises RefusedRequest for a place that there is not; how it went stands on the page."""
        act = self._doing.get(place)
        if act is None:
            raise RefusedRequest(404, "Not found.")
        with self._alone:
            self._shown.question = None
            try:
                self._shown.notice, self._shown.failed = act(form), False
            except (AgentError, OSError) as problem:
                self._shown.notice, self._shown.failed = str(problem), True

    def _begin(self) -> str:
        self._enrolling.begin()
        return ""

    def _finish(self, form: Mapping[str, str]) -> str:
        self._enrolling.finish(yes=form.get("yes") == "yes")
        return ""

    def _bring(self, form: Mapping[str, str]) -> str:
        private = Path(form.get("private", ""))
        # Before it is read: a device has no end.
        if not private.is_absolute() or not private.is_file() or private.stat().st_size > KEY_LIMIT:
            raise Refused("the private key is named by the absolute path of its file on this host")
        return self._command({"command": "keys", "way": "bring", "private": private})

    def _ask(self, way: str, form: Mapping[str, str]) -> str:
        """Shows the host's key, to be compared; nothing is sent there yet."""
        to = destination(form.get("address"), form.get("user"), form.get("port") or "22")
        key = shown(to)[0]
        fields = {"address": to.address, "user": to.user, "port": str(to.port)}
        for name in ("name", "sudo"):
            if form.get(name):
                fields[name] = form[name]
        self._shown.question = Question(way, fields, key.kind, key.fingerprint)
        return ""

    def _copy(self, form: Mapping[str, str]) -> str:
        return self._command({"command": "keys", "way": "copy", **_accepted(form)}, form.get("password", ""))

    def _add(self, form: Mapping[str, str]) -> str:
        more = {"name": form.get("name", ""), "sudo": form.get("sudo") == "yes"}
        return self._command({"command": "add", **more, **_accepted(form)})

    def _remove(self, form: Mapping[str, str]) -> str:
        where = {"address": form.get("address"), "user": form.get("user"), "port": form.get("port")}
        return self._command({"command": "remove", **where})

    def _look(self) -> str:
        """Goes to each server once."""
        register = Register(self._settings.state)
        visitor = Visitor(Keys(self._settings.state), register.known_hosts, program.own())
        for server in register.servers():
            try:
                seen = visitor.visit(server, look=True)
                found = ", ".join((seen.facts or {}).get("web_servers", [])) or "no web server that the agent knows"
                said = (CONNECTED, "another visit is under way" if seen.busy else found)
            except ServerTrouble as problem:
                said = (problem.state, str(problem))
            except AgentError as problem:
                said = ("not_connected", str(problem))
            self._shown.seen[f"{server.to.user}@{server.to.address}:{server.to.port}"] = said
        return ""

    def _command(self, arguments: dict[str, object], password: str = "") -> str:
        """One of `remote.commands`; what it said last. Raises AgentError."""
        said: list[str] = []
        commands.run(
            argparse.Namespace(**arguments),
            self._settings,
            say=said.append,
            ask=lambda _: "no",
            ask_password=lambda _: password,
        )
        return said[-1] if said else ""


def _accepted(form: Mapping[str, str]) -> dict[str, object]:
    """Where to, with the fingerprint that the person was shown and accepted: a key that is another now is refused."""
    if not form.get("fingerprint"):
        raise Refused("the host's key was not accepted")
    where = {name: form.get(name, "") for name in ("address", "user", "port", "fingerprint")}
    return {**where, "yes": True, "trust_first_contact": False}
