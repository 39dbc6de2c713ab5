# SPDX-License-Identifier: Apache-2.0
"""A preliminary look at names from every perspective: addresses, DNSSEC, CAA, and whether the web ports are open."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from services.dcv.adapters.patience import LOOK_S, QUESTION_S, UntilResolver
from services.dcv.model.preflight import PORTS
from services.dcv.ports import NameSeen
from services.dcv.settings import DCVSettings
from shared.checker.caa import look_up
from shared.checker.caa_gate import judge_seen
from shared.checker.caa_verdict import Asking, CAAVerdict, judge_caa, method_label
from shared.clock import Clock
from shared.contracts.preflight import CAASeen, DNSAnswer, PerspectiveSeen, PortSeen
from shared.egress.guard import Egress, EgressError
from shared.egress.perspectives import Perspective, open_perspectives
from shared.egress.resolver import Resolver, worst_standing
from shared.egress.settings import EgressSettings
from shared.pki.quorum import Profile
from shared.pki.rules import Rules

CONNECT_S = 2.0
AT_ONCE = 24
_MOST_LABELS = 127


class Preflight:
    """See `ports.Scout`."""

    def __init__(
        self,
        perspectives: Sequence[Perspective],
        identities: Sequence[str],
        profile: Profile,
        *,
        clock: Clock,
        settings: DCVSettings,
    ) -> None:
        self._perspectives = tuple(perspectives)
        self._identities = tuple(identities)
        self._profile = profile
        self._clock = clock
        self._web_ports = {80: settings.http_port, 443: settings.https_port}
        self.profile = profile

    def look(self, names: Sequence[str], method: str) -> list[NameSeen]:
        """See `ports.Scout.look`."""
        ends = time.monotonic() + LOOK_S
        looks = [(name, place) for name in names for place in self._perspectives]
        with ThreadPoolExecutor(min(AT_ONCE, len(looks))) as pool:
            found = list(pool.map(lambda each: self._from(each[1], each[0], method, ends), looks))
        width = len(self._perspectives)
        return [self._together(found[start : start + width]) for start in range(0, len(found), width)]

    def _from(
        self, place: Perspective, name: str, method: str, ends: float
    ) -> tuple[PerspectiveSeen, CAAVerdict | None]:
        resolver = UntilResolver(place.resolver, ends)
        host = name.removeprefix("*.")
        # A wildcard's own name need not exist; files, which need an address, do not prove it.
        asked = [resolver.ask(host, kind) for kind in ("A", "AAAA")]
        verdict = None
        if self._identities or self._profile == "public":
            found = look_up(resolver, name, public_only=False, most_labels=_MOST_LABELS, retries=1)
            verdict = judge_caa(found, Asking(self._identities, method=method_label(method)))
        addresses = [record for answer in asked for record in answer.records]
        ports: list[PortSeen] = []
        refused = ""
        if addresses and not name.startswith("*."):
            ports, refused = self._dial(place.egress, resolver, host, PORTS.get(method, ()), ends)
        seen = PerspectiveSeen(
            name=place.name,
            region=place.region,
            primary=place is self._perspectives[0],
            addresses=addresses,
            alias=next((answer.alias for answer in asked if answer.alias), "").removesuffix("."),
            dnssec=worst_standing([each for each in asked if each.dnssec == "bogus" or not each.failed]),
            refused=refused,
            caa=_said(verdict) if verdict else None,
            ports=ports,
            answers=[DNSAnswer(**each.evidence()) for each in resolver.answers],
        )
        return seen, verdict

    def _dial(
        self, egress: Egress, resolver: Resolver, host: str, ports: Sequence[int], ends: float
    ) -> tuple[list[PortSeen], str]:
        found = []
        for port in ports:
            wanted = self._web_ports[port]
            left = max(min(CONNECT_S, ends + CONNECT_S - time.monotonic()), 0.1)
            try:
                # By the answers that are at hand: nothing is resolved a second time.
                connection, _, address = egress.by(resolver).connect(host, wanted, timeout_s=left, ports=(wanted,))
            except EgressError as error:
                address = str(error.evidence.get("address", ""))
                if error.reason == "address_refused":
                    return [], f"{address} {error.evidence.get('refusal', '')}"
                found.append(
                    PortSeen(port=port, reachable=False, address=address, reason=error.reason, detail=error.detail)
                )
                continue
            connection.close()
            found.append(PortSeen(port=port, reachable=True, address=address))
        return found, ""

    def _together(self, found: Sequence[tuple[PerspectiveSeen, CAAVerdict | None]]) -> NameSeen:
        verdicts = [verdict for _, verdict in found if verdict is not None]
        caa = None
        if len(verdicts) == len(found):
            rules = Rules.at(self._clock.now())
            caa = _said(judge_seen(self._perspectives, verdicts, rules=rules, profile=self._profile).verdict)
        return NameSeen([seen for seen, _ in found], caa)


def _said(verdict: CAAVerdict) -> CAASeen:
    return CAASeen(
        allowed=verdict.allowed,
        code=verdict.code,
        reason=verdict.reason,
        at=verdict.at,
        record=verdict.record,
        cure=verdict.cure,
        iodef=list(verdict.iodef),
    )


def open_preflight(
    egress: EgressSettings, identities: Sequence[str], *, clock: Clock, settings: DCVSettings
) -> Preflight:
    """By the operator's settings, with shorter patience."""
    hasty = egress.model_copy(update={"dns_timeout_s": min(egress.dns_timeout_s, QUESTION_S)})
    return Preflight(open_perspectives(hasty), identities, egress.corroboration, clock=clock, settings=settings)
