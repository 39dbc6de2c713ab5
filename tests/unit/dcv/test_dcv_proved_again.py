# SPDX-License-Identifier: Apache-2.0
"""A proof that has grown too old is made again without a human, where the service can do so by itself."""

from datetime import timedelta

import pytest

from services.dcv.handlers import challenges
from services.dcv.model import authorization as model
from services.dcv.model.judging import Outcome, Reason, refused
from shared.clock import derived_id, to_text
from shared.contracts import dcv
from shared.contracts.installer import DCVFileFailed, DCVFilePlaced
from shared.contracts.orders import CSRSubmitted
from shared.errors import ServiceError
from tests.support.dcv_room import ACCOUNT

NAME = "www.shop-demo.com"
ID = derived_id("authorization", ACCOUNT, NAME)
FILE = {"placement_id": "p", "path": "/.well-known/pki-validation/X.txt", "content": "x"}
ORDER = {"order_id": "order-1", "authorization_id": ID}


def requested(method="http_csr_hash", version=1, **changes):
    fields = {"md5": "M", "sha256": "S", "unique_value": "u", "account_id": ACCOUNT, "fqdn": NAME, **changes}
    return dcv.AuthorizationRequested(**ORDER, csr_version=version, method=method, **fields)


def passed(method="http_csr_hash", version=1):
    fields = {"rules_version": "r", "expires_at": "2026-06-01T00:00:00Z", "proved_at": "2025-11-01T00:00:00Z"}
    return dcv.DCVPassed(
        **ORDER, account_id=ACCOUNT, csr_version=version, fqdn=NAME, method=method, reused=False, **fields
    )


# --- Given events, When a new CSR needs the name, Then ---------------------------------------------------------------


@pytest.mark.parametrize("chosen", ["http_csr_hash", "https_csr_hash"])
@pytest.mark.parametrize("proved", ["http_csr_hash", "https_csr_hash"])
def test_a_name_that_a_file_proved_gets_the_next_file_from_whoever_serves_it(proved, chosen):
    state = model.authorization([requested(proved), passed(proved), requested(chosen, version=2)])
    [asked] = model.ask_again_for_file(state, "order-1", **FILE)
    assert asked == dcv.DCVFileRequested(**ORDER, account_id=ACCOUNT, server_id="", fqdn=NAME, **FILE)


@pytest.mark.parametrize(
    "history",
    [
        [requested()],  # never proved: whoever begins with a name says how
        [requested("email"), passed("email"), requested("http_csr_hash", version=2)],  # another way until now
        [requested(), passed(), requested("email", version=2)],
        [requested(), passed(), requested("", version=2)],
        [requested(), passed()],  # nothing is wanted
        [requested(), passed(), requested(version=2), dcv.ValidationEnded(**ORDER)],
    ],
    ids=["first", "by-mail-before", "by-mail-now", "no-method", "proved", "ended"],
)
def test_otherwise_a_person_says_so(history):
    assert model.ask_again_for_file(model.authorization(history), "order-1", **FILE) == []


def test_an_order_that_does_not_need_the_name_is_not_known():
    with pytest.raises(ServiceError):
        model.ask_again_for_file(model.authorization([requested()]), "order-2", **FILE)


# --- over a real room ------------------------------------------------------------------------------------------------


def proved(world, method="http_csr_hash"):
    world.csr(NAME, method=method)
    if method != "dns_persist":
        world.check(NAME)
    world.run_jobs()
    assert world.list()[0].status == "valid"


def told(world, kind, **fields):
    [*_, asked] = world.events(NAME, dcv.DCVFileRequested)
    common = {"order_id": "order-1", "account_id": ACCOUNT, "authorization_id": ID, "fqdn": NAME}
    handler = challenges.on_file_placed if kind is DCVFilePlaced else challenges.on_file_failed
    world.react(handler, kind(**common, placement_id=asked.placement_id, **fields), f"dcv.{handler.__name__}")


def test_a_reissue_with_an_old_proof_by_file_is_proved_with_no_command_of_anybody(world):
    proved(world)
    world.clock.at += timedelta(days=100)  # 200 count, 100 from 2027-03-15 on
    world.csr(NAME, version=2)
    assert world.list()[0].reused
    assert world.events(NAME, dcv.DCVFileRequested) == []
    world.clock.at += timedelta(days=101)
    world.csr(NAME, version=3)
    [asked] = world.events(NAME, dcv.DCVFileRequested)
    assert (asked.server_id, asked.path) == ("", f"/.well-known/pki-validation/{3:032X}.txt")
    assert asked.content == f"{3:064x}\ncertwright.example\nu3\n"
    world.run_jobs()
    assert len(world.lookup.asked) == 1  # nothing to look for before it stands
    told(world, DCVFilePlaced, written_path="/srv/x")
    world.run_jobs()
    [*_, fresh] = world.events(NAME, dcv.DCVPassed)
    assert (fresh.csr_version, fresh.reused, fresh.proved_at) == (3, False, to_text(world.clock.now()))
    assert [one.passed for one in world.list()[0].attempts] == [True, True]
    world.csr(NAME, version=3)
    assert len(world.events(NAME, dcv.DCVFileRequested)) == 1


def test_a_renewal_is_another_order_and_is_proved_like_that_too(world):
    proved(world)
    world.clock.at += timedelta(days=365)
    world.csr(NAME, order="order-2")
    [asked] = world.events(NAME, dcv.DCVFileRequested)
    assert (asked.order_id, asked.server_id) == ("order-2", "")


def test_where_nobody_can_place_it_the_order_says_at_once_what_is_missing(world):
    proved(world)
    world.clock.at += timedelta(days=250)
    world.csr(NAME, version=2)
    told(world, DCVFileFailed, reason="No agent looks after it.", code="no_web_root")
    shown = world.list()[0]
    assert (shown.status, shown.attempts[0].reason, shown.attempts[0].advice) == (
        "open",
        "file_not_placed",
        "No agent looks after it.",
    )
    world.check(NAME)  # a person has placed it
    world.run_jobs()
    assert world.list()[0].status == "valid"
    told(world, DCVFileFailed, reason="Another host was too late.", code="agent_late")
    assert world.list()[0].attempts[0].passed  # of no interest any more


def test_a_file_that_is_not_seen_at_first_is_looked_for_again(world):
    proved(world)
    world.clock.at += timedelta(days=250)
    world.csr(NAME, version=2)
    told(world, DCVFilePlaced, written_path="/srv/x")
    world.lookup.outcome = refused(Reason.NOT_FOUND, {})
    world.run_jobs()
    world.lookup.outcome = Outcome(passed=True)
    world.clock.at += timedelta(seconds=6)
    world.run_jobs()
    assert world.list()[0].status == "valid"


def test_a_persistent_record_is_looked_up_again_by_itself(world):
    proved(world, "dns_persist")
    world.clock.at += timedelta(days=150)
    csr = world.csr(NAME, version=2).data
    assert isinstance(csr, CSRSubmitted)
    world.run_jobs()
    [*_, fresh] = world.events(NAME, dcv.DCVPassed)
    assert (fresh.csr_version, fresh.method, fresh.reused) == (2, "dns_persist", False)
    assert world.events(NAME, dcv.DCVFileRequested) == []
