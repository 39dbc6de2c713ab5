# SPDX-License-Identifier: Apache-2.0
"""Mass replacements, Given events When command Then events: chosen, begun once, helped on, given up, completed."""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from services.orders.model import mass_replacement as model
from services.orders.model import replacing
from services.orders.model.blocked_on import blocked_on
from services.orders.model.mass_replacement import OPEN, REPLACEMENT, Candidate, MassReplacement
from services.orders.model.order import fold
from shared.clock import to_text
from shared.contracts import orders
from shared.errors import Code, ServiceError
from tests.support import order_builders as given
from tests.support.order_builders import NOW, ORDER

SERIAL = given.signed().serial
IDS = {"replacement_id": "r-1", "account_id": given.ACCOUNT}


def asked(way="agent", serial=SERIAL, replacement_id="r-1"):
    return orders.ReplacementAsked(
        order_id=ORDER,
        account_id=given.ACCOUNT,
        replacement_id=replacement_id,
        number=2000001,
        common_name="www.example.com",
        serial=serial,
        csr_version=1,
        way=way,
        server_id="server-1" if way == "agent" else "",
        sites=[orders.PlacedSite(server_id="server-1", site_id="site-1")],
        at=to_text(NOW),
    )


MADE_BY_AGENT = [
    *given.PAID,
    given.csr_requested(),
    given.submitted(server_id="server-1", request_id="request-1"),
    given.authorized(),
    given.issuance_requested(),
    given.issued(),
    given.installation(),
    given.installed(),
]
ASKED = [*MADE_BY_AGENT, asked()]


def names(events):
    return [type(one).__name__ for one in events]


def begin(events, replacement_id="r-1"):
    return replacing.begin(fold(events), replacement_id, request_id="request-2", now=NOW)


def reasons(events):
    return [one.reason for one in blocked_on(fold(events), NOW)]


BEGUN = [*ASKED, *begin(ASKED)]
REISSUED = [
    *BEGUN,
    given.submitted(2, server_id="server-1"),
    given.authorized(version=2),
    given.issuance_requested(2),
    given.issued(2),
]


def test_it_is_begun_with_a_new_key_on_the_same_server():
    assert names(begin(ASKED)) == ["ReplacementBegun", "ReissueRequested", "CSRRequested"]
    assert begin(ASKED)[2].server_id == "server-1"


@pytest.mark.parametrize(
    "events",
    [
        MADE_BY_AGENT,
        BEGUN,
        REISSUED,
        [*MADE_BY_AGENT, asked("hand")],
        [*MADE_BY_AGENT, asked("client")],
        [*ASKED, orders.ReplacementWithdrawn(order_id=ORDER, account_id=given.ACCOUNT, replacement_id="r-1")],
        [*ASKED, orders.OrderExpired(order_id=ORDER)],
        [*MADE_BY_AGENT, asked(), asked(replacement_id="r-2")],
    ],
    ids=["never asked", "begun before", "reissued", "pasted", "ACME", "withdrawn", "expired", "another's"],
)
def test_it_is_not_begun(events):
    assert begin(events) == []


def test_a_reissue_that_is_under_way_is_the_replacement():
    under_way = [*MADE_BY_AGENT, *begin(ASKED)[1:], asked()]
    assert names(begin(under_way)) == ["ReplacementBegun"]
    failed = [*under_way, orders.CSRRejected(order_id=ORDER, request_id="request-2", reason="No.")]
    assert names(begin(failed)) == ["ReplacementBegun", "CSRRequested"]


@pytest.mark.parametrize(
    ("way", "reason"),
    [("agent", "replacement_waiting"), ("client", "replacement_by_client"), ("hand", "replacement_by_hand")],
)
def test_an_order_says_what_its_replacement_waits_for(way, reason):
    assert reasons([*MADE_BY_AGENT, asked(way)]) == [reason]
    assert reasons(BEGUN) == ["csr_being_made"]
    assert reasons([*REISSUED, given.installation("i-2", 2), given.installed("i-2", 2)]) == []


def test_the_window_for_acme_clients_lies_in_the_past_until_it_is_withdrawn():
    order = fold(ASKED)
    assert replacing.window_of(order, order.certificates[0])[1] == NOW
    withdrawn = orders.ReplacementWithdrawn(order_id=ORDER, account_id=given.ACCOUNT, replacement_id="r-1")
    order = fold([*ASKED, withdrawn])
    assert replacing.window_of(order, order.certificates[0])[0] > NOW


