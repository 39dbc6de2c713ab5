# SPDX-License-Identifier: Apache-2.0
"""Many agents at one gateway: none is missed, each job ends once, and a crowd that returns at once does no harm.

The figures for 1,000 and 10,000 are those of bench/agents_bench.py; here is what must hold on any machine.
"""

from __future__ import annotations

import pytest

from bench.agents_lab import lab, report_of, run_fleet, watched_lab

MANY, WITH_SITES, CROWD = 200, 20, 1_000
PATIENCE_S = 120.0


@pytest.fixture(scope="module")
def product(tmp_path_factory):
    # Fewer at a time than usual, so that a crowd of this size is too large for it.
    settings = {"CERTWRIGHT_GATEWAY_AGENT_REQUESTS": "20"}
    with lab(tmp_path_factory.mktemp("agents"), CROWD, settings=settings) as product:
        yield product


def test_no_agent_is_missed_and_each_job_ends_once(product):
    sites = report_of(run_fleet(product.plan(MANY, PATIENCE_S, report_sites=WITH_SITES, until_seen=True)))
    assert len(sites.seen_s) == MANY
    jobs = product.order_checks()
    assert len(jobs) == WITH_SITES
    report = report_of(run_fleet(product.plan(MANY, PATIENCE_S, until_seen=True)))
    assert sorted(report.finished) == sorted(jobs)
    assert product.ended(jobs) == {"succeeded": WITH_SITES, "again": 0}
    assert product.states() == {"connected": CROWD}


def test_a_crowd_that_returns_at_once_is_answered_or_told_when_to_come(product):
    with watched_lab(product) as cost:
        report = report_of(run_fleet(product.plan(CROWD, PATIENCE_S, at_once=True, until_seen=True)))
    assert len(report.seen_s) == CROWD
    assert report.answers["200"] == CROWD
    assert set(report.answers) == {"200", "503"}
    assert len(report.told) == report.answers["503"]
    assert len(set(report.told)) > 1  # not all at the same second again
    assert cost.failed == 0
    assert cost.pages_s
    assert cost.threads < 20
    assert product.states() == {"connected": CROWD}
