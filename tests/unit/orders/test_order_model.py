# SPDX-License-Identifier: Apache-2.0
"""Every arrow of the order's state machine, every refused cell of the matrix, every reason of blocked_on."""

from __future__ import annotations

from datetime import timedelta

import pytest

from services.orders.model import ending, installing, issuing, placing, requesting
from services.orders.model.blocked_on import blocked_on
from services.orders.model.order import fold
from services.orders.model.status import (
    ACTIONS,
    RENEW_BEFORE,
    STATUSES,
    actions_of,
    operator_actions,
    renewable_from,
    status_of,
)
from shared.clock import from_text, to_text
from shared.contracts import ca, installer
from shared.errors import Code, ServiceError
from tests.support import order_builders as given

NOW = given.NOW
TERM_END = from_text(fold(given.ISSUED).term_ends_at)


def types(events):
    return [type(event).__name__ for event in events]


def reasons(events, now=NOW):
    return [(one.reason, one.actor, one.action) for one in blocked_on(fold(events), now)]


# --- status and actions --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", STATUSES)
def test_each_status_is_what_its_events_say(status):
    assert status_of(fold(given.BY_STATUS[status])) == status


@pytest.mark.parametrize("status", STATUSES)
def test_each_status_offers_exactly_the_actions_of_the_table(status):
    order = fold(given.BY_STATUS[status])
    far = [action for action in ACTIONS[status] if action != "renew" or status == "expired"]
    assert actions_of(order, NOW) == far
    assert actions_of(order, TERM_END - timedelta(days=1)) == list(ACTIONS[status])


def test_renewing_is_offered_from_thirty_days_before_the_term_ends():
    order = fold(given.ISSUED)
    assert "renew" not in actions_of(order, TERM_END - RENEW_BEFORE - timedelta(microseconds=1))
    assert "renew" in actions_of(order, TERM_END - RENEW_BEFORE)


def test_when_renewing_begins_is_told_from_the_first_certificate_on():
    assert renewable_from(fold(given.ISSUED)) == to_text(TERM_END - RENEW_BEFORE)
    shown = {status for status in STATUSES if renewable_from(fold(given.BY_STATUS[status])) is not None}
    assert shown <= {status for status in STATUSES if "renew" in ACTIONS[status]}
    assert shown >= {"issued", "installed"}


COMMANDS = {
    "complete_payment": None,
    "cancel": lambda o: ending.cancel(o, NOW),
    "generate_request": lambda o: requesting.submit_csr(o, given.csr(number=9), unique_value="u", now=NOW),
    "replace_csr": lambda o: requesting.request_csr(o, "server-1", "ec-p256", request_id="r", now=NOW),
    "auto_install": lambda o: installing.request_installation(o, "server-1", ["s"], new_id=lambda: "i", now=NOW),
    "save": lambda o: installing.request_save(o, "server-1", save_id="s", now=NOW),
    "renew": lambda o: placing.renew(o, "order-2", NOW),
    "reissue": lambda o: requesting.reissue(
        o, csr=given.csr(number=9), server_id=None, key_algorithm="", fresh_id="f", reason="r", now=NOW
    ),
    "revoke": lambda o: ending.revoke(o, "superseded", NOW),
}


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("action", [name for name, run in COMMANDS.items() if run])
def test_an_action_is_refused_exactly_where_the_table_has_none(status, action):
    order = fold(given.BY_STATUS[status])
    allowed = actions_of(order, NOW)
    both = {"generate_request", "replace_csr"}
    possible = action in allowed or (action in both and both & set(allowed))
    if possible:
        assert COMMANDS[action](order)
        return
    with pytest.raises(ServiceError) as refused:
        COMMANDS[action](order)
    assert refused.value.code == Code.ACTION_NOT_ALLOWED
    assert refused.value.extra["status"] == status
    assert refused.value.extra["allowed_actions"] == ",".join(allowed)
    assert status.replace("_", " ").replace("csr", "CSR") in refused.value.detail


@pytest.mark.parametrize("status", STATUSES)
def test_an_operator_may_reject_before_issuance_only(status):
    order = fold(given.BY_STATUS[status])
    if status in {"awaiting_payment", "waiting_for_csr", "processing"}:
        assert operator_actions(order) == ["reject"]
        assert types(ending.reject(order, "Wrong company.", NOW)) == ["OrderRejected"]
        return
    assert operator_actions(order) == []
    with pytest.raises(ServiceError) as refused:
        ending.reject(order, "Wrong company.", NOW)
    assert refused.value.code == Code.ACTION_NOT_ALLOWED


