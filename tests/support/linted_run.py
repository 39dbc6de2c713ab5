# SPDX-License-Identifier: Apache-2.0
"""A plug-in of pytest: at the end of a run every certificate that the built-in CA signed in it is linted, and one with
an error fails the run. `tests/conftest.py` registers it."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import datetime

import pytest

LONGEST_S = 300


class LintedRun:
    """What ran when, and what the linter said in the end."""

    def __init__(self) -> None:
        self._ran: list[tuple[float, float, str]] = []
        self._said = ""
        self._faults: list[dict[str, str]] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keeps when each part of a test ran."""
        self._ran.append((report.start, report.stop, report.nodeid))

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Lints in a process of its own, since this one may be patched by eventlet."""
        factory = getattr(session.config, "_tmp_path_factory", None)
        if factory is None or factory._basetemp is None:
            return  # nothing was made
        argv = [sys.executable, "-m", "tests.support.signed", str(factory.getbasetemp())]
        done = subprocess.run(argv, text=True, capture_output=True, check=False, timeout=LONGEST_S)
        if done.returncode:
            self._said = f"the certificates of this run could not be linted:\n{done.stderr}"
        else:
            answer = json.loads(done.stdout)
            self._faults = answer["faults"]
            self._said = f"pkilint: {answer['certificates']} certificates of the built-in CA"
        if self._faults or done.returncode:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Says how many there were, and what is wrong with which."""
        if self._said:
            terminalreporter.write_line(f"{self._said}{'' if self._faults else ', no error'}")
        for fault in self._faults:
            terminalreporter.write_line(
                f"  {fault['code']}: {fault['subject']}, in {fault['where']}; {self._test_at(fault['at'])}", red=True
            )

    def _test_at(self, at: str) -> str:
        """The test that ran at that moment; one with a clock of its own is told by its folder."""
        moment = datetime.fromisoformat(at).timestamp() if at else 0.0
        ran = next((test for began, ended, test in self._ran if began <= moment <= ended), "")
        return f"made by {ran}" if ran else "the folder names its test"
