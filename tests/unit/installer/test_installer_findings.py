# SPDX-License-Identifier: Apache-2.0
"""What is amiss with sites: told by agents, seen by the service, told on only when it changes."""

from datetime import timedelta

import msgspec
import pytest

from services.installer.model import sites as sites_model
from services.installer.projections.watching import keys_of_several_accounts
from shared.clock import to_text
from shared.contracts import installer, orders
from shared.contracts.installer.findings import SEVERITIES, shown
from shared.eventstore.rebuild import check
from tests.support.installer_room import InstallerRoom

NAME = "www.example.test"
SINCE = "2026-11-20T08:00:00.000000Z"


def finding(kind="replaced", **changes):
    fields = {"since": SINCE, "path": "/etc/letsencrypt/live/w/fullchain.pem", "by": "certbot", "serial": "A1"}
    return installer.SiteFinding(kind=kind, **{**fields, **changes})


def certificate(room, *, days=90, spki="1" * 64, names=(NAME,)):
    end = to_text(room.clock.now() + timedelta(days=days))
    return installer.ServedCertificate(
        serial="A1",
        fingerprint_sha256="f" * 64,
        subject="CN=x",
        issuer="CN=y",
        names=list(names),
        not_before=SINCE,
        not_after=end,
        spki_sha256=spki,
    )


def tls_site(room, name=NAME, **of_certificate):
    binding = installer.Binding(
        address="*", port=443, tls=True, names=[name], certificate=certificate(room, **of_certificate)
    )
    return room.site(name, bindings=[binding])


def told(room, server_id):
    with_findings = [
        one.data
        for one in room.room.events(sites_model.stream(server_id))
        if isinstance(one.data, installer.SiteFindingsChanged)
    ]
    return [[one.kind for one in event.findings] for event in with_findings]


def placed(order_id="o1", names=(NAME,), account="account-1"):
    return orders.OrderPlaced(
        order_id=order_id,
        number=2000001,
        account_id=account,
        kind="certificate",
        product="single-dv",
        product_name="Single",
        validation_level="DV",
        common_name=names[0],
        names=list(names),
        term_years=1,
        dcv_method="http_csr_hash",
        amount=100,
        currency="USD",
        quote_id="q",
    )


def test_a_finding_is_told_when_it_begins_and_when_it_ends_and_not_between(room):
    agent, server_id = room.enrolled()
    room.report(agent.agent_id, room.site())
    room.report(agent.agent_id, room.site(findings=[finding()]))
    room.clock.forward(minutes=1)
    room.report(agent.agent_id, room.site(findings=[finding(since=to_text(room.clock.now()))]))
    assert told(room, server_id) == [["replaced"]]
    (site,) = room.list_sites().items
    (seen,) = site.findings
    assert (seen.since, seen.severity, seen.by) == (SINCE, "warning", "certbot")
    assert "Certbot" in seen.text
    assert "Certbot" in seen.cure
    assert room.list_servers().items[0].sites_amiss == 1
    room.report(agent.agent_id, room.site(findings=[finding(by="acme.sh")]))
    room.report(agent.agent_id, room.site())
    assert told(room, server_id) == [["replaced"], ["replaced"], []]
    assert room.list_sites().items[0].findings == []
    assert check(room.room).equal


def test_an_agent_that_does_not_look_tells_of_sites_as_before(room):
    agent, server_id = room.enrolled()
    raw = msgspec.to_builtins(room.site())
    del raw["findings"]
    room.report(agent.agent_id, msgspec.convert(raw, installer.SiteReport))
    assert told(room, server_id) == []
    assert room.list_sites().items[0].findings == []


def test_only_the_closed_list_is_kept_each_once_and_in_its_form(room):
    agent, _ = room.enrolled()
    told_ = [
        finding("haunted"),
        finding("expires_without_order"),
        finding("replaced", by="<script>", path="/a\nb" + "x" * 2000, serial="not hex", since="yesterday"),
        finding("replaced", by="certbot"),
        finding("key_readable", mode="rwx", by=""),
        *[finding(f"x{number}") for number in range(5000)],
    ]
    room.report(agent.agent_id, room.site(findings=told_))
    found = {one.kind: one for one in room.list_sites().items[0].findings}
    assert list(found) == ["key_readable", "replaced"]  # the worst first
    replaced = found["replaced"]
    assert (replaced.by, replaced.serial, replaced.since) == ("unknown", "", to_text(room.clock.now()))
    assert replaced.path.startswith("/a b")
    assert len(replaced.path) == 500
    assert found["key_readable"].mode == ""


def test_findings_end_with_their_site_and_with_the_agent(room):
    agent, server_id = room.enrolled()
    room.report(agent.agent_id, room.site(findings=[finding()]), room.site("b.test", findings=[finding()]))
    room.report(agent.agent_id, room.site(findings=[finding()]))
    assert told(room, server_id) == [["replaced"], ["replaced"], []]
    room.remove(agent.agent_id)
    assert told(room, server_id)[-1] == []
    assert check(room.room).equal