# --- payment -------------------------------------------------------------------------------------------------------


def test_a_captured_payment_makes_the_order_wait_for_its_csr():
    events = placing.record_payment(fold([given.placed()]), given.captured(), NOW)
    assert types(events) == ["OrderPaid"]
    assert status_of(fold([given.placed(), *events])) == "waiting_for_csr"


def test_a_paid_top_up_is_paid():
    events = placing.record_payment(fold([given.placed_top_up()]), given.captured(50000), NOW)
    assert status_of(fold([given.placed_top_up(), *events])) == "paid"


@pytest.mark.parametrize("status", ["waiting_for_csr", "issued", "cancelled", "rejected"])
def test_a_payment_is_recorded_once_and_never_after_the_end(status):
    assert placing.record_payment(fold(given.BY_STATUS[status]), given.captured(), NOW) == []


@pytest.mark.parametrize("wrong", [{"amount": 4594}, {"currency": "EUR"}])
def test_a_payment_of_another_sum_is_refused(wrong):
    with pytest.raises(ServiceError) as refused:
        placing.record_payment(fold([given.placed()]), given.captured(**wrong), NOW)
    assert refused.value.code == Code.CONFLICT


def test_a_refused_charge_ends_the_order():
    events = placing.refuse_payment(fold([given.placed()]), "The quote was used.")
    assert status_of(fold([given.placed(), *events])) == "rejected"
    assert placing.refuse_payment(fold(given.PAID), "The quote was used.") == []


# --- CSR -----------------------------------------------------------------------------------------------------------


def test_an_accepted_csr_starts_processing():
    events = requesting.submit_csr(fold(given.PAID), given.csr(), unique_value="u1", now=NOW)
    assert types(events) == ["CSRSubmitted"]
    assert (events[0].csr_version, events[0].unique_value) == (1, "u1")
    assert status_of(fold([*given.PAID, *events])) == "processing"


def test_a_replaced_csr_ends_the_proofs_of_the_one_before():
    before = [*given.PROCESSING, given.authorized()]
    events = requesting.submit_csr(fold(before), given.csr(number=2), unique_value="u2", now=NOW)
    assert [event.csr_version for event in events] == [2]
    after = fold([*before, *events])
    assert not after.authorizations
    assert issuing.record_authorization(after, given.passed(version=1), NOW) == []


def test_the_same_csr_does_not_replace_itself():
    with pytest.raises(ServiceError, match="already"):
        requesting.submit_csr(fold(given.PROCESSING), given.csr(), unique_value="u", now=NOW)


@pytest.mark.parametrize("names", [("other.example.com",), ("www.example.com", "shop.example.com")])
def test_a_csr_with_other_names_is_refused_with_the_reason(names):
    with pytest.raises(ServiceError) as refused:
        requesting.submit_csr(fold(given.PAID), given.csr(names), unique_value="u", now=NOW)
    assert (refused.value.code, refused.value.pointer) == (Code.INVALID, "/csr")
    assert refused.value.extra["reason"].startswith("csr_")


def test_a_private_key_is_never_repeated():
    pasted = "-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n"
    with pytest.raises(ServiceError) as refused:
        requesting.read_csr(pasted)
    assert "c2VjcmV0" not in repr(vars(refused.value))


def test_a_csr_from_a_server_is_accepted_once():
    before = [*given.PAID, given.csr_requested()]
    events = requesting.record_generated_csr(
        fold(before), "request-1", given.csr_pem(), unique_value="u", owner=None, now=NOW
    )
    assert types(events) == ["CSRSubmitted"]
    assert (events[0].server_id, events[0].request_id) == ("server-1", "request-1")
    after = fold([*before, *events])
    again = requesting.record_generated_csr(after, "request-1", given.csr_pem(), unique_value="u", owner=None, now=NOW)
    assert again == []


@pytest.mark.parametrize(
    ("pem", "taken"), [("rubbish", False), (given.csr_pem(("a.example.com",)), False), (given.csr_pem(), True)]
)
def test_a_csr_from_a_server_that_does_not_fit_is_rejected_and_said(pem, taken):
    before = [*given.PAID, given.csr_requested()]
    events = requesting.record_generated_csr(
        fold(before), "request-1", pem, unique_value="u", owner="account-2" if taken else None, now=NOW
    )
    assert types(events) == ["CSRRejected"]
    assert reasons([*before, *events]) == [("csr_rejected", "customer", "generate_request")]


