# SPDX-License-Identifier: Apache-2.0
"""Mail contacts in the DNS: found for one name, and offered as enough perspectives see them."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import Any

import dns.exception
import dns.rdata

from services.dcv.adapters.patience import LOOK_S, QUESTION_S, UntilResolver
from services.dcv.model import contacts as model
from services.dcv.model.acme import texts_of
from services.dcv.model.contacts import AskedContact
from services.dcv.model.corroboration import Seen, corroborate
from services.dcv.model.judging import Outcome
from services.dcv.ports import OfferedContact, Target
from shared.checker.caa import look_up
from shared.clock import Clock
from shared.egress.perspectives import Perspective, from_each, open_perspectives
from shared.egress.resolver import Answer, Resolver
from shared.egress.settings import EgressSettings
from shared.pki.fqdn import FQDN
from shared.pki.quorum import Profile
from shared.pki.rules import Rules

_MOST_LABELS = 127  # of any name (RFC 1035 §2.3.4)
Answered = tuple[AskedContact, str]  # with the server that answered


class ContactRecords:
    """What one resolver says of the contacts of a name."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver

    def look(self, target: Target) -> Outcome:
        """Whether the address of the target stands in a record of its name."""
        return judged(self.ask(target.fqdn, target.method), target.address)

    def ask(self, fqdn: str, method: str) -> list[Answered]:
        """All that is asked to find the contacts of `method`."""
        return self._caa(fqdn) if method == model.CAA_CONTACT else self._txt(fqdn)

    def _caa(self, fqdn: str) -> list[Answered]:
        """The relevant record set (RFC 8659 §3). One that stands above the registrable name is the registry's own and
        names nobody who could speak for this name."""
        found = look_up(self._resolver, fqdn, public_only=False, most_labels=_MOST_LABELS, retries=1)
        own = {name.text for name in FQDN.parse(fqdn).walk()}
        asked = []
        for answer in found.answers:
            at = answer.question.removesuffix(". CAA")
            values = values_of_caa(answer.records) if found.checked and at in own else []
            asked.append(_answered(answer, at, values))
        return asked

    def _txt(self, fqdn: str) -> list[Answered]:
        """At the name and above, to the registrable name: each may be the authorization domain name."""
        asked = []
        for name in FQDN.parse(fqdn).walk():
            answer = self._resolver.ask(model.record_name(name.text), "TXT")
            asked.append(_answered(answer, name.text, texts_of(answer.records)))
            if answer.status == "timeout":
                break  # silence, which the parents of the name would only repeat
        return asked


def values_of_caa(records: Iterable[str]) -> list[str]:
    """The values of the contact properties among CAA records in presentation form, not cleaned in any way."""
    found = []
    for text in records:
        try:
            read: Any = dns.rdata.from_text("IN", "CAA", text)
        except (dns.exception.DNSException, ValueError):
            continue
        if read.tag.lower() == model.PROPERTY.encode():
            found.append(read.value.decode("ascii", "backslashreplace"))
    return found


def judged(asked: Sequence[Answered], address: str) -> Outcome:
    """What the answers say of one address."""
    server = next((server for _, server in asked if server), "")
    return model.judge([one for one, _ in asked], address, {"resolver": server})


def _answered(answer: Answer, at: str, values: list[str]) -> Answered:
    return AskedContact(at, answer.question, answer.status, values, answer.dnssec), answer.server


class CorroboratedContacts:
    """See `ports.Contacts`. The first of `perspectives` is the primary one: what it does not see is not offered."""

    def __init__(self, perspectives: Sequence[Perspective], profile: Profile, clock: Clock) -> None:
        self._perspectives = tuple(perspectives)
        self._profile = profile
        self._clock = clock

    def offered(self, fqdn: str) -> list[OfferedContact]:
        """See `ports.Contacts.offered`."""
        ends = time.monotonic() + LOOK_S

        def asked_from(place: Perspective) -> dict[str, list[Answered]]:
            records = ContactRecords(UntilResolver(place.resolver, ends))
            return {method: records.ask(fqdn, method) for method in model.CONTACT_METHODS}

        said = from_each(self._perspectives, asked_from)
        rules = Rules.at(self._clock.now())
        return [
            OfferedContact(method, contact, self._together([each[method] for each in said], contact.address, rules))
            for method in model.CONTACT_METHODS
            for contact in model.contacts_in([one for one, _ in said[0][method]])
        ]

    def _together(self, said: Sequence[Sequence[Answered]], address: str, rules: Rules) -> Outcome:
        seen = [
            Seen(name=place.name, region=place.region, server=place.server, outcome=judged(asked, address))
            for place, asked in zip(self._perspectives, said, strict=True)
        ]
        return corroborate(seen, rules, self._profile)


def open_contacts(egress: EgressSettings, clock: Clock) -> CorroboratedContacts:
    """By the operator's settings, with shorter patience."""
    hasty = egress.model_copy(update={"dns_timeout_s": min(egress.dns_timeout_s, QUESTION_S)})
    return CorroboratedContacts(open_perspectives(hasty), egress.corroboration, clock)