def test_sites_with_findings_can_be_asked_for(room):
    agent, _ = room.enrolled()
    room.report(agent.agent_id, room.site(findings=[finding()]), room.site("b.test"))
    for amiss, names in ((True, [NAME]), (False, ["b.test"]), (None, ["b.test", NAME])):
        assert [site.name for site in room.list_sites(amiss=amiss).items] == names
    assert room.list_sites(account="account-2", amiss=True).items == []


def test_a_finding_names_the_order_whose_certificate_was_there(room):
    agent, server_id = room.enrolled()
    room.report(agent.agent_id, room.site())
    (site,) = room.list_sites().items
    room.installation_requested(server_id, site.site_id)
    (job,) = room.claim(agent.agent_id)
    room.finish_job(agent.agent_id, job.job_id, result={"served_serial": job.arguments["serial"], "site": site.name})
    room.report(agent.agent_id, room.site(findings=[finding()]))
    events = [one.data for one in room.room.events(sites_model.stream(server_id))]
    (changed,) = [one for one in events if isinstance(one, installer.SiteFindingsChanged)]
    assert (changed.order_id, changed.installation_id) == ("order-1", job.arguments["installation_id"])
    assert check(room.room).equal


@pytest.mark.parametrize("paid", [False, True])
def test_a_certificate_that_ends_without_an_order_is_found_and_an_order_that_is_paid_ends_it(room, paid):
    agent, server_id = room.enrolled()
    room.report(agent.agent_id, tls_site(room, days=31), tls_site(room, "far.test", days=300, names=["far.test"]))
    room.look_at_ends()
    assert told(room, server_id) == []
    room.clock.forward(days=2)
    room.look_at_ends()
    room.look_at_ends()
    assert told(room, server_id) == [["expires_without_order"]]
    room.report(agent.agent_id, tls_site(room, days=29), tls_site(room, "far.test", days=298, names=["far.test"]))
    room.cover(placed(account="account-2"))
    room.cover(placed("o2", names=["other.test", "*.example.test"]))
    if paid:
        room.cover(orders.OrderPaid(order_id="o2", amount=1, currency="USD", source="card"))
    room.look_at_ends()
    assert told(room, server_id) == [["expires_without_order"], *([[]] if paid else [])]
    room.cover(orders.OrderExpired(order_id="o2"))
    room.look_at_ends()
    assert told(room, server_id)[-1] == ["expires_without_order"]


def test_more_sites_than_a_page_are_looked_at(room, monkeypatch):
    monkeypatch.setattr("services.installer.projections.watching.PAGE", 2)
    agent, server_id = room.enrolled()
    names = [f"{number}.test" for number in range(5)]
    room.report(agent.agent_id, *(tls_site(room, name, days=3, names=[name]) for name in names))
    room.look_at_ends()
    assert told(room, server_id) == [["expires_without_order"]] * 5
    room.look_at_ends()
    assert len(told(room, server_id)) == 5


def test_what_the_service_sees_outlives_what_an_agent_says(room):
    agent, server_id = room.enrolled()
    site = tls_site(room, days=3)
    room.report(agent.agent_id, site)
    room.look_at_ends()
    room.report(agent.agent_id, msgspec.structs.replace(site, findings=[finding()]))
    room.report(agent.agent_id, site)
    kinds = [["expires_without_order"], ["replaced", "expires_without_order"], ["expires_without_order"]]
    assert told(room, server_id) == kinds


def test_a_key_on_several_servers_is_counted_within_the_account_alone(room):
    first, _ = room.enrolled()
    second, _ = room.enrolled("second", token="u" * 40)
    room.report(first.agent_id, tls_site(room), tls_site(room, "alone.test", spki="2" * 64))
    room.report(second.agent_id, tls_site(room, "b.test"), tls_site(room, "c.test"))
    counts = {site.name: site.key_servers for site in room.list_sites().items}
    assert counts == {NAME: 1, "alone.test": 0, "b.test": 1, "c.test": 1}


def test_a_key_of_another_account_is_told_to_nobody_but_counted_for_the_operator(room):
    mine, _ = room.enrolled()
    room.report(mine.agent_id, tls_site(room))
    other = InstallerRoom(room.app, room.clock, "account-2")
    agent, _ = other.enrolled("theirs", token="u" * 40)
    other.report(agent.agent_id, tls_site(room))
    assert [site.key_servers for site in other.list_sites().items] == [0]
    assert [site.key_servers for site in room.list_sites().items] == [0]
    with room.room.query() as connection:
        assert keys_of_several_accounts(connection) == 1


def test_every_finding_has_words_and_a_cure():
    for one in shown([finding(kind, mode="0644", owner="root", until=SINCE, evidence="/x") for kind in SEVERITIES]):
        assert one.text.endswith((".", "!"))
        assert one.cure.endswith(".")
        assert "None" not in one.text