def test_an_answer_to_an_older_request_is_ignored():
    before = [*given.PAID, given.csr_requested("old"), given.csr_requested("new")]
    order = fold(before)
    assert requesting.record_generated_csr(order, "old", "x", unique_value="", owner=None, now=NOW) == []
    assert requesting.record_csr_failure(order, "old", "x") == []
    assert types(requesting.record_csr_failure(order, "new", "No openssl.")) == ["CSRRejected"]


# --- the gate ------------------------------------------------------------------------------------------------------


def test_the_ca_is_asked_when_the_last_name_is_proved():
    names = ["www.example.com", "example.com"]
    before = [given.placed(names=names), given.paid(), given.submitted(names=tuple(names))]
    first = issuing.record_authorization(fold(before), given.passed("example.com"), NOW)
    assert types(first) == ["AuthorizationRecorded"]
    last = issuing.record_authorization(fold([*before, *first]), given.passed(), NOW)
    assert types(last) == ["AuthorizationRecorded", "IssuanceRequested"]
    asked = last[-1]
    assert (asked.names, asked.csr_version) == (names, 1)
    assert asked.issuance_id == issuing.issuance_id_of(given.ORDER, 1)
    assert asked.not_after_limit == "2027-11-23T12:00:00.000000Z"
    assert issuing.record_authorization(fold([*before, *first, *last]), given.passed(), NOW) == []


@pytest.mark.parametrize("level", ["OV", "EV"])
def test_an_organization_validated_last_opens_the_gate(level):
    start = given.placed(validation_level=level, organization=given.organization())
    before = [start, given.paid(), given.submitted(), given.authorized()]
    assert reasons(before) == [("organization_not_validated", "operator", "")]
    assert operator_actions(fold(before)) == ["validate_organization", "reject"]
    events = placing.validate_organization(fold(before), "user:op", "register", NOW)
    assert types(events) == ["OrganizationValidated", "IssuanceRequested"]
    assert events[1].organization == given.organization()
    assert placing.validate_organization(fold([*before, *events]), "user:op", "", NOW) == []


def test_the_address_of_an_organization_stays_in_the_order():
    organization = given.organization(address1="Gartenstrasse 7", postal_code="10115", po_box="9")
    before = [given.placed(validation_level="OV", organization=organization), given.paid()]
    assert fold(before).organization == organization
    [asked] = requesting.request_csr(fold(before), "server-1", "ec-p256", request_id="r", now=NOW)
    assert asked.organization == given.organization()


def test_an_organization_validated_first_waits_for_the_names():
    start = given.placed(validation_level="OV", organization=given.organization())
    before = [start, given.paid()]
    before += placing.validate_organization(fold(before), "user:op", "", NOW)
    before += requesting.submit_csr(fold(before), given.csr(), unique_value="u", now=NOW)
    assert types(issuing.record_authorization(fold(before), given.passed(), NOW))[-1] == "IssuanceRequested"


def test_a_proof_that_grew_too_old_is_said_and_may_be_renewed():
    start = given.placed(validation_level="OV", organization=given.organization())
    before = [start, given.paid(), given.submitted(), given.authorized(days=1)]
    later = NOW + timedelta(days=2)
    events = placing.validate_organization(fold(before), "user:op", "", later)
    assert types(events) == ["OrganizationValidated"]
    before += events
    assert reasons(before, later) == [("authorization_expired", "customer", "domain_control_validation")]
    assert types(issuing.record_authorization(fold(before), given.passed(now=later), later))[-1] == "IssuanceRequested"


def test_a_foreign_name_or_version_proves_nothing():
    order = fold(given.PROCESSING)
    assert issuing.record_authorization(order, given.passed("example.com"), NOW) == []
    assert issuing.record_authorization(order, given.passed(version=2), NOW) == []


