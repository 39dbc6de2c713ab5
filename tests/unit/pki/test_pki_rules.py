# SPDX-License-Identifier: Apache-2.0
"""Every dated rule holds from its first second and not a second before."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from shared.contracts.dcv import MAIL_METHODS
from shared.pki.rules import Rules, dates, document, limits


@pytest.mark.parametrize(
    ("day", "validity", "dcv", "identity"),
    [
        (date(2026, 3, 14), 398, 398, 825),
        (date(2026, 3, 15), 200, 200, 398),
        (date(2027, 3, 14), 200, 200, 398),
        (date(2027, 3, 15), 100, 100, 398),
        (date(2029, 3, 14), 100, 100, 398),
        (date(2029, 3, 15), 47, 10, 398),
        (date(2040, 1, 1), 47, 10, 398),
    ],
)
def test_periods_on_the_day_before_and_the_day(day, validity, dcv, identity):
    rules = Rules.at(day)
    assert (rules.validity_days, rules.dcv_reuse_days, rules.identity_reuse_days) == (validity, dcv, identity)
    assert rules.issue_for == timedelta(days=validity - 1)


@pytest.mark.parametrize(
    ("method", "last_day"),
    [*((each, date(2028, 3, 14)) for each in MAIL_METHODS), ("whois_email", date(2025, 7, 14))],
)
def test_a_method_ends_on_its_day(method, last_day):
    assert Rules.at(last_day).methods[method].allowed
    assert not Rules.at(last_day + timedelta(days=1)).methods[method].allowed
    assert Rules.at(last_day).methods[method].ends == last_day + timedelta(days=1)


@pytest.mark.parametrize("method", MAIL_METHODS)
def test_mail_is_discouraged_from_its_day(method):
    assert not Rules.at(date(2026, 3, 14)).methods[method].discouraged
    assert Rules.at(date(2026, 3, 15)).methods[method].discouraged


def test_files_prove_no_wildcard_and_only_one_name():
    methods = Rules.at(date(2026, 11, 23)).methods
    assert [name for name, rule in methods.items() if rule.allowed and not rule.wildcard] == [
        "http_csr_hash",
        "https_csr_hash",
        "acme_http_01",
    ]
    assert methods["http_csr_hash"].single_name
    assert not methods["cname_csr_hash"].single_name


def test_the_change_comes_at_midnight_utc_wherever_one_is():
    last = datetime(2027, 3, 14, 23, 59, 59, 999999, tzinfo=UTC)
    assert Rules.at(last).validity_days == 200
    assert Rules.at(last + timedelta(microseconds=1)).validity_days == 100
    assert Rules.at(last.astimezone(timezone(timedelta(hours=9)))).validity_days == 200


def test_the_version_changes_with_every_rule():
    for day in (each for each in dates() if each > date(2020, 9, 1)):
        assert Rules.at(day).version != Rules.at(day - timedelta(days=1)).version
        assert day.isoformat() in Rules.at(day).version


def test_a_proof_is_usable_for_the_reuse_period_and_not_a_second_longer():
    proved = datetime(2026, 11, 23, 12, tzinfo=UTC)
    rules = Rules.at(proved)
    expires = rules.dcv_expires(proved, "http_csr_hash")
    assert expires == proved + timedelta(days=200)
    tomorrow = proved + timedelta(days=1)
    assert Rules.at(tomorrow).dcv_usable(proved, "http_csr_hash", tomorrow)


def test_a_new_rule_shortens_proofs_made_before_it():
    proved = datetime(2026, 12, 1, tzinfo=UTC)
    before, after = datetime(2027, 3, 14, 23, tzinfo=UTC), datetime(2027, 3, 15, tzinfo=UTC)
    assert Rules.at(before).dcv_usable(proved, "cname_csr_hash", before)
    assert not Rules.at(after).dcv_usable(proved, "cname_csr_hash", after)


@pytest.mark.parametrize("method", MAIL_METHODS)
def test_a_proof_by_mail_ends_with_the_method(method):
    proved = datetime(2028, 3, 10, tzinfo=UTC)
    assert Rules.at(proved).dcv_expires(proved, method) == datetime(2028, 3, 15, tzinfo=UTC)
    day = datetime(2028, 3, 15, tzinfo=UTC)
    assert not Rules.at(day).dcv_usable(proved, method, day)


def test_nothing_is_invented_before_the_first_rule():
    with pytest.raises(ValueError, match="no rule is known"):
        Rules.at(date(2019, 1, 1))


def test_the_limits_in_force_and_to_come_are_told():
    def told(day):
        return [(each.since, each.days) for each in limits("validity", day)]

    assert told(date(2026, 11, 25)) == [(date(2026, 3, 15), 200), (date(2027, 3, 15), 100), (date(2029, 3, 15), 47)]
    assert told(date(2029, 3, 15)) == [(date(2029, 3, 15), 47)]
    assert [each.days for each in limits("dcv_reuse", date(2026, 11, 25))] == [200, 100, 10]
    assert "6.3.2" in limits("validity", date(2026, 11, 25))[0].source
    assert document() == "CA/Browser Forum TLS Baseline Requirements 2.2.6"
