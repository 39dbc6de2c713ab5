# SPDX-License-Identifier: Apache-2.0
"""`<IfVersion>` as mod_version decides it: operators, patterns, and what is no pattern."""

import pytest
from certwright_agent.errors import Refused
from certwright_agent.webservers.apache_tree import Tree


def holds(tmp_path, condition, version="2.4.62"):
    main = tmp_path / "apache.conf"
    main.write_text(f"<IfVersion {condition}>\nDefine seen\n</IfVersion>\n")
    return any(active.name == "define" for active in Tree(main, tmp_path, {}, [], version).top)


@pytest.mark.parametrize(
    ("condition", "seen"),
    [
        (">= 2.4", True),
        ("< 2.4", False),
        ("2.4.62", True),
        ("= 2.4", False),
        ("!= 2.4", True),
        ("> 2.4.61", True),
        ("<= 2.4.61", False),
        ("!>= 2.4", False),
        ("~ ^2[.]4", True),
        ("!~ ^2[.]4", False),
        ("/^2[.]2/", False),
        ("?? 2.4", False),
    ],
)
def test_a_condition_on_the_version(tmp_path, condition, seen):
    assert holds(tmp_path, condition) is seen


def test_of_an_apache_that_is_not_there_rather_too_much_is_seen(tmp_path):
    assert holds(tmp_path, "< 2.4", version="")


def test_a_pattern_that_is_none_is_refused(tmp_path):
    with pytest.raises(Refused, match="not understood"):
        holds(tmp_path, "~ (2")