def test_a_fitting_certificate_is_issued_once():
    events = issuing.record_certificate(fold(given.ISSUING), given.signed(), NOW)
    assert types(events) == ["CertIssued"]
    assert events[0].serial == "ABC01"
    after = fold([*given.ISSUING, *events])
    assert status_of(after) == "issued"
    assert issuing.record_certificate(after, given.signed(), NOW) == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"number": 7}, "key"),
        ({"names": ("www.example.com", "evil.example.com")}, "names"),
        ({"days": 201}, "longer than the rules"),
        ({"not_before": NOW + timedelta(days=1)}, "not valid yet"),
        ({"not_before": NOW - timedelta(days=10), "days": 5}, "expired"),
        ({"said_serial": "77"}, "serial"),
    ],
)
def test_a_certificate_that_does_not_fit_is_refused_and_revoked(changes, words):
    events = issuing.record_certificate(fold(given.ISSUING), given.signed(**changes), NOW)
    assert types(events) == ["IssuanceFailed", "RevocationRequested"]
    assert words in events[0].reason
    after = [*given.ISSUING, *events]
    assert status_of(fold(after)) == "processing"
    assert reasons(after) == [("issuance_failed", "customer", "replace_csr")]


def test_a_certificate_for_a_replaced_csr_is_refused_and_revoked_and_the_next_one_is_still_asked_for():
    before = [*given.ISSUING, given.submitted(2)]
    events = issuing.record_certificate(fold(before), given.signed(1), NOW)
    assert types(events) == ["IssuanceFailed", "RevocationRequested"]
    before += events
    proof = issuing.record_authorization(fold(before), given.passed(version=2), NOW)
    assert types(proof) == ["AuthorizationRecorded", "IssuanceRequested"]
    assert types(issuing.record_certificate(fold([*before, *proof]), given.signed(2), NOW)) == ["CertIssued"]


def test_a_certificate_for_a_cancelled_order_is_revoked():
    before = [*given.ISSUING, *ending.cancel(fold(given.ISSUING), NOW)]
    events = issuing.record_certificate(fold(before), given.signed(), NOW)
    assert types(events) == ["IssuanceFailed", "RevocationRequested"]
    assert status_of(fold([*before, *events])) == "cancelled"


def test_what_a_ca_waits_for_is_said_once_and_ends():
    def delayed(reason):
        until = "2026-11-23T15:00:00.000000Z"
        return ca.IssuanceDelayed(
            issuance_id=issuing.issuance_id_of(given.ORDER, 1), order_id=given.ORDER, account_id=given.ACCOUNT,
            reason=reason, until=until,
        )  # fmt: skip

    assert issuing.record_delay(fold(given.ISSUING), delayed("")) == []
    events = issuing.record_delay(fold(given.ISSUING), delayed("Add the record."))
    assert types(events) == ["IssuanceDelayed"]
    after = [*given.ISSUING, *events]
    assert reasons(after) == [("issuance_delayed", "customer", "")]
    assert issuing.record_delay(fold(after), delayed("Add the record.")) == []
    after += issuing.record_delay(fold(after), delayed(""))
    assert reasons(after) == [("issuance_pending", "certwright", "")]
    after += issuing.record_certificate(fold(after), given.signed(), NOW)
    assert issuing.record_delay(fold(after), delayed("Late.")) == []


def test_a_refusal_of_the_ca_asks_for_another_csr():
    refused = ca.IssuanceRefused(
        issuance_id=issuing.issuance_id_of(given.ORDER, 1),
        order_id=given.ORDER,
        account_id=given.ACCOUNT,
        csr_version=1,
        reason="CAA forbids it.",
    )
    events = issuing.record_refusal(fold(given.ISSUING), refused)
    assert types(events) == ["IssuanceFailed"]
    after = [*given.ISSUING, *events]
    assert reasons(after) == [("issuance_failed", "customer", "replace_csr")]
    assert issuing.record_refusal(fold(after), refused) == []
    assert issuing.record_certificate(fold(after), given.signed(), NOW) == []


# --- installation --------------------------------------------------------------------------------------------------


def deployed(installation_id="installation-1", serial=None):
    return installer.DeploymentSucceeded(
        order_id=given.ORDER,
        account_id=given.ACCOUNT,
        installation_id=installation_id,
        server_id="server-1",
        site_id="site-1",
        served_serial=serial or given.signed().serial,
    )


def test_one_installation_is_asked_for_each_site():
    ids = iter(["rollout", "i1", "i2"])
    events = installing.request_installation(
        fold(given.ISSUED), "server-1", ["a", "b"], new_id=lambda: next(ids), now=NOW
    )
    assert [(event.installation_id, event.site_id) for event in events] == [("i1", "a"), ("i2", "b")]
    assert events[0].certificate_pem == given.signed().certificate_pem


