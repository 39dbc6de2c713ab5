# SPDX-License-Identifier: Apache-2.0
"""What every issuer keeps to, whoever signs: the built-in CA, and another one over ACME (Debian's Pebble)."""

import time
from contextlib import contextmanager

import msgspec
import pytest

from services.ca.ports import ChallengesMade, IssuerRefusedError, OrderIntended, OrderOpened, Progress, Signed, Wait
from shared.clock import SystemClock, from_text
from shared.pki.certificate import chain_problems, differences, parse_certificate, parse_chain
from shared.pki.csr import parse_csr
from shared.pki.rules import Rules
from tests.support import csr_builder
from tests.support.ca_room import ca_room
from tests.support.challenge_web import answering
from tests.support.dns import ProgrammableDNS
from tests.support.pebble import pebble
from tests.support.upstream_room import upstream

PATIENCE_S = 60


class Tried:
    """An issuer, and what its caller would record."""

    def __init__(self, issuer, policy_room, answers):
        self.issuer = issuer
        self.room = policy_room
        self.answers = answers

    def accepted(self, number, names, **changes):
        self.room.asked(self.room.request(number=number, names=names, **changes))
        return self.room.facts(f"issuance-{number}")[0]

    def walk(self, accepted):
        """Every step to the certificate: the steps, and the progress before the last one."""
        progress, steps = Progress(), []
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            step = self.issuer.advance(accepted, progress)
            steps.append(step)
            if isinstance(step, Signed):
                return steps, progress
            if isinstance(step, OrderIntended):
                progress = Progress(intended=True, fresh=True)
            elif isinstance(step, OrderOpened):
                progress = Progress(intended=True, order_url=step.url)
            elif isinstance(step, ChallengesMade):
                self.answers |= {each.token: each.value for each in step.challenges}
                progress = Progress(intended=True, order_url=progress.order_url, challenges=step.challenges)
            else:
                time.sleep(min(step.seconds, 0.1))
        raise AssertionError(steps)


@contextmanager
def built_in(folder):
    with ca_room(folder, clock=SystemClock()) as room:
        yield Tried(room.app.issuer, room, {})


@contextmanager
def over_acme(folder):
    answers = {}
    (folder / "account").mkdir()
    with ProgrammableDNS() as dns, pebble(folder / "pebble", nameserver=dns.nameserver, sleep=False) as server:
        for name in ("www.example.com", "example.com", *(f"h{number}.example.com" for number in range(9))):
            dns.set(name, "A", ["127.0.0.1"])
        issuer = upstream(folder / "account", server, dns)
        with answering(server.http_port, answers.get), ca_room(folder, clock=SystemClock(), upstream=issuer) as room:
            yield Tried(issuer, room, answers)


@pytest.fixture(scope="module", params=[built_in, over_acme], ids=lambda made: made.__name__)
def tried(request, tmp_path_factory):
    with request.param(tmp_path_factory.mktemp("issuer")) as made:
        yield made


@pytest.mark.parametrize(("number", "kind"), [(1, "P-256"), (2, "P-384"), (3, "rsa2048")])
def test_the_certificate_is_what_was_asked_for(tried, number, kind):
    names = ["example.com", "www.example.com"]
    accepted = tried.accepted(number, names, csr_pem=csr_builder.pem(names[0], names, kind=kind))
    signed = tried.walk(accepted)[0][-1]
    certificate, chain = parse_certificate(signed.certificate_pem), parse_chain(signed.chain_pem)
    now = SystemClock().now()
    limit = int(Rules.at(now).longest.total_seconds())
    key = parse_csr(accepted.csr_pem).key.spki_sha256
    assert differences(certificate, spki_sha256=key, names=names, now=now, max_seconds=limit) == []
    assert chain
    assert chain_problems(certificate, chain) == []
    assert not any(each.self_issued for each in chain)
    assert (signed.serial, signed.fingerprint_sha256) == (certificate.serial, certificate.sha256)
    assert from_text(signed.not_after or accepted.not_after) == certificate.not_after


def test_asked_again_it_makes_no_second_certificate(tried):
    accepted = tried.accepted(4, ["h4.example.com"])
    steps, before = tried.walk(accepted)
    assert tried.issuer.advance(accepted, before) == steps[-1]


def test_every_step_but_waiting_comes_once(tried):
    steps, _ = tried.walk(tried.accepted(5, ["h5.example.com"]))
    kinds = [type(step) for step in steps if not isinstance(step, Wait)]
    assert len(kinds) == len(set(kinds))


def test_what_another_issuer_accepted_is_refused(tried):
    accepted = tried.accepted(6, ["h6.example.com"])
    assert accepted.issuer == tried.issuer.name
    with pytest.raises(IssuerRefusedError):
        tried.issuer.advance(msgspec.structs.replace(accepted, issuer="Somebody Else"), Progress())


def test_revoking_twice_is_well(tried):
    signed = tried.walk(tried.accepted(7, ["h7.example.com"]))[0][-1]
    tried.issuer.revoke(signed.certificate_pem, 4)
    tried.issuer.revoke(signed.certificate_pem, 4)
