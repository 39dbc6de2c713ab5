# SPDX-License-Identifier: Apache-2.0
"""The enrolment as the page does it: the same as `enroll` on the terminal, in a thread that the page's forms answer."""

from __future__ import annotations

import threading
from contextlib import closing

from certwright_agent import facts
from certwright_agent.config import Settings
from certwright_agent.enrolment import Credential, Talk, enroll
from certwright_agent.errors import AgentError
from certwright_agent.files import make_folder
from certwright_agent.gateway import Gateway
from certwright_agent.lock import only_one


class Enrolling:
    """At most one at a time. `words` is the last that was said, with the code; `question` waits for `finish`."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._thread: threading.Thread | None = None
        self._answered = threading.Event()
        self._yes = False
        self.words = self.question = self.failure = ""

    @property
    def under_way(self) -> bool:
        """Whether a code waits to be typed, or a question for its answer."""
        return self._thread is not None and self._thread.is_alive()

    def begin(self) -> None:
        """Makes a code, unless there is one. Raises AgentError when an agent runs that does this itself."""
        if self.under_way:
            return
        lock = only_one(make_folder(self._settings.state))
        self.words = self.question = self.failure = ""
        self._answered.clear()

        def work() -> None:
            with closing(lock):
                try:
                    self._enroll()
                except (AgentError, OSError) as problem:
                    self.failure = str(problem)
                self.words = self.question = ""

        self._thread = threading.Thread(target=work, daemon=True)
        self._thread.start()

    def finish(self, *, yes: bool) -> None:
        """The person's last word, once the code was typed in the console."""
        if self.question:
            self._yes = yes
            self._answered.set()

    def _enroll(self) -> None:
        settings = self._settings
        credential = Credential(settings.state)
        token = enroll(
            Gateway(settings.gateway, settings.ca_file),
            settings.uid,
            facts.gather(settings.servers()),
            Talk(say=self._say, ask=self._ask),
            poll_seconds=min(settings.poll_seconds or 2.0, 5.0),
            yes=False,
        )
        credential.keep(token)

    def _say(self, words: str) -> None:
        self.words = words

    def _ask(self, question: str) -> str:
        self.question = question.partition("[")[0].strip()
        self._answered.wait()
        return "y" if self._yes else "n"