def test_what_failed_is_asked_for_again_and_nothing_else():
    def again(events):
        return names(replacing.try_again(fold(events), new_id=lambda: "new", now=NOW))

    assert again(BEGUN) == []
    assert again([*BEGUN, orders.CSRRejected(order_id=ORDER, request_id="request-2", reason="No.")]) == ["CSRRequested"]
    installing = [*REISSUED, given.installation("i-2", 2)]
    failed = orders.InstallationFailed(
        order_id=ORDER, installation_id="i-2", server_id="server-1", site_id="site-1", reason="No.", rolled_back=True
    )
    assert again(installing) == []
    assert again([*installing, failed]) == ["InstallationRequested"]
    assert again([*installing, failed, given.installation("i-3", 2)]) == []


def test_only_the_old_certificate_is_revoked_and_once():
    assert replacing.revoke_old(fold(BEGUN), SERIAL, "superseded") == []  # it is the newest
    [event] = replacing.revoke_old(fold(REISSUED), SERIAL, "superseded")
    assert event.serials == [SERIAL]
    assert replacing.revoke_old(fold([*REISSUED, event]), SERIAL, "superseded") == []
    gone = orders.CertRevoked(order_id=ORDER, serial=SERIAL, reason="superseded", revoked_at=to_text(NOW))
    assert replacing.revoke_old(fold([*REISSUED, event, gone]), SERIAL, "superseded") == []


# --- all of them -----------------------------------------------------------------------------------------------------


def candidate(**changes):
    fields = {
        "order_id": ORDER,
        "account_id": given.ACCOUNT,
        "number": 2000001,
        "common_name": "www.example.com",
        "serial": SERIAL,
        "issuer": "CN=Test CA",
        "key_type": "ec-p256",
        "csr_version": 1,
        "way": "agent",
        "server_id": "server-1",
        "sites": (("server-1", "site-1"),),
    }
    return Candidate(**{**fields, **changes})


def start(*candidates, selection=None, reason="The issuer is to be left.", exercise=False):
    return model.start(
        candidates,
        selection or orders.ReplacementSelection(everything=True),
        replacement_id="r-1",
        account_id=given.ACCOUNT,
        reason=reason,
        exercise=exercise,
        now=NOW,
    )


def test_every_order_that_is_free_is_asked_and_the_others_are_not():
    started, asks = start(candidate(), candidate(order_id="order-2", number=2, obstacle="being_replaced"))
    assert (started.orders, started.sites) == (1, 1)
    assert asks == [asked()]


@pytest.mark.parametrize(
    ("more", "pointer"),
    [
        ({"reason": " "}, "/reason"),
        ({"reason": "x" * 1001}, "/reason"),
        ({"selection": orders.ReplacementSelection()}, "/everything"),
    ],
)
def test_a_start_without_reason_or_selection_is_refused(more, pointer):
    with pytest.raises(ServiceError) as error:
        start(candidate(), **more)
    assert (error.value.code, error.value.pointer) == (Code.INVALID, pointer)


def test_a_start_that_hits_nothing_is_refused():
    with pytest.raises(ServiceError) as error:
        start(candidate(obstacle="being_replaced"))
    assert error.value.code == Code.INVALID


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"serials": ["0A", "xyz"]}, "/serials/1"),
        ({"serials": ["1" * 41]}, "/serials/0"),
        ({"serials": ["1"] * 5001}, "/serials"),
        ({"issuer": "a\nb"}, "/issuer"),
        ({"key_type": "x" * 501}, "/key_type"),
        ({"issuer": "CN=A", "everything": True}, "/everything"),
    ],
)
def test_a_selection_that_is_none_is_refused_at_its_field(fields, pointer):
    fields = {"issuer": "", "key_type": "", "serials": [], "everything": False, **fields}
    with pytest.raises(ServiceError) as error:
        model.read_selection(fields["issuer"], fields["key_type"], fields["serials"], everything=fields["everything"])
    assert error.value.pointer == pointer


def test_serials_are_taken_in_any_spelling_and_once():
    found = model.read_selection("", "", ["0x0a:1b", " A1B ", "a1b"], everything=False)
    assert found.serials == ["A1B"]


def test_the_clocks_run_out_after_24_hours_and_after_5_days():
    assert model.clocks("2026-11-23T12:00:00.000000Z") == tuple(to_text(NOW.replace(day=day)) for day in (24, 28))


STARTED = [start(candidate())[0]]


