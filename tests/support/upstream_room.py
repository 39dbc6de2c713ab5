# SPDX-License-Identifier: Apache-2.0
"""A CA room whose DV certificates another CA signs, with the files that it looks for."""

import time
from contextlib import contextmanager

from services.ca.adapters.acme_account import Enrolment, account_key
from services.ca.adapters.acme_upstream import ACMEUpstream
from services.ca.adapters.challenge_delivery import ChallengeDelivery
from services.ca.jobs import get_challenge_answer
from shared.clock import SystemClock
from shared.contracts.ca import CertificateSigned, GetChallengeAnswer, IssuanceRefused
from shared.egress.guard import open_egress
from shared.egress.resolver import DNSResolver
from shared.egress.settings import EgressSettings
from shared.errors import ServiceError
from tests.support.ca_room import ca_room
from tests.support.challenge_web import answering

PATIENCE_S = 60


def upstream(folder, server, dns, *, prefer="http-01", eab=("", "")):
    egress = EgressSettings(allow_networks=["127.0.0.0/8"], nameservers=[dns.nameserver])
    delivery = ChallengeDelivery(open_egress(egress), DNSResolver(egress.nameservers), http_port=server.http_port)
    (folder / "ca").mkdir(mode=0o700, exist_ok=True)
    (folder / "ca" / "passphrase").touch(mode=0o600)
    (folder / "ca" / "passphrase").write_text("a passphrase that is long enough")
    enrolment = Enrolment(server.directory, eab_key_id=eab[0], eab_key=eab[1], trust=str(server.trust))
    key = account_key(folder / "ca", None)
    return ACMEUpstream("Pebble", key, enrolment, delivery, prefer=prefer, poll_s=0.05, unseen_wait_s=0.2)


@contextmanager
def room(folder, server, dns, **options):
    """A CA whose DV certificates Pebble signs, and its files on Pebble's port."""
    account = folder / "account"
    account.mkdir(parents=True)
    issuer = upstream(account, server, dns, **options)
    with ca_room(folder, clock=SystemClock(), upstream=issuer) as ca:

        def content(token):
            try:
                return get_challenge_answer(ca.app, GetChallengeAnswer(token=token)).content
            except ServiceError:
                return None

        with answering(server.http_port, content):
            yield ca


def finish(ca, *issuance_ids):
    """Works until all of them have ended; their facts."""
    deadline = time.monotonic() + PATIENCE_S
    ends = (CertificateSigned, IssuanceRefused)
    while not all(any(isinstance(fact, ends) for fact in ca.facts(each)) for each in issuance_ids):
        assert time.monotonic() < deadline, [ca.facts(each)[-1] for each in issuance_ids]
        ca.work()
        time.sleep(0.05)
    return [ca.facts(each) for each in issuance_ids]


def ask(ca, number, names, **changes):
    ca.asked(ca.request(number=number, names=names, **changes))
    return f"issuance-{number}"
