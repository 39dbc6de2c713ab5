# SPDX-License-Identifier: Apache-2.0
"""A plug-in of pytest: at the end of a run every store, log and message of it is searched for private keys, and one
that is found where none may be fails the run. `tests/conftest.py` registers it.

Stores and logs lie in the tests' folders; PostgreSQL's are written out before they go (tests/support/postgres.py);
messages are recorded by every program that a test starts, and by the tests' own processes.
"""

from __future__ import annotations

import json
import os
import runpy
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

LONGEST_S = 300
RECORDER = Path(__file__).parent / "recorded_messages"


class SearchedRun:
    """What was captured, where the messages are, and what the search said in the end."""

    def __init__(self) -> None:
        self._kept = Path(tempfile.mkdtemp(prefix="searched-run-"))
        self._said = ""
        self._found: list[dict[str, str]] = []
        os.environ["SEARCHED_RUN"] = str(self._kept)
        os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(RECORDER), os.environ.get("PYTHONPATH")]))
        runpy.run_path(str(RECORDER / "sitecustomize.py"))  # for this process, which runs already

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keeps what a test printed and logged."""
        for title, text in report.sections:
            with (self._kept / "captured").open("a", errors="surrogateescape") as file:
                file.write(f"{report.nodeid} {title}\n{text}\n")

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Searches in a process of its own, since this one may be patched by eventlet."""
        folders = [self._kept]
        factory = getattr(session.config, "_tmp_path_factory", None)
        if factory is not None and factory._basetemp is not None:
            folders.append(factory.getbasetemp())
        argv = [sys.executable, "-m", "tests.support.key_search", *map(str, folders)]
        done = subprocess.run(argv, text=True, capture_output=True, check=False, timeout=LONGEST_S)
        if done.returncode:
            self._said = f"this run could not be searched for private keys:\n{done.stderr}"
        else:
            answer = json.loads(done.stdout)
            self._found = answer["found"]
            messages = sum(file.read_bytes().count(b"\n") for file in self._kept.glob("messages-*"))
            self._said = (
                f"private keys: {answer['files']} files and {messages} lines of messages searched, "
                f"{answer['keys']} secret numbers known"
            )
        if self._found or done.returncode:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_unconfigure(self) -> None:
        """What was recorded stays only where something was found in it."""
        if not self._found:
            shutil.rmtree(self._kept, ignore_errors=True)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Says how much was searched, and what was found where."""
        if self._said:
            terminalreporter.write_line(f"{self._said}{'' if self._found else ', none found where it may not be'}")
        for each in self._found:
            terminalreporter.write_line(f"  {each['path']}: {each['what']}", red=True)
