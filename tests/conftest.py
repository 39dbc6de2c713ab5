# SPDX-License-Identifier: Apache-2.0
"""What holds for every test: how hard hypothesis tries, that nothing is skipped where CI=true, and that no certificate
which the built-in CA signs anywhere has an error."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, settings

from tests.support.linted_run import LintedRun
from tests.support.searched_run import SearchedRun

CI = os.environ.get("CI") == "true"

# A slow machine is no failure: no deadline anywhere. CI draws the same examples each time, so that a red run can be
# repeated; at a desk every run draws new ones.
settings.register_profile(
    "ci", deadline=None, derandomize=True, print_blob=True, database=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("dev", deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("ci" if CI else "dev")


def pytest_configure(config):
    """Certificates are linted once, by the process that the others work for."""
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(SearchedRun(), "searched-run")
        config.pluginmanager.register(LintedRun(), "linted-run")  # last, to be the first: it opens clusters' servers


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """With CI=true a skipped test is a failed one: what was not run was not shown."""
    report = yield
    if CI and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was skipped, and CI=true allows no skip: {report.longrepr}"
    return report