@pytest.mark.parametrize("sites", [[], ["a", "a"], [""], [str(number) for number in range(101)]])
def test_strange_sites_are_refused(sites):
    with pytest.raises(ServiceError) as refused:
        installing.request_installation(fold(given.ISSUED), "server-1", sites, new_id=str, now=NOW)
    assert refused.value.pointer == "/site_ids"


def test_the_seen_serial_makes_the_order_installed_once():
    before = [*given.ISSUED, given.installation()]
    events = installing.record_deployment(fold(before), deployed(serial="0x000abc01"), NOW)
    assert types(events) == ["CertInstalled"]
    after = fold([*before, *events])
    assert status_of(after) == "installed"
    assert installing.record_deployment(after, deployed(), NOW) == []


def test_another_serial_on_the_site_is_no_installation():
    events = installing.record_deployment(fold([*given.ISSUED, given.installation()]), deployed(serial="FF"), NOW)
    assert types(events) == ["InstallationFailed"]


def test_a_failed_installation_leaves_the_order_issued_and_says_why():
    before = [*given.ISSUED, given.installation()]
    failed = installer.DeploymentFailed(
        order_id=given.ORDER,
        account_id=given.ACCOUNT,
        installation_id="installation-1",
        server_id="server-1",
        site_id="site-1",
        reason="nginx -t failed.",
        rolled_back=True,
    )
    events = installing.record_failed_deployment(fold(before), failed, NOW)
    assert types(events) == ["InstallationFailed"]
    after = [*before, *events]
    assert status_of(fold(after)) == "issued"
    assert reasons(after) == [("installation_failed", "customer", "auto_install")]
    assert installing.record_deployment(fold(after), deployed(), NOW) == []


# --- reissue, renewal, revocation, end -------------------------------------------------------------------------------


def reissue(events, number=2, server_id=None, now=NOW):
    csr = None if server_id else given.csr(number=number)
    return requesting.reissue(
        fold(events), csr=csr, server_id=server_id, key_algorithm="ec-p256", fresh_id="f", reason="asked", now=now
    )


def test_a_reissue_keeps_the_status_until_the_new_certificate_is_there():
    story = [*given.INSTALLED, *reissue(given.INSTALLED)]
    assert status_of(fold(story)) == "installed"
    assert reasons(story) == [("authorization_missing", "customer", "domain_control_validation")]
    story += issuing.record_authorization(fold(story), given.passed(version=2), NOW)
    assert story[-1].not_after_limit == fold(given.ISSUED).term_ends_at
    story += issuing.record_certificate(fold(story), given.signed(2), NOW)
    order = fold(story)
    assert status_of(order) == "issued"
    assert [one.csr_version for one in order.certificates] == [1, 2]
    assert not order.reissuing


def test_a_reissue_on_a_server_goes_where_the_certificate_before_was_served():
    story = [*given.INSTALLED, *reissue(given.INSTALLED, server_id="server-1")]
    assert types(story[-2:]) == ["ReissueRequested", "CSRRequested"]
    assert reasons(story) == [("csr_being_made", "agent", "")]
    story += requesting.record_generated_csr(
        fold(story), "f", given.csr_pem(number=2), unique_value="u", owner=None, now=NOW
    )
    story += issuing.record_authorization(fold(story), given.passed(version=2), NOW)
    story += issuing.record_certificate(fold(story), given.signed(2), NOW)
    again = installing.install_again(fold(story), new_id=lambda: "installation-2")
    assert [(one.site_id, one.csr_version) for one in again] == [("site-1", 2)]


def test_a_reissue_needs_a_csr_or_a_server():
    with pytest.raises(ServiceError, match="either"):
        requesting.reissue(
            fold(given.ISSUED), csr=None, server_id=None, key_algorithm="", fresh_id="", reason="", now=NOW
        )


def test_an_old_order_is_linked_to_the_one_that_continues_it():
    late = TERM_END - timedelta(days=1)
    events = placing.renew(fold(given.ISSUED), "order-2", late)
    assert fold([*given.ISSUED, *events]).renewed_by == "order-2"


