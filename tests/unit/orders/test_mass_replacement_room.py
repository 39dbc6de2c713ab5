# SPDX-License-Identifier: Apache-2.0
"""Mass replacements through the orders room on SQLite: preview, tenants, limits, progress, stragglers, revocation."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import pytest
import sqlalchemy as sa

from services.orders.handlers import acme, clock, commands, progress, reactions, replacing
from services.orders.migrations import rev_0005_replacements
from services.orders.model.requesting import read_csr
from services.orders.projections.replaceable import looked_after
from services.orders.projections.tables import orders as table
from services.orders.projections.tables import placed_sites
from services.orders.settings import OrdersSettings
from shared.clock import from_text, to_text
from shared.context import system
from shared.contracts import ca, installer, orders
from shared.errors import Code
from tests.support import order_builders as given
from tests.support.many_orders import fill_room
from tests.support.rooms import customer, operator
from tests.unit.orders.test_orders_room import Story, refused, told, types

LIMITS = OrdersSettings()


class Fleet(Story):
    """Orders with keys made by agents, installed on sites."""

    def __init__(self, database=None):
        super().__init__(database)
        self.keys = iter(range(1, 500))
        self.serials = iter(range(0xA0000, 0xB0000))

    def generate(self, order_id):
        """The agent makes the key that the order waits for."""
        request = [
            one.data for one in self.room.events(f"order-{order_id}") if isinstance(one.data, orders.CSRRequested)
        ]
        number = next(self.keys)
        fact = installer.CSRGenerated(
            order_id=order_id, account_id="account-1", request_id=request[-1].request_id, server_id="server-1",
            csr_pem=given.csr_pem(number=number),
        )  # fmt: skip
        self.tell(reactions.on_csr_generated, fact)
        return number

    def made(self, order_id, version, **changes):
        """The agent's key, the proof and the certificate."""
        number = self.generate(order_id)
        now = self.clock.now()
        self.tell(reactions.on_dcv_passed, given.passed(version=version, order_id=order_id, now=now))
        self.sign(order_id, version, number=number, serial=next(self.serials), **changes)

    def deploy(self, order_id, *, works=True, account_id="account-1"):
        while asked := [
            one for one in self.get(order_id, customer(account_id)).installations if one.status == "requested"
        ]:
            one = asked[-1]
            where = {
                "order_id": order_id, "account_id": account_id, "installation_id": one.installation_id,
                "server_id": one.server_id, "site_id": one.site_id,
            }  # fmt: skip
            if works:
                served = self.get(order_id, customer(account_id)).certificate.serial
                fact = installer.DeploymentSucceeded(**where, served_serial=served)
                self.tell(reactions.on_deployment_succeeded, fact)
            else:
                fact = installer.DeploymentFailed(**where, reason="No.", rolled_back=True, code="config_refused")
                self.tell(reactions.on_deployment_failed, fact)

    def installed(self, server="server-1", sites=("site-1",)):
        order_id = self.paid().order_id
        self.do(commands.request_csr, orders.RequestCSR(order_id=order_id, server_id=server))
        self.made(order_id, 1)
        request = orders.RequestInstallation(order_id=order_id, server_id=server, site_ids=list(sites))
        self.do(commands.request_installation, request)
        self.deploy(order_id)
        return order_id

    def preview(self, context=None, **fields):
        return replacing.preview(self.room, orders.PreviewReplacement(**fields), context or customer())

    def start(self, context=None, **fields):
        fields = {"reason": "The issuer has to be left.", **(fields or {"everything": True})}
        kind = orders.StartReplacementForAll if context and context.operator else orders.StartReplacement
        return self.do(replacing.start, kind(**fields), context)

    def steer(self, replacement_id, action, context=None, **more):
        request = orders.SteerReplacement(replacement_id=replacement_id, action=action, **more)
        return self.do(replacing.steer, request, context)

    def advance(self, **limits):
        replacing.advance(self.room, LIMITS.model_copy(update=limits))

    def looked_after(self):
        with self.room.query() as connection:
            return looked_after(connection)

    def view(self, replacement_id, context=None):
        return progress.get(self.room, orders.GetReplacement(replacement_id=replacement_id), context or customer())

    def states(self, replacement_id):
        return {state: count for state, count in self.view(replacement_id).by_state.items() if count}

    def late(self, replacement_id, context=None, **more):
        request = orders.ListReplacementOrders(replacement_id=replacement_id, **{"state": "open", **more})
        return progress.list_orders(self.room, request, context or customer())

    def revoked(self, order_id, serial):
        fact = ca.CertificateRevoked(
            order_id=order_id, account_id="account-1", serial=serial, reason="superseded",
            revoked_at=to_text(self.clock.now())
        )  # fmt: skip
        self.tell(reactions.on_certificate_revoked, fact)


