# SPDX-License-Identifier: Apache-2.0
"""Runs every suite in its own process and says in one table what ran: `make test`, or `make test ARGS='unit system'`.

Suites of one group run side by side. The status is non-zero when anything failed, when a suite ran no test, or, with
CI=true, when anything was skipped. JUnit reports stay in build/tests.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
REPORTS = ROOT / "build" / "tests"


@dataclass(frozen=True)
class Suite:
    """A folder of tests that shares one pytest process; `patched` has eventlet's monkey-patching done first.

    `workers` processes share a suite, each file of tests as a whole to one of them: what a file needs is its own, on
    free ports and in its own folder.
    """

    name: str
    paths: tuple[str, ...]
    group: int
    patched: bool = False
    ignored: tuple[str, ...] = ()
    workers: int = 0


# What runs on eventlet gets a process of its own: patching cannot be undone, and the pure parts must work without it.
PATCHED = tuple(f"tests/integration/{part}" for part in ("messaging", "runtime", "gateway"))

SUITES = (
    Suite("unit", ("tests/unit",), group=1, workers=2),
    Suite("contract", ("tests/contract",), group=2),
    Suite("integration-eventlet", PATCHED, group=2, patched=True),
    Suite("integration", ("tests/integration",), group=3, ignored=PATCHED, workers=2),
    Suite("system", ("tests/system",), group=4, workers=2),
    Suite("browser", ("tests/browser",), group=5, workers=2),
)


@dataclass
class Outcome:
    """What one suite did."""

    suite: Suite
    status: int
    seconds: float
    tests: int = 0
    failed: int = 0
    skipped: int = 0
    output: str = ""

    @property
    def fault(self) -> str:
        """Why the whole run fails because of this suite, or nothing."""
        if self.failed or self.status not in (0, 5):
            return f"{self.failed} failed (pytest ended with {self.status})"
        if self.tests == 0:
            return "it ran no test"
        if self.skipped and os.environ.get("CI") == "true":
            return f"{self.skipped} skipped, and CI=true allows none"
        return ""


def command(suite: Suite, extra: list[str]) -> list[str]:
    """The argument list that runs a suite."""
    first = [sys.executable, "-m", "pytest"]
    if suite.patched:
        # Imports before patching would keep unpatched locks, so it cannot wait for a conftest.
        program = (
            "from shared.runtime.patch import patch; patch(); import sys, pytest; sys.exit(pytest.main(sys.argv[1:]))"
        )
        first = [sys.executable, "-c", program]
    ignores = [f"--ignore={path}" for path in suite.ignored]
    # By file: what a module shares, such as a running product, is made by one of the workers only.
    workers = ["-n", str(suite.workers), "--dist", "loadfile"] if suite.workers else []
    return [
        *first,
        f"--junitxml={REPORTS / suite.name}.xml",
        "-q",
        "--durations=5",
        "--durations-min=3",
        *ignores,
        *workers,
        *extra,
        *suite.paths,
    ]


def start(suite: Suite, extra: list[str], *, alone: bool) -> tuple[subprocess.Popen[str], float]:
    """Starts a suite; the monotonic time of its start comes with it."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "agent")])}
    process = subprocess.Popen(
        command(suite, extra),
        cwd=ROOT,
        env=environment,
        text=True,
        stdin=subprocess.DEVNULL,
        stdout=None if alone else subprocess.PIPE,
        stderr=None if alone else subprocess.STDOUT,
    )
    return process, time.monotonic()


def outcome(suite: Suite, process: subprocess.Popen[str], began: float) -> Outcome:
    """Waits for a suite and reads its report."""
    output, _ = process.communicate()
    result = Outcome(suite, process.returncode, time.monotonic() - began, output=output or "")
    report = REPORTS / f"{suite.name}.xml"
    if report.is_file():
        for node in ET.parse(report).getroot().iter("testsuite"):
            result.tests += int(node.get("tests", 0))
            result.failed += int(node.get("failures", 0)) + int(node.get("errors", 0))
            result.skipped += int(node.get("skipped", 0))
    return result


def run_group(suites: list[Suite], extra: list[str]) -> list[Outcome]:
    """Runs the suites of a group side by side; one that is alone shows its output as it comes."""
    alone = len(suites) == 1
    running = []
    for suite in suites:
        print(f"== {suite.name}", flush=True)
        started = start(suite, extra, alone=alone)
        running.append((suite, *started))
    outcomes = []
    for suite, process, began in running:
        result = outcome(suite, process, began)
        if result.output:
            print(f"-- {suite.name}\n{result.output}", flush=True)
        outcomes.append(result)
    return outcomes


def report(outcomes: list[Outcome], seconds: float) -> int:
    """Prints the table and returns the status."""
    print()
    print(f"{'suite':<22}{'tests':>8}{'failed':>8}{'skipped':>9}{'seconds':>9}")
    for one in outcomes:
        line = f"{one.suite.name:<22}{one.tests:>8}{one.failed:>8}{one.skipped:>9}{one.seconds:>9.1f}"
        print(line + (f"   {one.fault}" if one.fault else ""))
    tests, failed, skipped = (sum(getattr(one, name) for one in outcomes) for name in ("tests", "failed", "skipped"))
    print(f"{'all':<22}{tests:>8}{failed:>8}{skipped:>9}{seconds:>9.1f}")
    return 1 if not outcomes or any(one.fault for one in outcomes) else 0


def main() -> int:
    """Runs the suites named on the command line, or all."""
    parser = argparse.ArgumentParser(description="Runs the tests, one process a suite.")
    parser.add_argument("suites", nargs="*", help="suites by name; all of them when none is named")
    parser.add_argument("-k", dest="expression", help="only tests that match, as pytest's -k")
    parser.add_argument("-x", dest="stop", action="store_true", help="stop a suite at its first failure")
    chosen = parser.parse_args()
    unknown = set(chosen.suites) - {suite.name for suite in SUITES}
    if unknown:
        parser.error(f"no such suite: {', '.join(sorted(unknown))}; there are {', '.join(s.name for s in SUITES)}")
    suites = [suite for suite in SUITES if not chosen.suites or suite.name in chosen.suites]
    extra = (["-k", chosen.expression] if chosen.expression else []) + (["-x"] if chosen.stop else [])

    REPORTS.mkdir(parents=True, exist_ok=True)
    for old in REPORTS.glob("*.xml"):
        old.unlink()
    began = time.monotonic()
    outcomes = []
    for group in sorted({suite.group for suite in suites}):
        outcomes += run_group([suite for suite in suites if suite.group == group], extra)
    return report(outcomes, time.monotonic() - began)


if __name__ == "__main__":
    sys.exit(main())