def revoked(serial):
    return ca.CertificateRevoked(
        serial=serial,
        order_id=given.ORDER,
        account_id=given.ACCOUNT,
        reason="superseded",
        revoked_at=to_text(NOW),
    )


def test_a_revocation_covers_every_certificate_and_ends_the_order_when_all_are_confirmed():
    story = [*given.ISSUED, given.submitted(2), given.authorized(version=2), given.issuance_requested(2)]
    story.append(given.issued(2))
    asked = ending.revoke(fold(story), "keyCompromise", NOW)
    assert asked[0].serials == ["ABC01", "ABC02"]
    story += asked
    assert ending.revoke(fold(story), "keyCompromise", NOW) == []
    assert reasons(story) == [("revocation_pending", "certwright", "")]
    story += ending.record_revocation(fold(story), revoked("0abc01"))
    assert status_of(fold(story)) == "issued"
    story += ending.record_revocation(fold(story), revoked("ABC02"))
    assert status_of(fold(story)) == "revoked"
    assert ending.record_revocation(fold(story), revoked("ABC02")) == []


def test_a_certificate_signed_while_its_order_is_being_revoked_is_revoked_too():
    story = [*given.ISSUED, *reissue(given.ISSUED)]
    story += issuing.record_authorization(fold(story), given.passed(version=2), NOW)
    story += ending.revoke(fold(story), "superseded", NOW)
    story += ending.record_revocation(fold(story), revoked("ABC01"))
    events = issuing.record_certificate(fold(story), given.signed(2), NOW)
    assert types(events) == ["IssuanceFailed", "RevocationRequested"]
    assert status_of(fold([*story, *events])) == "revoked"


def test_a_wrong_revocation_reason_is_refused():
    with pytest.raises(ServiceError) as refused:
        ending.revoke(fold(given.ISSUED), "because", NOW)
    assert refused.value.pointer == "/reason"


@pytest.mark.parametrize(
    ("status", "refund"), [("awaiting_payment", 0), ("waiting_for_csr", 4595), ("processing", 4595)]
)
def test_cancelling_gives_back_what_was_paid(status, refund):
    story = given.BY_STATUS[status]
    events = ending.cancel(fold(story), NOW)
    assert events[0].refund == refund
    assert status_of(fold([*story, *events])) == "cancelled"


def test_an_order_expires_when_term_and_certificate_are_over():
    order = fold(given.ISSUED)
    assert ending.expire(order, from_text(order.certificate.not_after) + timedelta(days=1)) == []
    assert types(ending.expire(order, TERM_END)) == ["OrderExpired"]
    assert ending.expire(fold(given.BY_STATUS["expired"]), TERM_END) == []


def test_a_certificate_that_ends_inside_the_term_asks_for_a_reissue():
    later = from_text(fold(given.INSTALLED).certificate.not_after) + timedelta(seconds=1)
    assert reasons(given.INSTALLED, later) == [("certificate_expired", "customer", "reissue")]


# --- what it waits for -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("story", "expected"),
    [
        ([given.placed()], [("payment_missing", "customer", "complete_payment")]),
        ([given.placed(deposit=True)], [("payment_being_drawn", "certwright", "")]),
        (given.PAID, [("csr_missing", "customer", "generate_request")]),
        ([*given.PAID, given.csr_requested()], [("csr_being_made", "agent", "")]),
        (given.PROCESSING, [("authorization_missing", "customer", "domain_control_validation")]),
        (given.ISSUING, [("issuance_pending", "certwright", "")]),
        (given.ISSUED, [("installation_missing", "customer", "auto_install")]),
        ([*given.ISSUED, given.installation()], [("installation_pending", "agent", "")]),
        (given.INSTALLED, []),
        (given.BY_STATUS["expired"], [("order_expired", "customer", "renew")]),
        (given.BY_STATUS["paid"], []),
        (given.BY_STATUS["cancelled"], []),
        (given.BY_STATUS["revoked"], []),
        (given.BY_STATUS["rejected"], []),
    ],
)
def test_the_order_says_what_it_waits_for(story, expected):
    assert reasons(story) == expected


@pytest.mark.parametrize("status", STATUSES)
def test_what_a_customer_is_told_to_do_is_allowed(status):
    order = fold(given.BY_STATUS[status])
    for one in blocked_on(order, NOW):
        assert not one.action or one.action in actions_of(order, NOW)
        assert one.text.endswith((".", "?"))
