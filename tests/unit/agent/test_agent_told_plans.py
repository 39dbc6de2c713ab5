# SPDX-License-Identifier: Apache-2.0
"""A plan from a server behind SSH: known fields of their form, or the job has failed."""

import copy

import pytest
from certwright_agent.remote import answers

from tests.support.told_plan import told


def outcome(plan, kind="plan_installation", **more):
    result = {"served_serial": "0ABC", "site": "www"} if kind == "install_certificate" else {}
    return answers.outcome({"succeeded": True, "result": {**result, "plan": plan}, **more}, kind)


def test_a_plan_is_passed_on_as_it_is():
    plan = outcome(told()).result["plan"]
    files = [{name: value for name, value in file.items() if value != ""} for file in told()["files"]]
    assert plan | {"files": []} == told() | {"files": []}
    assert [{name: value for name, value in file.items() if value != ""} for file in plan["files"]] == files


def test_what_is_not_known_is_left_out():
    plan = told(more="x")
    plan["files"][0]["more"] = "x"
    passed = outcome(plan).result["plan"]
    assert "more" not in passed
    assert "more" not in passed["files"][0]


@pytest.mark.parametrize(
    ("where", "value"),
    [
        (("plan_sha256",), "x" * 64),
        (("parts",), []),
        (("parts", "certificate"), 7),
        (("serial",), "not hex"),
        (("test",), None),
        (("files",), {}),
        (("files", 0, "diff"), "+-----BEGIN PRIVATE KEY-----\n"),
        (("files", 0, "diff"), "x" * 100_001),
        (("files", 0, "added"), -1),
        (("files", 0, "mode"), "rwx"),
        (("files", 0, "old_sha256"), "AB"),
        (("files", 0, "path"), "/PRIVATE KEY"),
        (("bindings", 0, "port"), 70000),
        (("bindings", 0, "port"), True),
    ],
)
def test_what_has_another_form_is_no_plan(where, value):
    plan = copy.deepcopy(told())
    *way, last = where
    place = plan
    for step in way:
        place = place[step]
    place[last] = value
    found = outcome(plan)
    assert (found.succeeded, found.code, found.result) == (False, "program_failed", {})
    installed = outcome(plan, "install_certificate")
    assert (installed.succeeded, "plan" in installed.result) == (True, False)


def test_an_installation_says_what_it_set_out_to_do_also_when_it_failed():
    failed = answers.outcome({"succeeded": False, "reason": "No.", "result": {"plan": told()}}, "install_certificate")
    assert failed.result["plan"]["plan_sha256"] == told()["plan_sha256"]
    assert outcome(told(), "install_certificate").result["plan"] == failed.result["plan"]
    old = answers.outcome(
        {"succeeded": True, "result": {"served_serial": "0ABC", "site": "www"}}, "install_certificate"
    )
    assert (old.succeeded, "plan" in old.result) == (True, False)