@pytest.fixture
def fleet():
    with told(Fleet()) as found:
        yield found


def test_two_orders_are_replaced_on_the_wire_and_then_their_old_certificates_revoked(fleet):
    first, second = fleet.installed(), fleet.installed(sites=("site-2", "site-3"))
    preview = fleet.preview(everything=True)
    assert (preview.orders, preview.sites, preview.servers) == (2, 3, 1)
    assert preview.by_way == {"agent": 2, "client": 0, "hand": 0}
    assert [(one.value, one.certificates) for one in preview.issuers] == [("CN=Test CA", 2)]
    assert [one.value for one in preview.key_types] == ["ec-p256"]
    made = fleet.start(key_type="ec-p256")
    assert (made.status, made.orders, made.sites, made.open) == ("running", 2, 3, 2)
    assert from_text(made.due_24h) - from_text(made.started_at) == timedelta(hours=24)
    assert from_text(made.due_5d) - from_text(made.started_at) == timedelta(days=5)
    fleet.advance()
    fleet.advance()
    assert types(fleet, first)[-3:] == ["ReplacementBegun", "ReissueRequested", "CSRRequested"]
    assert fleet.states(made.replacement_id) == {"making": 2}
    fleet.made(first, 2)
    assert fleet.states(made.replacement_id) == {"making": 1, "installing": 1}
    fleet.deploy(first)
    fleet.made(second, 2)
    [late] = fleet.late(made.replacement_id).items
    assert (late.state, len(late.open_sites)) == ("installing", 2)
    assert {one.reason for one in late.blocked_on} == {"installation_pending", "installation_queued"}
    fleet.deploy(second)
    fleet.advance()
    done = fleet.view(made.replacement_id)
    assert (done.status, done.open, done.by_state["seen"]) == ("completed", 0, 2)
    assert done.last_seen_at is not None
    assert done.actions == ["revoke_old"]
    assert fleet.looked_after() == []
    fleet.steer(made.replacement_id, "revoke_old", revocation_reason="keyCompromise")
    assert fleet.looked_after() == [(made.replacement_id, "completed", True)]
    fleet.advance()
    fleet.advance()
    assert types(fleet, first).count("RevocationRequested") == 1
    for order_id in (first, second):
        [row] = [one for one in fleet.late(made.replacement_id, state=None).items if one.order_id == order_id]
        fleet.revoked(order_id, row.old_serial)
        assert fleet.get(order_id).status == "installed"
    assert fleet.view(made.replacement_id).revoked == 2
    assert fleet.looked_after() == []  # the clock has nothing more to do for it, for ever


def test_pasted_keys_and_acme_clients_are_told_and_counted_when_they_have_acted(fleet):
    order = fleet.issued()
    made = fleet.start(everything=True)
    assert fleet.preview().orders == 0
    fleet.advance()
    [late] = fleet.late(made.replacement_id).items
    assert (late.way, late.state) == ("hand", "waiting")
    assert late.blocked_on[0].reason == "replacement_by_hand"
    request = orders.ReissueCertificate(order_id=order.order_id, csr=given.csr_pem(number=400))
    fleet.do(commands.reissue_certificate, request, csr=read_csr(request.csr))
    fleet.tell(reactions.on_dcv_passed, given.passed(version=2, order_id=order.order_id))
    fleet.sign(order.order_id, 2, number=400, serial=0xCAFE)
    assert fleet.states(made.replacement_id) == {"unseen": 1}
    fleet.advance()
    assert fleet.view(made.replacement_id).status == "completed"


def test_what_cannot_be_replaced_is_named_with_its_reason(fleet):
    order_id = fleet.installed()
    [old] = fleet.get(order_id).certificates
    made = fleet.start(everything=True)
    fleet.advance()
    found = fleet.preview(serials=[old.serial, "BEEF"])
    assert (found.orders, found.left_out_total) == (0, 2)
    assert [one.obstacle for one in found.left_out] == ["being_replaced", "no_such_certificate"]
    assert all(one.text for one in found.left_out)
    assert refused(fleet.start, serials=["BEEF"]).code == Code.INVALID
    fleet.made(order_id, 2)
    assert [one.obstacle for one in fleet.preview(serials=[old.serial]).left_out] == ["replaced_before"]
    fleet.deploy(order_id)
    fleet.advance()
    assert fleet.view(made.replacement_id).status == "completed"
    assert fleet.preview(everything=True).orders == 1