def steer(events, action, **more):
    options = {"seen": 1, "withdrawn": 0, "revocation_reason": "superseded", **more}
    return model.steer(REPLACEMENT(events), action, **options)


def refusal(events, action, **more):
    with pytest.raises(ServiceError) as error:
        steer(events, action, **more)
    return error.value


def test_it_is_paused_resumed_and_given_up():
    paused = [*STARTED, *steer(STARTED, "pause")]
    assert refusal(paused, "pause").code == Code.ACTION_NOT_ALLOWED
    resumed = [*paused, *steer(paused, "resume")]
    cancelled = [*resumed, *steer(resumed, "cancel", withdrawn=3)]
    assert cancelled[-1].withdrawn == 3
    for action in ("pause", "resume", "cancel", "retry"):
        assert refusal(cancelled, action).code == Code.ACTION_NOT_ALLOWED
    assert names(steer(cancelled, "revoke_old")) == ["ReplacedRevocationRequested"]
    assert steer(STARTED, "retry") == []
    assert refusal(STARTED, "burn").pointer == "/action"


def test_old_certificates_are_revoked_only_when_new_ones_were_seen_and_never_by_an_exercise():
    assert refusal(STARTED, "revoke_old", seen=0).code == Code.ACTION_NOT_ALLOWED
    assert refusal(STARTED, "revoke_old", revocation_reason="because").pointer == "/revocation_reason"
    asked_for = [*STARTED, *steer(STARTED, "revoke_old", revocation_reason="keyCompromise")]
    assert asked_for[-1].reason == "keyCompromise"
    assert refusal(asked_for, "revoke_old").code == Code.ACTION_NOT_ALLOWED
    drill = [start(candidate(), exercise=True)[0]]
    assert "exercise" in refusal(drill, "revoke_old").detail
    assert "revoke_old" not in model.actions_of(REPLACEMENT(drill), 5)


@pytest.mark.parametrize("state", model.STATES)
def test_it_is_over_when_no_order_is_left_to_do(state):
    over = model.complete(REPLACEMENT(STARTED), {"seen": 4, "unseen": 2, "ended": 1, state: 9})
    assert names(over) == ([] if state in OPEN else ["MassReplacementCompleted"])
    assert model.complete(MassReplacement(status="cancelled"), {}) == []


class OneOrder(RuleBasedStateMachine):
    """Whatever comes in whatever order: one replacement reissues an order at most once, and never two at a time."""

    def __init__(self):
        super().__init__()
        self.events = list(MADE_BY_AGENT)
        self.version = 1
        self.begun = 0
        self.count = 0

    def tell(self, found):
        self.events += found
        self.begun += sum(isinstance(one, orders.ReplacementBegun) for one in found)

    @rule()
    def ask(self):
        if fold(self.events).to_be_replaced is None:
            self.count += 1
            self.tell([asked(serial=fold(self.events).certificate.serial, replacement_id=f"r-{self.count}")])

    @rule()
    def begin_again_and_again(self):
        self.tell(begin(self.events, f"r-{self.count}"))
        assert begin(self.events, f"r-{self.count}") == []

    @rule()
    def retry(self):
        self.count_requests = len([one for one in self.events if isinstance(one, orders.CSRRequested)])
        self.tell(replacing.try_again(fold(self.events), new_id=lambda: f"again-{len(self.events)}", now=NOW))

    @precondition(lambda self: fold(self.events).csr_attempt is not None)
    @rule(works=st.booleans())
    def the_agent_answers(self, works):
        attempt = fold(self.events).csr_attempt
        if not works:
            self.tell([orders.CSRRejected(order_id=ORDER, request_id=attempt.request_id, reason="No.")])
            return
        self.version += 1
        self.tell([
            given.submitted(self.version, server_id="server-1"), given.authorized(version=self.version),
            given.issuance_requested(self.version), given.issued(self.version),
        ])  # fmt: skip

    @rule()
    def withdraw(self):
        wanted = fold(self.events).replacing
        if wanted is not None and not wanted.begun:
            self.tell([
                orders.ReplacementWithdrawn(
                    order_id=ORDER, account_id=given.ACCOUNT, replacement_id=wanted.replacement_id
                )
            ])  # fmt: skip

    @invariant()
    def one_reissue_for_one_replacement(self):
        reissues = sum(isinstance(one, orders.ReissueRequested) for one in self.events)
        assert reissues <= self.begun <= self.count
        assert len(fold(self.events).certificates) <= 1 + reissues


OneOrder.TestCase.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
TestOneOrder = OneOrder.TestCase
