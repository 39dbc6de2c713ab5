# SPDX-License-Identifier: Apache-2.0
"""Billing as a room: its tables, its proofs, its read model."""

from services.billing.bootstrap import CHECKS
from services.billing.projections import projections
from shared.eventstore import migrations, rebuild
from shared.eventstore.verify import verify


def a_busy_day(billing):
    billing.deposit_of(10_000)
    billing.place(billing.quote(), "drawn")
    billing.cancel("drawn")
    billing.account, billing.was = "account-2", billing.account
    billing.paid_by_card("by-card")
    billing.cancel("by-card")
    billing.run_jobs(minutes=1)
    billing.account = billing.was


def test_the_revisions_lead_to_the_declared_tables(billing):
    assert migrations.differences(billing.room.database, projections) == []


def test_the_read_model_is_nothing_but_folded_events(billing):
    a_busy_day(billing)
    found = rebuild.check(billing.room)
    assert found.equal, found.differences
    assert found.rows > 10


def test_verify_finds_nothing_after_a_busy_day(billing):
    a_busy_day(billing)
    assert verify(billing.room.database, CHECKS).faults == []


def test_verify_finds_a_balance_and_a_line_that_somebody_changed(billing):
    a_busy_day(billing)
    with billing.room.database.write() as connection:
        connection.exec_driver_sql("UPDATE balances SET amount = amount - 7 WHERE ledger_account LIKE 'funds:%'")
        connection.exec_driver_sql("UPDATE ledger_lines SET amount = amount + 1 WHERE ledger_account = 'revenue'")
    problems = [fault.problem for fault in verify(billing.room.database, CHECKS).faults]
    assert any("does not sum to zero" in problem for problem in problems)
    assert any("is not the sum of its lines" in problem for problem in problems)