def test_no_server_gets_more_at_once_than_it_may_and_none_is_begun_while_paused(fleet):
    servers = ("server-1", "server-1", "server-1", "server-2")
    ids = [fleet.installed(server, sites=(f"site-{number}",)) for number, server in enumerate(servers)]
    made = fleet.start(everything=True)
    fleet.advance(replaced_per_server=2)
    fleet.advance(replaced_per_server=2)
    assert fleet.states(made.replacement_id) == {"making": 3, "waiting": 1}
    fleet.steer(made.replacement_id, "pause")
    fleet.made(ids[0], 2)
    fleet.deploy(ids[0])
    fleet.advance()
    assert fleet.states(made.replacement_id) == {"making": 2, "waiting": 1, "seen": 1}
    fleet.steer(made.replacement_id, "resume")
    fleet.advance(replaced_at_once=2)
    assert fleet.states(made.replacement_id)["waiting"] == 1
    # The two that wait for an agent that is away count for their servers only.
    fleet.clock.move(minutes=11)
    fleet.advance(replaced_at_once=2)
    assert "waiting" not in fleet.states(made.replacement_id)


def test_given_up_what_was_not_begun_keeps_its_certificate_and_the_rest_goes_on(fleet):
    ids = [fleet.installed("server-1"), fleet.installed("server-1", sites=("site-2",))]
    made = fleet.start(everything=True)
    fleet.advance(replaced_per_server=1)
    ended = fleet.steer(made.replacement_id, "cancel")
    assert (ended.status, ended.by_state["withdrawn"], ended.by_state["making"]) == ("cancelled", 1, 1)
    fleet.advance()
    assert types(fleet, ids[1])[-1] == "ReplacementWithdrawn"
    assert fleet.preview(everything=True).orders == 1  # the other one is still under way
    fleet.made(ids[0], 2)
    fleet.deploy(ids[0])
    assert fleet.states(made.replacement_id) == {"withdrawn": 1, "seen": 1}


def test_what_failed_is_named_and_tried_again_without_a_second_reissue(fleet):
    order_id = fleet.installed()
    made = fleet.start(everything=True)
    fleet.advance()
    request = next(one.data for one in reversed(fleet.room.events(f"order-{order_id}")))
    failure = installer.CSRGenerationFailed(
        order_id=order_id, account_id="account-1", request_id=request.request_id, reason="Late.", code="agent_late"
    )
    fleet.tell(reactions.on_csr_generation_failed, failure)
    [late] = fleet.late(made.replacement_id, state="failed").items
    assert (late.code, late.blocked_on[0].reason) == ("agent_late", "csr_rejected")
    fleet.steer(made.replacement_id, "retry")
    assert fleet.states(made.replacement_id) == {"making": 1}
    fleet.made(order_id, 2)
    fleet.deploy(order_id, works=False)
    [late] = fleet.late(made.replacement_id, state="failed").items
    assert (late.code, late.reason) == ("config_refused", "No.")
    fleet.steer(made.replacement_id, "retry")
    fleet.deploy(order_id)
    fleet.advance()
    assert fleet.view(made.replacement_id).status == "completed"
    assert types(fleet, order_id).count("ReissueRequested") == 1


def test_an_order_that_ends_on_the_way_is_counted_as_ended(fleet):
    order_id = fleet.installed()
    made = fleet.start(everything=True)
    [one] = fleet.get(order_id).certificates
    fleet.do(commands.revoke_certificate, orders.RevokeCertificate(order_id=order_id))
    fleet.advance()
    assert fleet.states(made.replacement_id) == {"waiting": 1}
    fleet.revoked(order_id, one.serial)
    fleet.advance()
    assert (fleet.states(made.replacement_id), fleet.view(made.replacement_id).status) == ({"ended": 1}, "completed")


def test_an_exercise_revokes_nothing(fleet):
    order_id = fleet.installed()
    made = fleet.start(everything=True, exercise=True)
    fleet.advance()
    fleet.made(order_id, 2)
    fleet.deploy(order_id)
    fleet.advance()
    done = fleet.view(made.replacement_id)
    assert (done.status, done.exercise, done.actions) == ("completed", True, [])
    assert refused(fleet.steer, made.replacement_id, "revoke_old").code == Code.ACTION_NOT_ALLOWED


def test_a_customer_replaces_the_own_orders_and_an_operator_all(fleet):
    mine = fleet.installed()
    fill_room(fleet.app, "account-2", 20)
    own, everyone = fleet.preview(everything=True), fleet.preview(operator(), everything=True)
    assert own.orders == 1
    assert everyone.orders > 1
    assert {one.account_id for one in everyone.candidates} == {"account-1", "account-2"}
    stranger = next(one for one in everyone.candidates if one.account_id == "account-2")
    assert fleet.preview(serials=[stranger.serial]).left_out[0].obstacle == "no_such_certificate"
    made = fleet.start(everything=True)
    for look in (fleet.view, fleet.late, partial(fleet.steer, action="pause")):
        assert refused(look, made.replacement_id, context=customer("account-2")).code == Code.NOT_FOUND
    assert fleet.view(made.replacement_id, operator()).orders == 1
    all_ = fleet.start(operator(), everything=True)
    assert (all_.account_id, all_.orders) == ("", everyone.orders - 1)
    assert refused(fleet.view, all_.replacement_id).code == Code.NOT_FOUND
    assert fleet.room.events(f"order-{stranger.order_id}")[-1].metadata.account_id == "account-2"
    listed = progress.list_page(fleet.room, orders.ListReplacements(), customer())
    assert [one.replacement_id for one in listed.items] == [made.replacement_id]
    page = progress.list_page(fleet.room, orders.ListReplacements(limit=1), operator())
    rest = progress.list_page(fleet.room, orders.ListReplacements(limit=1, cursor=page.next_cursor), operator())
    assert {page.items[0].replacement_id, rest.items[0].replacement_id} == {made.replacement_id, all_.replacement_id}
    assert fleet.get(mine).blocked_on[0].reason == "replacement_waiting"


def test_its_orders_are_read_page_by_page_and_bad_questions_refused(fleet):
    for _ in range(3):
        fleet.installed()
    made = fleet.start(everything=True)
    first = fleet.late(made.replacement_id, limit=2)
    second = fleet.late(made.replacement_id, limit=2, cursor=first.next_cursor)
    assert (len(first.items), len(second.items), second.next_cursor, first.total) == (2, 1, None, 3)
    assert refused(fleet.late, made.replacement_id, state="lost").pointer == "/state"
    assert refused(fleet.late, made.replacement_id, limit=0).pointer == "/limit"
    assert refused(fleet.view, "nothing").code == Code.NOT_FOUND


def test_a_renewal_that_fell_due_meanwhile_is_the_replacement(fleet):
    order_id = fleet.installed()
    made = fleet.start(everything=True)
    fleet.clock.move(days=160)
    fleet.room.execute(clock.reissue_order, order_id, system("orders"))
    fleet.advance()
    assert types(fleet, order_id).count("ReissueRequested") == 1
    assert types(fleet, order_id)[-1] == "ReplacementBegun"
    fleet.made(order_id, 2, days=99)  # the rules of May 2027 allow 100
    fleet.deploy(order_id)
    fleet.advance()
    assert fleet.view(made.replacement_id).status == "completed"


def test_acme_clients_are_told_to_renew_at_once(fleet):
    order_id = fleet.installed()
    fleet.start(everything=True)
    order = fleet.room.events(f"order-{order_id}")
    state = acme.fold([one.data for one in order])
    start, end = acme.replacing.window_of(state, state.certificates[0])
    assert start < end <= fleet.clock.now()


def test_the_revision_fills_from_the_log_what_the_projections_keep(fleet):
    fill_room(fleet.app, "account-1", 40)
    order_id = fleet.installed()
    fleet.clock.move(days=160)
    fleet.room.execute(clock.reissue_order, order_id, system("orders"))
    kept = ("order_id", "renew_at", "key_server_id", "channel", "serial", "issuer", "key_type")
    columns = sa.select(*(table.c[name] for name in kept)).order_by(table.c.order_id)
    sites = sa.select(placed_sites).order_by(placed_sites.c.order_id, placed_sites.c.site_id)
    with fleet.database.write() as connection:
        before = connection.execute(columns).all(), connection.execute(sites).all()
        connection.execute(placed_sites.delete())
        connection.execute(
            table.update().values(renew_at=None, key_server_id="", channel="", serial=None, issuer=None, key_type=None)
        )
        rev_0005_replacements._fill(connection)
        assert (connection.execute(columns).all(), connection.execute(sites).all()) == before
    assert any(row.renew_at for row in before[0])
